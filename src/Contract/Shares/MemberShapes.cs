using System.Text.Json.Serialization;

namespace Strongroom.Contract.Shares;

public sealed record MemberReply(MemberShape Member);

/// <param name="Members">Of an addition: the ones just added, in the order asked for.</param>
/// <param name="Count">Matches before paging.</param>
public sealed record MemberListReply(IReadOnlyList<MemberShape> Members, long Count);

/// <summary>One project a backup is shared with.</summary>
/// <param name="Id">Of the record; in paths a member goes by <paramref name="DestProjectId"/>.</param>
/// <param name="BackupId">The shared backup.</param>
/// <param name="DestProjectId">The recipient; this is the <c>member_id</c> of paths.</param>
/// <param name="Status"><c>pending</c>, <c>accepted</c> or <c>rejected</c>.</param>
/// <param name="VaultId">The recipient's vault once it accepted; else null.</param>
/// <param name="ImageId">An image the recipient made of it: none can be made here, so null.</param>
/// <param name="CreatedAt">When it was shared.</param>
/// <param name="UpdatedAt">When the recipient last answered; null until then.</param>
public sealed record MemberShape(
    string Id,
    string BackupId,
    string DestProjectId,
    string Status,
    string? VaultId,
    string? ImageId,
    string CreatedAt,
    string? UpdatedAt);

/// <summary>Writers and readers of the member shapes, made at compile time.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(MemberReply))]
[JsonSerializable(typeof(MemberListReply))]
public sealed partial class MemberJson : JsonSerializerContext;
