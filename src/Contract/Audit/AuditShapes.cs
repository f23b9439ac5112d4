using System.Text.Json.Serialization;

namespace Strongroom.Contract.Audit;

/// <summary>Somebody asked for a change in a project. An addition of this product.</summary>
/// <param name="RequestId">32 hex digits, as in the answer's <c>X-Request-Id</c>.</param>
/// <param name="RecordedAt">As all instants of the wire.</param>
/// <param name="ProjectId">The project the caller worked in.</param>
/// <param name="UserId">Empty for a log-in that failed.</param>
/// <param name="UserName">Of a log-in that failed: the name that was tried.</param>
/// <param name="AccessKey">Of a signed request; else null.</param>
/// <param name="Action">As in the policy: <c>cbr:vaults:create</c>.</param>
/// <param name="Method">POST, PUT, DELETE.</param>
/// <param name="Path">Without the query.</param>
/// <param name="ResourceId">What it was done to, or what it made; null when that is no single thing.</param>
/// <param name="Address">Where the request came from.</param>
/// <param name="Status">Of the answer; null when the change was made and nobody was answered.</param>
/// <param name="ErrorCode">Of a refusal; else null.</param>
public sealed record AuditRecordShape(
    string RequestId,
    string RecordedAt,
    string ProjectId,
    string UserId,
    string UserName,
    string? AccessKey,
    string Action,
    string Method,
    string Path,
    string? ResourceId,
    string Address,
    int? Status,
    string? ErrorCode);

/// <param name="Records">Newest first.</param>
/// <param name="Count">Of all that match, on every page.</param>
public sealed record AuditListReply(IReadOnlyList<AuditRecordShape> Records, long Count);

/// <summary>Writers and readers of the audit shapes, made at compile time.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(AuditListReply))]
public sealed partial class AuditJson : JsonSerializerContext;
