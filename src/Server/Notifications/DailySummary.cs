using System.Globalization;
using System.Text;
using Strongroom.Contract;
using Strongroom.Contract.Notifications;
using Strongroom.Contract.Vaults;
using Strongroom.Server.Database;
using Strongroom.Server.Policies;
using Strongroom.Server.Schedules;
using Strongroom.Server.Tasks;
using Strongroom.Server.Vaults;

namespace Strongroom.Server.Notifications;

/// <summary>What became of a day: of one project, or of the installation.</summary>
internal static class DailySummary
{
    private const int NamedCount = 20;
    private const int ResourceCountMax = 10_000;

    /// <summary>The latest time a summary was due, and the one before; null when none ever is.</summary>
    public static (DateTimeOffset From, DateTimeOffset Until)? Due(NotificationOptions options, DateTimeOffset now)
    {
        if (options.SummaryAt.Length == 0)
            return null;
        string pattern = $"FREQ=DAILY;INTERVAL=1;BYHOUR={options.SummaryAt[..2]};BYMINUTE={options.SummaryAt[3..]}";
        var schedule = new Schedule([SchedulePattern.Parse(pattern)], DateTimeOffset.UnixEpoch, TimeZones.Find(options.SummaryTimeZone) ?? TimeZoneInfo.Utc);
        // Days are 23 to 25 hours long, and a zone may skip one.
        return schedule.LatestBetween(now.AddDays(-3), now) is { } until && schedule.LatestBetween(until.AddDays(-3), until.AddTicks(-1)) is { } from
            ? (from, until)
            : null;
    }

    /// <summary>Writes the summary into the outbox, once for each time it is due.</summary>
    /// <param name="projectId">Empty: of the installation.</param>
    public static async ValueTask TellAsync(
        DbSession session, string projectId, DateTimeOffset from, DateTimeOffset until, CancellationToken cancellationToken)
    {
        string? ofProject = projectId.Length == 0 ? null : projectId;
        Dictionary<string, long> counts = await TaskTable.CountEndedAsync(session, ofProject, from, until, cancellationToken);
        List<TaskRecord> problems = await TaskTable.ListProblemsAsync(session, ofProject, from, until, NamedCount, cancellationToken);
        List<UnprotectedResourceShape> unprotected = [.. (await UnprotectedAsync(session, ofProject, cancellationToken))
            .Concat((await RecoveryGaps.ReadAsync(session, ofProject, until, ResourceCountMax, cancellationToken)).Select(Behind))];
        List<VaultFullness> fullest = await VaultTable.ListFullestAsync(session, ofProject, NamedCount / 2, cancellationToken);
        var summary = new DailySummaryShape(
            Notification.Instant(from),
            Notification.Instant(until),
            counts.GetValueOrDefault("success"),
            counts.GetValueOrDefault("failed"),
            counts.GetValueOrDefault("partial"),
            counts.GetValueOrDefault("skipped"),
            problems.ConvertAll(task => NotificationOutbox.Told(task, null)),
            unprotected.Count,
            [.. unprotected.Take(NamedCount)],
            fullest.ConvertAll(NotificationOutbox.Told));
        NotificationShape shape = Notification.Shape(NotificationKind.DailySummary, projectId, Text(summary, problems), until) with { Summary = summary };
        string key = string.Create(CultureInfo.InvariantCulture, $"summary/{projectId}/{until.ToMicroseconds()}");
        await NotificationTable.InsertAsync(session, Notification.Of(shape, until, key), null, cancellationToken);
    }

    /// <summary>Registered, and in no vault with a policy that takes it.</summary>
    private static async ValueTask<List<UnprotectedResourceShape>> UnprotectedAsync(DbSession session, string? projectId, CancellationToken cancellationToken)
    {
        Sql ofProject = projectId is null ? Sql.Empty : $"and s.project_id = {projectId}";
        return await session.QueryAsync(
            $"""
            select s.id, s.project_id, s.name, s.type from resources s
            where s.deleted_at_tick is null and s.server_id is null {ofProject} and not exists (
                select 1 from vault_resources r
                join vaults v on v.id = r.vault_id and v.deleted_at_tick is null and v.protect_type = {ProtectTypes.Backup}
                join policy_vaults pv on pv.vault_id = v.id and pv.operation_type = 'backup'
                join policies p on p.id = pv.policy_id and p.enabled = true
                where r.resource_id = s.id and r.auto_protect = true)
            order by s.name, s.id limit {ResourceCountMax}
            """,
            row => new UnprotectedResourceShape(row.GetString(0), row.GetString(1), row.GetString(2), row.GetString(3), "no policy takes it", null),
            cancellationToken);
    }

    private static UnprotectedResourceShape Behind(RecoveryGap gap) => new(
        gap.ResourceId,
        gap.ProjectId,
        gap.Name,
        gap.Type,
        $"no complete backup since its slot of {Notification.Instant(gap.SlotAt)}",
        gap.LastGoodAt is { } at ? Notification.Instant(at) : null);

    private static string Text(DailySummaryShape summary, List<TaskRecord> problems)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{summary.Succeeded} succeeded, {summary.Failed} failed, {summary.Partial} partial, {summary.Skipped} skipped; ")
            .Append(CultureInfo.InvariantCulture, $"{summary.UnprotectedCount} resources are not protected as they should be")
            .Append(CultureInfo.InvariantCulture, $"\n\nFrom {summary.From} to {summary.Until}.\n");
        foreach (TaskRecord task in problems)
            text.Append(CultureInfo.InvariantCulture, $"\n{(task.IsPartial ? "partial" : WireWord.Of(task.State))}: {NotificationOutbox.Describe(task)}: {NotificationOutbox.OneLine(task.ErrorMessage)}");
        if (summary.Unprotected.Count > 0)
            text.Append('\n');
        foreach (UnprotectedResourceShape resource in summary.Unprotected)
            text.Append(CultureInfo.InvariantCulture, $"\nunprotected: {NotificationOutbox.OneLine(resource.Name)} ({resource.Id}): {resource.Reason}");
        if (summary.FullestVaults.Count > 0)
            text.Append('\n');
        foreach (NotifiedVaultShape vault in summary.FullestVaults)
            text.Append(CultureInfo.InvariantCulture, $"\nvault {NotificationOutbox.OneLine(vault.Name)}: {vault.UsedPercent} % used");
        return text.ToString();
    }
}
