using Microsoft.Extensions.Hosting;
using Strongroom.Server.Database;

namespace Strongroom.Server.Notifications;

/// <summary>
/// Empties the outbox. Any number of processes do so on one database: a delivery is claimed in its row before it is sent, so
/// that usually one process sends it once; when that process dies over it, another one that has watched the claim stand
/// still sends it again, with the same id. Nothing is lost, and what failed too often is given up and shown.
/// </summary>
internal sealed partial class NotificationDispatcher(
    MetadataDatabase database, IEnumerable<INotificationChannel> channels, NotificationOptions options, TimeProvider time, ILogger<NotificationDispatcher> logger)
    : BackgroundService
{
    private const int RouteBatch = 100;
    private const int DueBatch = 50;

    private readonly Dictionary<TargetKind, INotificationChannel> channelOf = channels.ToDictionary(channel => channel.Kind);
    private readonly NotificationTarget[] installations = [.. InstallationTargets(options)];

    // Claims of others, and when they were first seen like this.
    private readonly Dictionary<(string Event, string Target), (long Claims, long SeenAt)> watched = [];

    /// <summary>Sends what is due now and returns when none of it is on its way any more.</summary>
    public async Task DispatchAsync(CancellationToken cancellationToken)
    {
        var sending = new Dictionary<string, Task>(StringComparer.Ordinal);
        try
        {
            do
            {
                await RouteAsync(cancellationToken);
                await StartDueAsync(sending, cancellationToken);
                if (sending.Count == 0)
                    return;
                // What comes up meanwhile is not held up by one that hangs.
                using var enough = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
                await Task.WhenAny([.. sending.Values, Task.Delay(options.PollInterval, time, enough.Token)]);
                await enough.CancelAsync();
                foreach ((string target, Task done) in sending.Where(pair => pair.Value.IsCompleted).ToList())
                {
                    sending.Remove(target);
                    await done;
                }
            }
            while (true);
        }
        finally
        {
            await Task.WhenAll(sending.Values).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (true)
        {
            await Task.Delay(options.PollInterval, time, stoppingToken);
            try
            {
                await DispatchAsync(stoppingToken);
            }
            catch (Exception error) when (error is not OperationCanceledException)
            {
                Log.Failed(logger, error);
            }
        }
    }

    private static IEnumerable<NotificationTarget> InstallationTargets(NotificationOptions options)
    {
        var target = new NotificationTarget { Id = "", ProjectId = "", Name = "installation", Kind = TargetKind.Webhook, CreatedAt = DateTimeOffset.MinValue };
        if (options.WebhookUrl.Length > 0)
            yield return target with { Id = NotificationTarget.InstallationWebhook, Url = options.WebhookUrl };
        if (options.MailTo.Length > 0)
            yield return target with { Id = NotificationTarget.InstallationMail, Kind = TargetKind.Mail, Recipients = options.MailRecipients };
    }

    /// <summary>Makes the deliveries of what is new: one per target that wants it.</summary>
    private async Task RouteAsync(CancellationToken cancellationToken)
    {
        List<Notification> batch;
        do
        {
            batch = await database.ReadAsync(session => NotificationTable.ListUnroutedAsync(session, RouteBatch, cancellationToken), cancellationToken);
            foreach (Notification notification in batch)
                await database.WriteRelaxedAsync(session => RouteAsync(session, notification, cancellationToken), cancellationToken);
        }
        while (batch.Count == RouteBatch);
    }

    private async ValueTask RouteAsync(DbSession session, Notification notification, CancellationToken cancellationToken)
    {
        if (!await NotificationTable.TakeUnroutedAsync(session, notification.Id, cancellationToken))
            return;
        List<NotificationTarget> targets = notification.ProjectId.Length == 0 ? [] : await NotificationTargetTable.ListAsync(session, notification.ProjectId, cancellationToken);
        // A target learns of nothing that happened before it was there.
        IEnumerable<NotificationTarget> told = notification.TargetId is { } only
            ? targets.Where(target => target.Id == only)
            : targets.Where(target => target.Wants(notification.Kind) && target.CreatedAt <= notification.CreatedAt).Concat(InstallationsFor(notification));
        DateTimeOffset now = time.GetStoredNow();
        foreach (NotificationTarget target in told)
        {
            bool isTooMany = await NotificationTable.CountWaitingAsync(session, target.Id, cancellationToken) >= options.BacklogCountMax;
            var delivery = new Delivery(
                notification.Id,
                target.Id,
                target.Name,
                isTooMany ? DeliveryState.Failed : DeliveryState.Waiting,
                0,
                // In the order in which things happened.
                notification.CreatedAt < now ? notification.CreatedAt : now,
                false,
                0,
                isTooMany ? $"{options.BacklogCountMax} earlier notifications wait for this target already." : "",
                isTooMany ? now : null);
            await NotificationTable.InsertDeliveryAsync(session, delivery, cancellationToken);
        }
    }

    // A project's own summary is for the project: the installation has one of all.
    private NotificationTarget[] InstallationsFor(Notification notification) =>
        notification.Kind == NotificationKind.DailySummary && notification.ProjectId.Length > 0 ? [] : installations;

    /// <summary>Starts as many sends as there is room for, one per target at most.</summary>
    private async Task StartDueAsync(Dictionary<string, Task> sending, CancellationToken cancellationToken)
    {
        var held = new HashSet<string>(sending.Keys, StringComparer.Ordinal);
        while (sending.Count < options.ParallelSendsMax)
        {
            List<Delivery> due = await database.ReadAsync(
                session => NotificationTable.ListDueAsync(session, time.GetStoredNow(), held, DueBatch, cancellationToken), cancellationToken);
            if (due.Count == 0)
                return;
            foreach (Delivery seen in due)
            {
                if (sending.Count == options.ParallelSendsMax || held.Contains(seen.TargetId))
                    continue;
                // One at a time to a target, by all processes together: what another one sends holds up the rest.
                held.Add(seen.TargetId);
                if (!MayClaim(seen) || !await database.WriteRelaxedAsync(session => NotificationTable.ClaimAsync(session, seen, cancellationToken), cancellationToken))
                    continue;
                watched.Remove((seen.EventId, seen.TargetId));
                sending.Add(seen.TargetId, SendAsync(seen with { IsClaimed = true, Claims = seen.Claims + 1, Attempts = seen.Attempts + 1 }, cancellationToken));
            }
        }
    }

    private bool MayClaim(Delivery seen)
    {
        if (!seen.IsClaimed)
            return true;
        long now = time.GetTimestamp();
        (string, string) key = (seen.EventId, seen.TargetId);
        if (watched.TryGetValue(key, out var last) && last.Claims == seen.Claims)
            return time.GetElapsedTime(last.SeenAt, now) >= NotificationTimings.LeasePeriod;
        if (watched.Count > options.BacklogCountMax)
            watched.Clear();
        watched[key] = (seen.Claims, now);
        return false;
    }

    private async Task SendAsync(Delivery delivery, CancellationToken stoppingToken)
    {
        await Task.Yield();
        (Notification? notification, NotificationTarget? target) = await database.ReadAsync(
            async session => (
                await NotificationTable.FindAsync(session, delivery.EventId, stoppingToken),
                installations.FirstOrDefault(known => known.Id == delivery.TargetId) ?? await NotificationTargetTable.FindAsync(session, delivery.TargetId, stoppingToken)),
            stoppingToken);
        if (notification is null)
            return;
        Delivery ended = await AttemptAsync(delivery, notification, target, stoppingToken);
        if (!await database.WriteRelaxedAsync(session => NotificationTable.SettleAsync(session, ended, CancellationToken.None), CancellationToken.None))
            Log.Overtaken(logger, delivery.EventId, delivery.TargetName);
    }

    /// <summary>Sends it, and says how the delivery stands then.</summary>
    private async Task<Delivery> AttemptAsync(Delivery delivery, Notification notification, NotificationTarget? target, CancellationToken stoppingToken)
    {
        if (target is null)
            return GivenUp(delivery, "The target is not there any more.");
        if (!target.Enabled && notification.TargetId is null)
            return GivenUp(delivery, "The target was switched off.");
        using var limit = new CancellationTokenSource(options.SendTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, stoppingToken);
        try
        {
            await channelOf[target.Kind].SendAsync(target, notification, either.Token);
            return delivery with { State = DeliveryState.Sent, Error = "", EndedAt = time.GetStoredNow() };
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The process ends: it is nobody's fault and the next one's first.
            return delivery with { Attempts = delivery.Attempts - 1, NextAt = time.GetStoredNow() };
        }
        catch (OperationCanceledException)
        {
            return Later(delivery, $"It did not answer within {options.SendTimeout.TotalSeconds:0} seconds.");
        }
        catch (DeliveryException error)
        {
            Log.Refused(logger, delivery.EventId, delivery.TargetName, delivery.Attempts, error.Message, error.InnerException?.Message);
            return Later(delivery, error.Message);
        }
        catch (Exception error)
        {
            Log.NotDelivered(logger, error, delivery.EventId, delivery.TargetName, delivery.Attempts);
            return Later(delivery, "It failed in a way that is not foreseen; the log says more.");
        }
    }

    private Delivery Later(Delivery delivery, string error)
    {
        if (delivery.Attempts >= options.AttemptsMax)
            return GivenUp(delivery, error);
        // 2^20 times the shortest wait is past the longest.
        double seconds = options.FirstRetryAfter.TotalSeconds * Math.Pow(2, Math.Min(20, delivery.Attempts - 1));
        TimeSpan wait = TimeSpan.FromSeconds(Math.Min(seconds, NotificationTimings.RetryAfterMax.TotalSeconds));
        return delivery with { NextAt = time.GetStoredNow() + wait, Error = error };
    }

    private Delivery GivenUp(Delivery delivery, string error)
    {
        Log.GivenUp(logger, delivery.EventId, delivery.TargetName, delivery.Attempts, error);
        return delivery with { State = DeliveryState.Failed, Error = error, EndedAt = time.GetStoredNow() };
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Error, "sending notifications failed; it is tried again")]
        public static partial void Failed(ILogger logger, Exception error);

        [LoggerMessage(2, LogLevel.Warning, "notification {EventId} to {TargetName} failed, attempt {Attempt}")]
        public static partial void NotDelivered(ILogger logger, Exception error, string eventId, string targetName, int attempt);

        [LoggerMessage(3, LogLevel.Error, "notification {EventId} to {TargetName} is given up after {Attempts} attempts: {Reason}")]
        public static partial void GivenUp(ILogger logger, string eventId, string targetName, int attempts, string reason);

        [LoggerMessage(4, LogLevel.Warning, "notification {EventId} to {TargetName} was taken over by another process while this one sent it")]
        public static partial void Overtaken(ILogger logger, string eventId, string targetName);

        [LoggerMessage(5, LogLevel.Warning, "notification {EventId} to {TargetName} was not taken, attempt {Attempt}: {Reason} {Detail}")]
        public static partial void Refused(ILogger logger, string eventId, string targetName, int attempt, string reason, string? detail);
    }
}
