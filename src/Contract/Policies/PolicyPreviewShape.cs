using System.Text.Json.Serialization;

namespace Strongroom.Contract.Policies;

/// <summary>Answer to a preview of a policy: when it runs, and what it keeps and lets go. An addition of ours.</summary>
/// <param name="Runs">The next runs, the earliest first.</param>
/// <param name="Kept">What is there on the date asked for (of what is stored now, without a date), the newest first.</param>
/// <param name="Deleted">What has gone by then, the newest first.</param>
public sealed record PolicyPreviewReply(
    IReadOnlyList<PreviewRunShape> Runs, IReadOnlyList<PreviewBackupShape> Kept, IReadOnlyList<PreviewBackupShape> Deleted);

/// <param name="Utc">As in <c>2026-03-29T01:00:00Z</c>.</param>
/// <param name="Local">The same instant on the wall clock of the policy's zone: <c>2026-03-29T03:00:00+02:00</c>.</param>
public sealed record PreviewRunShape(string Utc, string Local);

/// <param name="BackupId">Null of a backup that does not exist yet.</param>
/// <param name="ResourceId">Null where no resource was looked at, only the policy.</param>
/// <param name="At">Start of its run: <c>2026-03-29T01:00:00Z</c>.</param>
/// <param name="Reasons">What holds it, or the one thing that lets it go; never empty.</param>
public sealed record PreviewBackupShape(
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? BackupId,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? ResourceId,
    string At,
    IReadOnlyList<string> Reasons);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(PolicyPreviewReply))]
public sealed partial class PolicyPreviewJson : JsonSerializerContext;
