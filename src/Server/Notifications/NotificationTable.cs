using System.Data.Common;
using Strongroom.Contract;
using Strongroom.Server.Database;

namespace Strongroom.Server.Notifications;

/// <summary>The SQL of <c>notification_events</c>, the outbox, and <c>notification_deliveries</c>.</summary>
internal static class NotificationTable
{
    private static Sql EventColumns => $"id, project_id, kind, body, created_at, dedup_key, target_id";

    private static Sql DeliveryColumns =>
        $"event_id, target_id, target_name, state, attempts, next_at, claimed, claims, error, ended_at";

    /// <summary>Belongs in the transaction of the change it tells of.</summary>
    /// <param name="vaultId">Nothing is written when that vault's <c>smn_notify</c> is off; null: of no vault.</param>
    /// <returns>False: the vault wants nothing told, or another process has told it.</returns>
    public static async ValueTask<bool> InsertAsync(DbSession session, Notification notification, string? vaultId, CancellationToken cancellationToken) =>
        await session.ExecuteAsync(
            $"""
            insert into notification_events ({EventColumns}, routed)
            select {notification.Id}, {notification.ProjectId}, {WireWord.Of(notification.Kind)}, {notification.Body},
                {notification.CreatedAt.ToMicroseconds()}, {notification.DedupKey}, {notification.TargetId}, false
            where not exists (select 1 from vaults where id = {vaultId ?? ""} and smn_notify = false)
            on conflict (dedup_key) do nothing
            """,
            cancellationToken) == 1;

    /// <summary>Those without deliveries yet, the oldest first.</summary>
    public static ValueTask<List<Notification>> ListUnroutedAsync(DbSession session, int countMax, CancellationToken cancellationToken) =>
        session.QueryAsync(
            $"select {EventColumns} from notification_events where routed = false order by created_at limit {countMax}", ReadEvent, cancellationToken);

    /// <returns>False: another process has made its deliveries.</returns>
    public static async ValueTask<bool> TakeUnroutedAsync(DbSession session, string id, CancellationToken cancellationToken) =>
        await session.ExecuteAsync($"update notification_events set routed = true where id = {id} and routed = false", cancellationToken) == 1;

    public static ValueTask<Notification?> FindAsync(DbSession session, string id, CancellationToken cancellationToken) =>
        session.QueryFirstAsync($"select {EventColumns} from notification_events where id = {id}", ReadEvent, cancellationToken);

    public static ValueTask<long> CountWaitingAsync(DbSession session, string targetId, CancellationToken cancellationToken) =>
        session.QueryLongAsync($"select count(*) from notification_deliveries where state = 'waiting' and target_id = {targetId}", cancellationToken);

    public static ValueTask<int> InsertDeliveryAsync(DbSession session, Delivery delivery, CancellationToken cancellationToken) =>
        session.ExecuteAsync(
            $"""
            insert into notification_deliveries ({DeliveryColumns})
            values ({delivery.EventId}, {delivery.TargetId}, {delivery.TargetName}, {WireWord.Of(delivery.State)}, {delivery.Attempts},
                {delivery.NextAt.ToMicroseconds()}, {delivery.IsClaimed}, {delivery.Claims}, {delivery.Error}, {delivery.EndedAt?.ToMicroseconds()})
            on conflict (event_id, target_id) do nothing
            """,
            cancellationToken);

    /// <summary>The next to be sent of each target but those named, claimed ones included; the longest due first.</summary>
    public static ValueTask<List<Delivery>> ListDueAsync(
        DbSession session, DateTimeOffset now, IReadOnlyCollection<string> except, int countMax, CancellationToken cancellationToken)
    {
        // An empty list would make 'not in (null)', which is never true.
        Sql others = except.Count == 0 ? Sql.Empty : $"and d.target_id not in {except}";
        return session.QueryAsync(
            $"""
            select {DeliveryColumns} from notification_deliveries d
            where d.state = 'waiting' and d.next_at <= {now.ToMicroseconds()} {others}
            order by d.next_at, d.event_id limit {countMax}
            """,
            ReadDelivery,
            cancellationToken);
    }

    /// <summary>Claims it, if it is still as it was seen.</summary>
    public static async ValueTask<bool> ClaimAsync(DbSession session, Delivery seen, CancellationToken cancellationToken) =>
        await session.ExecuteAsync(
            $"""
            update notification_deliveries set claimed = true, claims = claims + 1, attempts = attempts + 1
            where event_id = {seen.EventId} and target_id = {seen.TargetId} and state = 'waiting' and claims = {seen.Claims} and claimed = {seen.IsClaimed}
            """,
            cancellationToken) == 1;

    /// <summary>Writes how an attempt ended.</summary>
    /// <param name="delivery">As it is to be; its claim must still be good.</param>
    /// <returns>False: it is somebody else's by now.</returns>
    public static async ValueTask<bool> SettleAsync(DbSession session, Delivery delivery, CancellationToken cancellationToken) =>
        await session.ExecuteAsync(
            $"""
            update notification_deliveries set claimed = false, state = {WireWord.Of(delivery.State)}, attempts = {delivery.Attempts},
                next_at = {delivery.NextAt.ToMicroseconds()}, error = {delivery.Error}, ended_at = {delivery.EndedAt?.ToMicroseconds()}
            where event_id = {delivery.EventId} and target_id = {delivery.TargetId} and state = 'waiting' and claims = {delivery.Claims}
            """,
            cancellationToken) == 1;

    /// <summary>What waits for a target that is gone will not be sent.</summary>
    public static async ValueTask GiveUpAsync(DbSession session, string targetId, string reason, DateTimeOffset now, CancellationToken cancellationToken) =>
        await session.ExecuteAsync(
            $"""
            update notification_deliveries set claimed = false, claims = claims + 1, state = 'failed', error = {reason}, ended_at = {now.ToMicroseconds()}
            where target_id = {targetId} and state = 'waiting'
            """,
            cancellationToken);

    /// <summary>Of a project, newest first.</summary>
    public static ValueTask<List<Notification>> ListAsync(DbSession session, NotificationQuery query, CancellationToken cancellationToken) =>
        session.QueryAsync(
            $"""
            select {EventColumns} from notification_events where {query.Filter()} {query.After()}
            order by created_at desc, id desc limit {query.Limit} offset {query.Offset}
            """,
            ReadEvent,
            cancellationToken);

    public static ValueTask<long> CountAsync(DbSession session, NotificationQuery query, CancellationToken cancellationToken) =>
        session.QueryLongAsync($"select count(*) from notification_events where {query.Filter()}", cancellationToken);

    public static ValueTask<List<Delivery>> ListDeliveriesAsync(
        DbSession session, IReadOnlyCollection<string> eventIds, CancellationToken cancellationToken) =>
        session.QueryAsync(
            $"select {DeliveryColumns} from notification_deliveries where event_id in {eventIds} order by event_id, target_id", ReadDelivery, cancellationToken);

    /// <summary>Deletes the oldest, at most so many, with their deliveries, whatever state those are in.</summary>
    public static ValueTask<int> DeleteBeforeAsync(DbSession session, DateTimeOffset before, int countMax, CancellationToken cancellationToken) =>
        session.ExecuteAsync(
            $"""
            delete from notification_events where id in (
                select id from notification_events where created_at < {before.ToMicroseconds()} order by created_at limit {countMax})
            """,
            cancellationToken);

    private static Notification ReadEvent(DbDataReader row) => new(
        row.GetString(0),
        row.GetString(1),
        WireWord.Parse<NotificationKind>(row.GetString(2)),
        row.GetString(3),
        row.GetInstant(4),
        row.GetTextOrNull(5),
        row.GetTextOrNull(6));

    private static Delivery ReadDelivery(DbDataReader row) => new(
        row.GetString(0),
        row.GetString(1),
        row.GetString(2),
        WireWord.Parse<DeliveryState>(row.GetString(3)),
        (int)row.GetInt64(4),
        row.GetInstant(5),
        row.GetBoolean(6),
        row.GetInt64(7),
        row.GetString(8),
        row.GetInstantOrNull(9));
}
