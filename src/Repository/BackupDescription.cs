namespace Strongroom.Repository;

/// <summary>What a backup is of; kept in its root for whoever finds it without a database.</summary>
public sealed record BackupDescription
{
    /// <summary>1 to 64 of <c>[a-z0-9-]</c>; the backup is found under it for ever. A second commit under it is refused.</summary>
    public required string BackupId { get; init; }

    public required string ResourceId { get; init; }

    public required string ResourceName { get; init; }

    public required string ResourceType { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    public IReadOnlyDictionary<string, string> Attributes { get; init; } = new Dictionary<string, string>();

    /// <summary>
    /// The newest backup of the same resource, from <see cref="RepositoryDomain.FindNewestAsync"/>; null for the first. Its
    /// members are what new ones are compared with. When it was deleted meanwhile, the session does without.
    /// </summary>
    public BackupRecord? Previous { get; init; }
}

/// <param name="Id">Id of the member's own backup; <see cref="RepositoryDomain.FindBackupAsync"/> finds the backup by it too.</param>
/// <param name="ResourceId">The disk or file system read.</param>
/// <param name="Name">For people.</param>
/// <param name="Location">Where it was read from.</param>
public sealed record MemberDescription(string Id, string ResourceId, string Name, string Location);
