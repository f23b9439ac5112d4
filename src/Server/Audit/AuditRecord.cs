using Strongroom.Contract;
using Strongroom.Contract.Audit;

namespace Strongroom.Server.Audit;

/// <summary>
/// Somebody asked for a change. Made when the request is let in, and completed while it is answered; neither bodies nor
/// queries, tokens or secrets ever come into it.
/// </summary>
internal sealed class AuditRecord
{
    /// <summary>The name under which the service's own doings stand; no user has an id like it, which is empty.</summary>
    public const string System = "system";

    /// <summary>The request's id.</summary>
    public required string Id { get; init; }

    public required DateTimeOffset RecordedAt { get; init; }

    /// <summary>The project the caller works in; empty for none.</summary>
    public string ProjectId { get; set; } = "";

    /// <summary>Empty for a log-in that failed.</summary>
    public string UserId { get; set; } = "";

    /// <summary>Of a log-in that failed: the name that was tried; of what the service did by itself: <see cref="System"/>.</summary>
    public string UserName { get; set; } = "";

    /// <summary>Of a signed request.</summary>
    public string? AccessKey { get; init; }

    /// <summary>As in the policy: <c>cbr:vaults:create</c>.</summary>
    public required string Action { get; init; }

    public required string Method { get; init; }

    public required string Path { get; init; }

    /// <summary>What it was done to: the innermost id of the path, or that of what was made.</summary>
    public string? ResourceId { get; set; }

    /// <summary>Where the request came from.</summary>
    public required string Address { get; init; }

    /// <summary>Of the answer. Null: the change is made, but nobody was answered, because the process ended or the caller left.</summary>
    public int? Status { get; set; }

    /// <summary>Of a refusal.</summary>
    public string? ErrorCode { get; set; }

    public AuditRecordShape ToShape() => new(
        Id,
        WireUnits.Instant(RecordedAt),
        ProjectId,
        UserId,
        UserName,
        AccessKey,
        Action,
        Method,
        Path,
        ResourceId,
        Address,
        Status,
        ErrorCode);
}
