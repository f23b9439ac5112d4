using System.Text.Json.Serialization;
using Strongroom.Contract.Tasks;

namespace Strongroom.Contract.Notifications;

// All of this is an addition of this product: CBR leaves text and channel of notifications to a service of its cloud.

/// <summary>What is told: the body a webhook gets, the same bytes at every attempt.</summary>
public sealed record NotificationShape
{
    /// <summary>Also the header <c>webhook-id</c> and the mail's Message-ID: whoever sees it twice was told twice.</summary>
    public required string Id { get; init; }

    /// <summary>
    /// <c>task_failed</c>, <c>task_partial</c>, <c>slot_skipped</c>, <c>task_stalled</c>, <c>vault_threshold</c>,
    /// <c>vault_full</c>, <c>daily_summary</c>, <c>test</c>.
    /// </summary>
    public required string Type { get; init; }

    /// <summary>When it happened, as in <c>2026-01-15T12:00:00Z</c>.</summary>
    public required string Timestamp { get; init; }

    /// <summary>Empty: of the installation as a whole.</summary>
    public required string ProjectId { get; init; }

    /// <summary>For people: a sentence, of a summary a page. The first line is a mail's subject.</summary>
    public required string Text { get; init; }

    /// <summary>Of <c>task_…</c> and <c>slot_skipped</c>.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public NotifiedTaskShape? Task { get; init; }

    /// <summary>Of <c>vault_…</c>.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public NotifiedVaultShape? Vault { get; init; }

    /// <summary>Of <c>daily_summary</c>.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public DailySummaryShape? Summary { get; init; }
}

public sealed record NotifiedTaskShape
{
    public required string Id { get; init; }

    public required string ProjectId { get; init; }

    public required string Kind { get; init; }

    /// <summary><c>failed</c>, <c>partial</c>, <c>skipped</c>, <c>timeout</c>; of one that stands <c>waiting</c> or <c>running</c>.</summary>
    public required string Status { get; init; }

    public required TaskErrorShape Error { get; init; }

    /// <summary>What is missing or differs: how many things, and the first few of them.</summary>
    public required long ProblemCount { get; init; }

    public required IReadOnlyList<string> Problems { get; init; }

    public required TaskResourceShape Resource { get; init; }

    public required string? VaultId { get; init; }

    public required string? VaultName { get; init; }

    public required string? PolicyId { get; init; }

    public required string? BackupId { get; init; }

    /// <summary>Of one that stands: what it waits for.</summary>
    public required string? Cause { get; init; }

    /// <summary>What to do about it; empty when nothing is known.</summary>
    public string Remedy { get; init; } = "";
}

/// <param name="UsedPercent">Of its size, rounded down.</param>
/// <param name="Threshold">Percent, from which on it is told.</param>
public sealed record NotifiedVaultShape(string Id, string ProjectId, string Name, long SizeBytes, long UsedBytes, int UsedPercent, int Threshold);

/// <summary>A day of a project, or of the installation.</summary>
/// <param name="From">The summary before; as in <c>2026-01-15T06:00:00Z</c>.</param>
/// <param name="Until">When it was made.</param>
/// <param name="Succeeded">Backups and restores that ended so in that time.</param>
/// <param name="Failed">Cancelled ones are not among them.</param>
/// <param name="Partial">They ended, and something is missing.</param>
/// <param name="Skipped">Slots whose earlier run still went.</param>
/// <param name="Problems">The first of those that failed, are partial or were skipped, the newest first.</param>
/// <param name="UnprotectedCount">Resources without a backup as recent as they should have.</param>
/// <param name="Unprotected">The first of them.</param>
/// <param name="FullestVaults">Those that are used most, by share.</param>
public sealed record DailySummaryShape(
    string From,
    string Until,
    long Succeeded,
    long Failed,
    long Partial,
    long Skipped,
    IReadOnlyList<NotifiedTaskShape> Problems,
    long UnprotectedCount,
    IReadOnlyList<UnprotectedResourceShape> Unprotected,
    IReadOnlyList<NotifiedVaultShape> FullestVaults);

/// <param name="Reason">For people: in no vault, no policy, suspended, too old.</param>
/// <param name="LastBackupAt">Its newest complete backup; null when there is none.</param>
public sealed record UnprotectedResourceShape(string Id, string ProjectId, string Name, string Type, string Reason, string? LastBackupAt);

/// <summary>A notification, and how far it got.</summary>
/// <param name="Deliveries">Empty while it waits to be sent out, and when nobody wants to be told.</param>
public sealed record NotificationRecordShape(NotificationShape Notification, IReadOnlyList<NotificationDeliveryShape> Deliveries);

/// <param name="TargetId">Of the project's target, or <c>installation-webhook</c>, <c>installation-mail</c>.</param>
/// <param name="State"><c>waiting</c>, <c>sent</c>, <c>failed</c>: given up.</param>
/// <param name="Error">Of the last attempt that failed; else empty.</param>
/// <param name="NextAt">Of one that waits: when it is tried at the earliest.</param>
/// <param name="EndedAt">When it was sent or given up; null while it waits.</param>
public sealed record NotificationDeliveryShape(
    string TargetId, string TargetName, string State, int Attempts, string Error, string? NextAt, string? EndedAt);

/// <param name="Notifications">Newest first.</param>
/// <param name="Count">Of all that match, on every page.</param>
public sealed record NotificationListReply(IReadOnlyList<NotificationRecordShape> Notifications, long Count);

public sealed record NotificationReply(NotificationRecordShape Notification);

/// <summary>Somebody a project tells.</summary>
public sealed record NotificationTargetShape
{
    public required string Id { get; init; }

    public required string Name { get; init; }

    /// <summary><c>webhook</c> or <c>mail</c>.</summary>
    public required string Kind { get; init; }

    /// <summary>Of a webhook.</summary>
    public required string? Url { get; init; }

    /// <summary>Of mail.</summary>
    public required IReadOnlyList<string> Recipients { get; init; }

    /// <summary>Types of notification; empty: all.</summary>
    public required IReadOnlyList<string> Events { get; init; }

    public required bool Enabled { get; init; }

    public required string CreatedAt { get; init; }

    /// <summary>What a webhook's requests are signed with. Told once, by the answer to the request that set it; else null.</summary>
    public required string? Secret { get; init; }
}

public sealed record NotificationTargetReply(NotificationTargetShape Target);

public sealed record NotificationTargetListReply(IReadOnlyList<NotificationTargetShape> Targets);

/// <summary>Body of a creation; members left out or null get their defaults.</summary>
public sealed record NotificationTargetOrder(NotificationTargetOrderShape Target);

public sealed record NotificationTargetOrderShape
{
    public string? Name { get; init; }

    public string? Kind { get; init; }

    public string? Url { get; init; }

    public IReadOnlyList<string>? Recipients { get; init; }

    public string? Secret { get; init; }

    public IReadOnlyList<string>? Events { get; init; }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(NotificationShape))]
[JsonSerializable(typeof(NotificationReply))]
[JsonSerializable(typeof(NotificationListReply))]
[JsonSerializable(typeof(NotificationTargetReply))]
[JsonSerializable(typeof(NotificationTargetListReply))]
public sealed partial class NotificationJson : JsonSerializerContext;

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(NotificationTargetOrder))]
public sealed partial class NotificationOrderJson : JsonSerializerContext;
