using System.Globalization;
using Strongroom.Contract;
using Strongroom.Contract.Resources;
using Strongroom.Contract.Vaults;
using Strongroom.Server.Audit;
using Strongroom.Server.Backups;
using Strongroom.Server.Database;
using Strongroom.Server.Notifications;
using Strongroom.Server.Resources;
using Strongroom.Server.Tasks;

namespace Strongroom.Server.Vaults;

/// <summary>
/// Carries out what <see cref="AutoBinding"/> decides, and lets go what has vanished: a page of resources per transaction, with a
/// record of the audit for each change, so that any number of processes may do it at once. What a rule asks for and no vault
/// has room for is not protected: it has a failed task, once, that says so.
/// </summary>
internal sealed class AutoBinder(MetadataDatabase database, VaultOptions options, TimeProvider time)
{
    // Of candidates in one transaction: nobody waits long for it.
    private const int PageCount = 500;

    private static readonly string[][] TypesInOrder = [[ResourceTypes.Server], [ResourceTypes.Disk, ResourceTypes.FileSystem]];

    /// <summary>One pass over a project.</summary>
    public async Task<AutoBindReport> BindAsync(string projectId, CancellationToken cancellationToken)
    {
        var report = new AutoBindReport([], [], []);
        await LetGoAsync(projectId, report, cancellationToken);
        foreach (string[] types in TypesInOrder)
        {
            Resource? last = null;
            do
            {
                // Most passes change nothing, and should not hold up those who do.
                Page page = await database.ReadAsync(session => DecideAsync(session, projectId, types, last, cancellationToken), cancellationToken);
                if (page.ChangesAnything)
                    page = await database.WriteAsync(session => JoinAsync(session, projectId, types, last, cancellationToken), cancellationToken);
                report.Joined.AddRange(page.Decision.Joined);
                report.Refused.AddRange(page.Decision.Refused);
                last = page.Last;
            }
            while (last is not null);
        }

        await ForgetRefusalsAsync(projectId, report.Refused, cancellationToken);
        return report;
    }

    /// <summary>Looks at one page of candidates.</summary>
    private async ValueTask<Page> DecideAsync(
        DbSession session, string projectId, string[] types, Resource? after, CancellationToken cancellationToken)
    {
        List<AutoBindVault> vaults = await VaultTable.ListAutoBindAsync(session, projectId, cancellationToken);
        if (vaults.Count == 0)
            return new Page(new AutoBindDecision([], []), [], null);
        List<Resource> candidates = await ResourceTable.ListUnboundAsync(session, projectId, types, after, PageCount, cancellationToken);
        List<Resource> asked = candidates.FindAll(candidate => vaults.Exists(vault => AutoBinding.Asks(vault.Vault, candidate)));
        List<Resource> disks = [];
        List<BindingHolder> holders = [];
        if (asked.Count > 0)
        {
            disks = (await ResourceTable.FindWithDisksAsync(session, projectId, asked.ConvertAll(resource => resource.Id), cancellationToken))
                .FindAll(resource => resource.ServerId is not null);
            ResourceId[] related = [.. disks.Select(disk => disk.Id), .. asked.Where(one => one.ServerId is not null).Select(one => one.ServerId!.Value)];
            holders = await VaultTable.HoldersAsync(session, ProtectTypes.Backup, null, related, cancellationToken);
        }

        List<BindRefusal> known = await BindRefusalTable.ListAsync(session, projectId, cancellationToken);
        AutoBindDecision decision = AutoBinding.Decide(vaults, asked, disks, holders, options.BindReserveGb, time.GetStoredNow());
        List<AutoBindRefusal> news = decision.Refused.FindAll(
            refused => !known.Exists(old => old.ResourceId == refused.Resource.Id && old.VaultId == refused.Vault.Id && old.Code == refused.Code));
        return new Page(decision, news, candidates.Count == PageCount ? candidates[^1] : null);
    }

    private async ValueTask<Page> JoinAsync(
        DbSession session, string projectId, string[] types, Resource? after, CancellationToken cancellationToken)
    {
        DateTimeOffset now = time.GetStoredNow();
        Page page = await DecideAsync(session, projectId, types, after, cancellationToken);
        foreach (AutoBindJoin join in page.Decision.Joined)
        {
            await VaultBinder.InsertAsync(session, join.Vault.Id, [join.Resource], cancellationToken);
            await AuditAsync(session, join.Vault, join.Resource.Id, "addResources", now, cancellationToken);
        }

        foreach (AutoBindRefusal refused in page.News)
        {
            var refusal = new BindRefusal(refused.Resource.Id, refused.Vault.Id, refused.Code, refused.Message);
            await BindRefusalTable.PutAsync(session, projectId, refusal, cancellationToken);
            TaskRecord task = Order(refused.Vault, now).ToTask(TaskKind.Backup, refused.Resource.Id.Value, refused.Resource.Name, refused.Resource.Type, null) with
            {
                State = TaskState.Failed,
                ErrorCode = refused.Code,
                ErrorMessage = $"The rules of vault {refused.Vault.Id} ask for it, and it is not protected: {refused.Message}",
                Progress = TaskProgress.None with { Phase = TaskPhase.Done },
            };
            await TaskTable.InsertAsync(session, task, cancellationToken);
            await NotificationOutbox.TaskEndedAsync(session, task, now, cancellationToken);
        }

        return page;
    }

    /// <summary>Takes out of the vaults what is there no more, and leaves them the backups.</summary>
    private async Task LetGoAsync(string projectId, AutoBindReport report, CancellationToken cancellationToken)
    {
        if ((await database.ReadAsync(session => VanishedAsync(session, projectId, cancellationToken), cancellationToken)).Count == 0)
            return;
        report.Left.AddRange(await database.WriteAsync(
            async session =>
            {
                DateTimeOffset now = time.GetStoredNow();
                List<AutoBindLeave> vanished = await VanishedAsync(session, projectId, cancellationToken);
                foreach (AutoBindLeave leave in vanished)
                {
                    await VaultTable.LetGoResourceAsync(session, leave.Vault.Id, leave.Resource.Id, cancellationToken);
                    var plan = new TaskPlan { Resources = [new PlannedResource(leave.Resource.Id.Value, leave.Resource.Name, leave.Resource.Type)], Reason = leave.Reason };
                    TaskRecord task = Order(leave.Vault, now).ToTask(TaskKind.RemoveResource, leave.Resource.Id.Value, leave.Resource.Name, leave.Resource.Type, plan);
                    await TaskTable.InsertAsync(session, task, cancellationToken);
                    await AuditAsync(session, leave.Vault, leave.Resource.Id, "removeResources", now, cancellationToken);
                }

                return vanished;
            },
            cancellationToken));
    }

    /// <summary>
    /// What is not registered any more, and what was missing for so long that it will hardly come back; of the latter only what the
    /// vault's rules would bring in again if it did.
    /// </summary>
    private async ValueTask<List<AutoBindLeave>> VanishedAsync(DbSession session, string projectId, CancellationToken cancellationToken)
    {
        var vanished = new List<AutoBindLeave>();
        long tick = await InstallationClock.ReadAsync(session, cancellationToken);
        long missingBefore = tick - (long)options.SourceGoneAfter.TotalMicroseconds;
        List<ResourceId> suspects = await VaultTable.ListVanishedAsync(session, projectId, missingBefore, cancellationToken);
        if (suspects.Count == 0)
            return vanished;
        Dictionary<ResourceId, Resource> registered =
            (await ResourceTable.FindWithDisksAsync(session, projectId, suspects, cancellationToken)).ToDictionary(resource => resource.Id);
        Dictionary<ResourceId, Vault> vaults = await VaultTable.FindHoldingAsync(session, projectId, suspects, cancellationToken);
        foreach (ResourceId id in suspects)
        {
            if (!vaults.TryGetValue(id, out Vault? vault) || vault.Find(id) is not { } bound || !vault.IsWritable
                || bound.Status is ProtectStatuses.Protecting or ProtectStatuses.Restoring or ProtectStatuses.Removing)
            {
                continue;
            }

            if (!registered.TryGetValue(id, out Resource? resource))
                vanished.Add(new AutoBindLeave(vault, bound, $"{bound.Name} is not registered any more: it has left the vault, and its {bound.BackupCount} backups stay."));
            else if (resource.AutoBind && AutoBinding.Asks(vault, resource))
                vanished.Add(new AutoBindLeave(vault, bound, $"{bound.Name} has been missing for {Shown(options.SourceGoneAfter)}: it has left the vault, and its {bound.BackupCount} backups stay. It joins again when it is back."));
        }

        return vanished;
    }

    /// <summary>Refusals of what has joined meanwhile, or is asked for no more.</summary>
    private async Task ForgetRefusalsAsync(string projectId, List<AutoBindRefusal> refused, CancellationToken cancellationToken)
    {
        List<BindRefusal> known = await database.ReadAsync(session => BindRefusalTable.ListAsync(session, projectId, cancellationToken), cancellationToken);
        HashSet<ResourceId> still = [.. refused.Select(one => one.Resource.Id)];
        ResourceId[] over = [.. known.Select(one => one.ResourceId).Where(id => !still.Contains(id))];
        foreach (ResourceId[] chunk in over.Chunk(PageCount))
            await database.WriteRelaxedAsync(session => BindRefusalTable.DeleteAsync(session, chunk, cancellationToken), cancellationToken);
    }

    /// <summary>What the service does by itself stands beside what users do, under the name of the system.</summary>
    private static async ValueTask AuditAsync(
        DbSession session, Vault vault, ResourceId resourceId, string verb, DateTimeOffset now, CancellationToken cancellationToken) =>
        await AuditTable.InsertAsync(
            session,
            new AuditRecord
            {
                Id = Guid.NewGuid().ToString("N", CultureInfo.InvariantCulture),
                RecordedAt = now,
                ProjectId = vault.ProjectId,
                UserName = AuditRecord.System,
                Action = "cbr:vaults:" + verb,
                Method = "",
                Path = $"/v3/{vault.ProjectId}/vaults/{vault.Id}/{verb.ToLowerInvariant()}",
                ResourceId = resourceId.Value,
                Address = "",
                Status = StatusCodes.Status200OK,
            },
            cancellationToken);

    private static RemovalOrder Order(Vault vault, DateTimeOffset now) => new(
        vault.ProjectId, vault.Id, vault.Name, vault.ProviderId, vault.EnterpriseProjectId, Guid.NewGuid().ToString("N", CultureInfo.InvariantCulture), now);

    private static string Shown(TimeSpan age) => age.TotalDays >= 1 ? $"{age.TotalDays:0.#} days" : $"{age.TotalHours:0.#} hours";

    /// <param name="News">Refusals nobody was told of.</param>
    /// <param name="Last">Where the next page begins; null: this was the last.</param>
    private sealed record Page(AutoBindDecision Decision, List<AutoBindRefusal> News, Resource? Last)
    {
        public bool ChangesAnything => Decision.Joined.Count > 0 || News.Count > 0;
    }
}

/// <summary>What a pass did, and what it could not.</summary>
internal sealed record AutoBindReport(List<AutoBindJoin> Joined, List<AutoBindLeave> Left, List<AutoBindRefusal> Refused);

/// <param name="Reason">For people.</param>
internal sealed record AutoBindLeave(Vault Vault, VaultResource Resource, string Reason);
