using System.Globalization;
using Microsoft.AspNetCore.Routing;
using Strongroom.Contract.Policies;
using Strongroom.Server.Backups;
using Strongroom.Server.Database;
using Strongroom.Server.Http;
using Strongroom.Server.Retention;
using Strongroom.Server.Schedules;
using Strongroom.Server.Shares;
using Strongroom.Server.Tasks;
using Strongroom.Server.Vaults;

namespace Strongroom.Server.Policies;

/// <summary>
/// What a policy, or an edit of one, would do before it is saved: its next runs, what exists on a date and what holds it, and
/// what it would let go. Changes nothing. An addition of ours.
/// </summary>
internal sealed class PolicyPreviewEndpoint(MetadataDatabase database, TimeProvider time, RetentionOptions options)
{
    private const int RunCountMax = 1000;
    private const int RunCountWhenNone = 20;

    private static readonly string[] InstantFormats =
        ["yyyy-MM-ddTHH:mm:ss.FFFFFFFK", "yyyy-MM-ddTHH:mmK", "yyyy-MM-dd HH:mm:ss.FFFFFFF", "yyyy-MM-dd HH:mm"];

    private static readonly DateTimeOffset Earliest = new(1970, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly DateTimeOffset Latest = new(2200, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public void Map(IEndpointRouteBuilder routes) =>
        routes.MapPost("/strongroom/v1/{project_id}/policies/preview", PreviewAsync).WithAction("cbr:policies:get");

    private async Task PreviewAsync(HttpContext context)
    {
        DateTimeOffset now = time.GetStoredNow();
        PreviewRequest request = await BodyReader.ReadAsync(context, body => Read(body, now));
        Policy policy = request.Policy.ToPolicy(context.Caller().ProjectId, request.From);
        Schedule? schedule = policy.Enabled
            ? new Schedule(request.Patterns, request.Policy.StartAt ?? request.From, request.Zone)
            : null;

        (IReadOnlyList<PreviewedResource> resources, bool isLocked) = request.VaultId is { } vaultId
            ? await LoadAsync(policy.ProjectId, vaultId, now, context.RequestAborted)
            : ([], false);
        if (resources.Count == 0)
            resources = [new PreviewedResource(null, [])];
        var lookAhead = new PolicyLookAhead(schedule, RetentionRule.Of(policy), isLocked, options);
        List<PreviewedBackup> outcome = request.On is { } on
            ? lookAhead.On(resources, request.From, on, context.RequestAborted)
                ?? throw BodyReader.Refused(
                    $"on is too far from from: until {Utc(on)} more than {PolicyLookAhead.BackupCountMax} backups of {resources.Count} resources, or too many to weigh, would be made.")
            : lookAhead.Now(resources, request.From);

        var reply = new PolicyPreviewReply(
            [.. lookAhead.SlotsFrom(request.From).Take(request.RunCount).Select(slot => new PreviewRunShape(Utc(slot), Local(slot, request.Zone)))],
            Shapes(outcome, keeps: true),
            Shapes(outcome, keeps: false));
        await JsonReply.WriteAsync(context, reply, PolicyPreviewJson.Default.PolicyPreviewReply);
    }

    /// <summary>What the vault protects by itself, and whatever else it holds backups of.</summary>
    private async Task<(IReadOnlyList<PreviewedResource> Resources, bool IsLocked)> LoadAsync(
        string projectId, VaultId vaultId, DateTimeOffset now, CancellationToken cancellationToken) =>
        await database.ReadAsync<(IReadOnlyList<PreviewedResource>, bool)>(
            async session =>
            {
                Vault vault = await VaultEndpoints.RequireAsync(session, projectId, vaultId, cancellationToken);
                long tick = await InstallationClock.ReadAsync(session, cancellationToken);
                HashSet<BackupId> shared = await ShareTable.ListSharedAsync(session, vaultId, null, cancellationToken);
                ILookup<string, RetainedBackup> stored = (await BackupTable.ListOfVaultAsync(session, vaultId, null, cancellationToken))
                    .ToLookup(backup => backup.ResourceId.Value, Retained);
                HashSet<string> taken = [.. vault.Resources.Where(resource => resource.AutoProtect).Select(resource => resource.Id.Value)];
                List<PreviewedResource> resources =
                    [.. taken.Union(stored.Select(group => group.Key)).Select(id => new PreviewedResource(id, [.. stored[id]], taken.Contains(id)))];
                return (resources, vault.IsLocked);

                RetainedBackup Retained(Backup backup) =>
                    RetainedBackup.Of(backup, shared.Contains(backup.Id)) with { LockedUntil = vault.IsLocked ? LockTerm.Of(backup, now, tick) : null };
            },
            cancellationToken);

    private static List<PreviewBackupShape> Shapes(List<PreviewedBackup> outcome, bool keeps) =>
    [
        .. outcome.Where(backup => backup.Verdict.Keeps == keeps)
            .OrderByDescending(backup => backup.Verdict.Backup.CreatedAt)
            .ThenBy(backup => backup.ResourceId, StringComparer.Ordinal)
            .Select(backup => new PreviewBackupShape(
                backup.IsStored ? backup.Verdict.Backup.Id : null, backup.ResourceId, Utc(backup.Verdict.Backup.CreatedAt), backup.Verdict.Reasons)),
    ];

    public static PreviewRequest Read(BodyValue body, DateTimeOffset now)
    {
        PolicyCreation policy = PolicyRequests.Creation(body);
        TimeZoneInfo zone = TimeZones.ReadOrNull(body["time_zone"]) ?? TimeZoneInfo.Utc;
        VaultId? vaultId = body["vault_id"].IdOrNull() is { } id ? new VaultId(id) : null;
        DateTimeOffset from = InstantOrNull(body["from"], zone, isEnd: false) ?? now;
        DateTimeOffset? on = InstantOrNull(body["on"], zone, isEnd: true);
        if (on < from)
            throw body["on"].Refused($"must not be before from, {Utc(from)}");
        List<SchedulePattern> patterns = Schedule.ReadPatterns(body["policy"]["trigger"]["properties"]["pattern"]);
        return new PreviewRequest(policy, patterns, zone, vaultId, from, body["runs"].IntOrNull(0, RunCountMax) ?? RunCountWhenNone, on);
    }

    /// <summary>An instant, UTC unless it says otherwise; or a date of the zone, which stands for its start or its end.</summary>
    private static DateTimeOffset? InstantOrNull(BodyValue value, TimeZoneInfo zone, bool isEnd)
    {
        if (!value.IsGiven)
            return null;
        string text = value.Text(1, 64);
        DateTimeOffset instant;
        if (DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out DateOnly date) && date.Year is >= 1970 and < 2200)
            instant = isEnd
                ? WallClock.FirstInstantOf(date.AddDays(1).ToDateTime(TimeOnly.MinValue), zone).AddTicks(-1)
                : WallClock.FirstInstantOf(date.ToDateTime(TimeOnly.MinValue), zone);
        else if (!DateTimeOffset.TryParseExact(text, InstantFormats, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out instant))
            throw value.Refused("must be an instant such as 2026-03-29T01:30:00Z or a date such as 2026-03-29");
        return instant >= Earliest && instant <= Latest ? instant : throw value.Refused("must be in the years 1970 to 2199");
    }

    private static string Utc(DateTimeOffset instant) => instant.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.FFFFFFFZ", CultureInfo.InvariantCulture);

    private static string Local(DateTimeOffset instant, TimeZoneInfo zone) =>
        instant.ToOffset(zone.GetUtcOffset(instant)).ToString("yyyy-MM-ddTHH:mm:sszzz", CultureInfo.InvariantCulture);

    public sealed record PreviewRequest(
        PolicyCreation Policy, IReadOnlyList<SchedulePattern> Patterns, TimeZoneInfo Zone, VaultId? VaultId, DateTimeOffset From, int RunCount, DateTimeOffset? On);
}
