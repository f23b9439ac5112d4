using System.Data.Common;
using System.Text.Json;
using Strongroom.Contract;
using Strongroom.Contract.Notifications;
using Strongroom.Server.Database;
using Strongroom.Server.Identity;

namespace Strongroom.Server.Notifications;

public enum TargetKind
{
    Webhook,
    Mail,
}

/// <summary>Somebody who is told.</summary>
internal sealed record NotificationTarget
{
    /// <summary>The ids of those that the settings name.</summary>
    public const string InstallationWebhook = "installation-webhook";
    public const string InstallationMail = "installation-mail";

    public required string Id { get; init; }

    /// <summary>Empty: one of the settings'.</summary>
    public required string ProjectId { get; init; }

    public required string Name { get; init; }

    public required TargetKind Kind { get; init; }

    public string? Url { get; init; }

    public IReadOnlyList<string> Recipients { get; init; } = [];

    /// <summary>Empty: all.</summary>
    public IReadOnlyList<NotificationKind> Events { get; init; } = [];

    public bool Enabled { get; init; } = true;

    /// <summary>Of a project's webhook.</summary>
    public SealedSecret? Secret { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    public bool IsInstallations => ProjectId.Length == 0;

    /// <summary>What its secret is sealed for. No access key has a slash in it.</summary>
    public string SecretOwner => "notification-target/" + Id;

    public bool Wants(NotificationKind kind) => Enabled && (Events.Count == 0 || Events.Contains(kind));

    public NotificationTargetShape ToShape(string? secret) => new()
    {
        Id = Id,
        Name = Name,
        Kind = WireWord.Of(Kind),
        Url = Url,
        Recipients = Recipients,
        Events = [.. Events.Select(kind => WireWord.Of(kind))],
        Enabled = Enabled,
        CreatedAt = WireUnits.Instant(CreatedAt),
        Secret = secret,
    };
}

/// <summary>The SQL of <c>notification_targets</c>.</summary>
internal static class NotificationTargetTable
{
    private static Sql Columns =>
        $"id, project_id, name, kind, url, recipients, events, enabled, sealed_secret, sealing_key, created_at";

    public static async ValueTask InsertAsync(DbSession session, NotificationTarget target, CancellationToken cancellationToken) =>
        await session.ExecuteAsync(
            $"""
            insert into notification_targets ({Columns})
            values ({target.Id}, {target.ProjectId}, {target.Name}, {WireWord.Of(target.Kind)}, {target.Url}, {Text(target.Recipients)},
                {Text(target.Events)}, {target.Enabled}, {target.Secret?.Text}, {target.Secret?.SealingKey}, {target.CreatedAt.ToMicroseconds()})
            """,
            cancellationToken);

    public static async ValueTask UpdateAsync(DbSession session, NotificationTarget target, CancellationToken cancellationToken) =>
        await session.ExecuteAsync(
            $"""
            update notification_targets set name = {target.Name}, url = {target.Url}, recipients = {Text(target.Recipients)},
                events = {Text(target.Events)}, enabled = {target.Enabled}, sealed_secret = {target.Secret?.Text}, sealing_key = {target.Secret?.SealingKey}
            where id = {target.Id}
            """,
            cancellationToken);

    public static async ValueTask DeleteAsync(DbSession session, string id, CancellationToken cancellationToken) =>
        await session.ExecuteAsync($"delete from notification_targets where id = {id}", cancellationToken);

    /// <summary>In whatever project.</summary>
    public static ValueTask<NotificationTarget?> FindAsync(DbSession session, string id, CancellationToken cancellationToken) =>
        session.QueryFirstAsync($"select {Columns} from notification_targets where id = {id}", Read, cancellationToken);

    /// <summary>Oldest first.</summary>
    public static ValueTask<List<NotificationTarget>> ListAsync(DbSession session, string projectId, CancellationToken cancellationToken) =>
        session.QueryAsync($"select {Columns} from notification_targets where project_id = {projectId} order by created_at, id", Read, cancellationToken);

    /// <summary>The projects that have a target.</summary>
    public static ValueTask<List<string>> ListProjectsAsync(DbSession session, CancellationToken cancellationToken) =>
        session.QueryAsync($"select distinct project_id from notification_targets order by project_id", row => row.GetString(0), cancellationToken);

    private static string Text(IReadOnlyList<string> list) => JsonSerializer.Serialize(list, TargetJson.Default.IReadOnlyListString);

    private static string Text(IReadOnlyList<NotificationKind> kinds) => Text([.. kinds.Select(kind => WireWord.Of(kind))]);

    private static NotificationTarget Read(DbDataReader row) => new()
    {
        Id = row.GetString(0),
        ProjectId = row.GetString(1),
        Name = row.GetString(2),
        Kind = WireWord.Parse<TargetKind>(row.GetString(3)),
        Url = row.GetTextOrNull(4),
        Recipients = JsonSerializer.Deserialize(row.GetString(5), TargetJson.Default.IReadOnlyListString)!,
        Events = [.. JsonSerializer.Deserialize(row.GetString(6), TargetJson.Default.IReadOnlyListString)!.Select(WireWord.Parse<NotificationKind>)],
        Enabled = row.GetBoolean(7),
        Secret = row.GetTextOrNull(8) is { } text ? new SealedSecret(text, row.GetString(9)) : null,
        CreatedAt = row.GetInstant(10),
    };
}

[System.Text.Json.Serialization.JsonSerializable(typeof(IReadOnlyList<string>))]
internal sealed partial class TargetJson : System.Text.Json.Serialization.JsonSerializerContext;
