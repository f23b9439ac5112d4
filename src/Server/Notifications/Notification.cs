using System.Globalization;
using System.Text.Json;
using Strongroom.Contract;
using Strongroom.Contract.Notifications;

namespace Strongroom.Server.Notifications;

/// <summary>What people are told of; its word is the <c>type</c> of the body.</summary>
public enum NotificationKind
{
    TaskFailed,
    TaskPartial,
    SlotSkipped,
    TaskStalled,
    VaultThreshold,
    VaultFull,
    DailySummary,
    Test,
}

public enum DeliveryState
{
    Waiting,
    Sent,

    /// <summary>Given up.</summary>
    Failed,
}

/// <summary>Something happened: a row of the outbox.</summary>
/// <param name="ProjectId">Empty: of the installation as a whole, and only its own targets are told.</param>
/// <param name="Body">JSON of a <see cref="NotificationShape"/>, as it is sent.</param>
/// <param name="DedupKey">What several processes may find, and one is to tell; null when only one can.</param>
/// <param name="TargetId">The only one to be told; null: all that want to be.</param>
internal sealed record Notification(
    string Id, string ProjectId, NotificationKind Kind, string Body, DateTimeOffset CreatedAt, string? DedupKey = null, string? TargetId = null)
{
    public static Notification Of(NotificationShape shape, DateTimeOffset now, string? dedupKey = null, string? targetId = null) => new(
        shape.Id,
        shape.ProjectId,
        WireWord.Parse<NotificationKind>(shape.Type),
        JsonSerializer.Serialize(shape, NotificationJson.Default.NotificationShape),
        now,
        dedupKey,
        targetId);

    public NotificationShape Shape() => JsonSerializer.Deserialize(Body, NotificationJson.Default.NotificationShape)!;

    public static string Instant(DateTimeOffset at) => at.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);

    public static NotificationShape Shape(NotificationKind kind, string projectId, string text, DateTimeOffset now) => new()
    {
        Id = Guid.NewGuid().ToString(),
        Type = WireWord.Of(kind),
        Timestamp = Instant(now),
        ProjectId = projectId,
        Text = text,
    };
}

/// <summary>A notification on its way to one target.</summary>
/// <param name="NextAt">When it is tried at the earliest.</param>
/// <param name="IsClaimed">Somebody sends it, or died over it.</param>
/// <param name="Claims">Grows with every claim: whoever claimed at an older number can change nothing any more.</param>
/// <param name="Error">Of the last attempt that failed.</param>
internal sealed record Delivery(
    string EventId,
    string TargetId,
    string TargetName,
    DeliveryState State,
    int Attempts,
    DateTimeOffset NextAt,
    bool IsClaimed,
    long Claims,
    string Error,
    DateTimeOffset? EndedAt)
{
    public NotificationDeliveryShape ToShape() => new(
        TargetId,
        TargetName,
        WireWord.Of(State),
        Attempts,
        Error,
        State == DeliveryState.Waiting ? WireUnits.Instant(NextAt) : null,
        EndedAt is { } at ? WireUnits.Instant(at) : null);
}
