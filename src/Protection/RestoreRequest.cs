namespace Strongroom.Protection;

/// <summary>Members of one backup to be written back.</summary>
public sealed record RestoreRequest
{
    public required string DomainId { get; init; }

    /// <summary>The backup, or one of its members when only that is restored.</summary>
    public required string BackupId { get; init; }

    public required IReadOnlyList<RestoreMember> Members { get; init; }
}

/// <param name="MemberId">Which member.</param>
/// <param name="Location">Where its driver writes it.</param>
/// <param name="Driver">The driver's name; null lets the catalogue choose.</param>
/// <param name="RemoveOthers">Trees: entries the backup does not know are removed, so that the target equals the backup.</param>
public sealed record RestoreMember(string MemberId, string Location, string? Driver = null, bool RemoveOthers = false);

public sealed record RestoreOutcome
{
    public required long WrittenBytes { get; init; }

    /// <summary>What could not be put back as it was (owners, attributes); above 0 the restore is partial.</summary>
    public required long ProblemCount { get; init; }

    public required IReadOnlyList<string> Problems { get; init; }

    public bool IsPartial => ProblemCount > 0;
}
