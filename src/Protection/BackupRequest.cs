using System.Globalization;
using Strongroom.Repository;

namespace Strongroom.Protection;

/// <summary>One backup to be made of one resource, all its members of one instant.</summary>
public sealed record BackupRequest
{
    /// <summary>The key domain: the project's id.</summary>
    public required string DomainId { get; init; }

    /// <summary>The id the API gave; the repository lists the backup under it.</summary>
    public required string BackupId { get; init; }

    public required string ResourceId { get; init; }

    public required string ResourceName { get; init; }

    /// <summary>As on the wire, <c>OS::Nova::Server</c> and so on.</summary>
    public required string ResourceType { get; init; }

    /// <summary>
    /// What is read: one member whose id is <see cref="BackupId"/> for a disk or a file system, one per disk for a server.
    /// </summary>
    public required IReadOnlyList<BackupMember> Members { get; init; }

    /// <summary>Start of the run, UTC.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>False reads everything without asking what the last backup of the resource held; the result is the same.</summary>
    public bool Incremental { get; init; } = true;

    /// <summary>
    /// True reads every byte of the sources, also of a file or image whose times and size say that it is as it was. What is
    /// read is still compared with the last backup.
    /// </summary>
    public bool ReadsUnchanged { get; init; }

    /// <summary>
    /// True takes a source that lost what it had: a tree that is empty now, or is another file system with a tenth of the files, a
    /// disk that has no bytes any more. Otherwise the run fails, since that is what an unmounted source looks like.
    /// </summary>
    public bool AcceptLoss { get; init; }

    /// <summary>Free text kept with the backup for whoever finds it without the database: vault, checkpoint, name.</summary>
    public IReadOnlyDictionary<string, string> Attributes { get; init; } = new Dictionary<string, string>();

    /// <summary>
    /// Called right before the commit with what is about to be committed; throws when the caller no longer owns the task, or does
    /// not want that much. Null: nothing to ask.
    /// </summary>
    public Func<BackupOutcome, CancellationToken, ValueTask>? BeforeCommit { get; init; }
}

/// <param name="MemberId">Id of the member's own backup.</param>
/// <param name="ResourceId">The disk or file system read.</param>
/// <param name="Name">For people.</param>
/// <param name="Location">What the driver opens.</param>
/// <param name="Driver">The driver's name in the catalogue; null lets the catalogue choose by what is there.</param>
public sealed record BackupMember(string MemberId, string ResourceId, string Name, string Location, string? Driver = null);

/// <summary>What a finished run achieved. Only returned after the backup is durable.</summary>
public sealed record BackupOutcome
{
    /// <summary>The attribute the instant is kept under, microseconds since 1970, since only the run knows it.</summary>
    internal const string ProtectedAtAttribute = "strongroom.protected-at";

    public required IReadOnlyList<MemberOutcome> Members { get; init; }

    /// <summary>The instant whose state was taken.</summary>
    public required DateTimeOffset ProtectedAt { get; init; }

    /// <summary>How many entries are missing or were torn; above 0 the backup is partial, and must be called so.</summary>
    public required long ProblemCount { get; init; }

    /// <summary>The first few of them, for people.</summary>
    public required IReadOnlyList<string> Problems { get; init; }

    public bool IsPartial => ProblemCount > 0;

    /// <summary>The outcome of a backup committed earlier, for those who were not there when its run ended.</summary>
    public static BackupOutcome Of(BackupRecord record) => new()
    {
        Members =
        [
            .. record.Members.Select(member => new MemberOutcome(
                member.Id, member.SizeBytes, member.DataBytes, member.ChangedBytes, member.StoredBytes, member.Incremental)),
        ],
        ProtectedAt = record.Attributes.TryGetValue(ProtectedAtAttribute, out string? text)
            && long.TryParse(text, CultureInfo.InvariantCulture, out long microseconds)
            ? DateTimeOffset.UnixEpoch.AddTicks(microseconds * TimeSpan.TicksPerMicrosecond)
            : record.CreatedAt,
        ProblemCount = record.ProblemCount,
        Problems = record.Problems,
    };
}

/// <param name="MemberId">As in the request.</param>
/// <param name="SizeBytes">Disk: its size. Tree: sum of file sizes.</param>
/// <param name="DataBytes">Bytes that are not holes or zeros.</param>
/// <param name="ChangedBytes">Of those, bytes not in the backup before (all of them in the first): what CBR counts as used.</param>
/// <param name="StoredBytes">What the store grew by for this member, compressed and sealed.</param>
/// <param name="IsIncremental">A backup of the same resource was there to compare with.</param>
public sealed record MemberOutcome(
    string MemberId, long SizeBytes, long DataBytes, long ChangedBytes, long StoredBytes, bool IsIncremental);
