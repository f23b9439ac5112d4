using System.Data.Common;
using System.Text.Json;
using Strongroom.Contract;
using Strongroom.Server.Backups;
using Strongroom.Server.Checkpoints;
using Strongroom.Server.Database;
using Strongroom.Server.Vaults;

namespace Strongroom.Server.Tasks;

/// <summary>The SQL of the table <c>tasks</c>.</summary>
internal static class TaskTable
{
    private static Sql Columns =>
        $"""
        id, project_id, kind, status, checkpoint_id, vault_id, vault_name, policy_id, provider_id, enterprise_project_id,
        resource_id, resource_name, resource_type, backup_id, backup_name, target_id, target_name, plan, request_id,
        created_at, started_at, ended_at, updated_at, error_code, error_message, problem_count, problems,
        phase, progress, bytes_done, bytes_total, bytes_changed, bytes_stored, cancel_requested, worker_id, token, attempts,
        bytes_per_second, stall
        """;

    public static async ValueTask InsertAsync(DbSession session, TaskRecord task, CancellationToken cancellationToken)
    {
        TaskProgress progress = task.Progress;
        await session.ExecuteAsync(
            $"""
            insert into tasks (
                id, project_id, kind, status, checkpoint_id, vault_id, vault_name, policy_id, provider_id, enterprise_project_id,
                resource_id, resource_name, resource_type, backup_id, backup_name, target_id, target_name, plan, request_id,
                created_at, started_at, ended_at, updated_at, error_code, error_message, problem_count, problems,
                phase, progress, bytes_done, bytes_total, bytes_changed, bytes_stored, cancel_requested, worker_id, token, attempts)
            values (
                {task.Id}, {task.ProjectId}, {WireWord.Of(task.Kind)}, {WireWord.Of(task.State)}, {task.CheckpointId},
                {task.VaultId}, {task.VaultName}, {task.PolicyId}, {task.ProviderId}, {task.EnterpriseProjectId},
                {task.ResourceId}, {task.ResourceName}, {task.ResourceType}, {task.BackupId}, {task.BackupName},
                {task.TargetId}, {task.TargetName}, {ToJson(task.Plan)}, {task.RequestId},
                {task.CreatedAt.ToMicroseconds()}, {task.StartedAt?.ToMicroseconds()}, {task.EndedAt?.ToMicroseconds()},
                {task.UpdatedAt.ToMicroseconds()}, {task.ErrorCode}, {task.ErrorMessage}, {task.ProblemCount}, {ToJson(task.Problems)},
                {WireWord.Of(progress.Phase)}, {progress.Percent}, {progress.BytesDone}, {progress.BytesTotal},
                {progress.BytesChanged}, {progress.BytesStored}, {task.CancelRequested}, {task.WorkerId}, {task.Token}, {task.Attempts})
            """,
            cancellationToken);
    }

    /// <summary>Null when there is none, or when it is another project's.</summary>
    public static async ValueTask<TaskRecord?> FindAsync(DbSession session, string projectId, TaskId id, CancellationToken cancellationToken) =>
        await session.QueryFirstAsync(
            $"select {Columns} from tasks where id = {id} and project_id = {projectId}", Read, cancellationToken);

    /// <summary>Restores of the project that wait or run.</summary>
    public static async ValueTask<List<TaskRecord>> ListRestoresInWorkAsync(
        DbSession session, string projectId, CancellationToken cancellationToken) =>
        await session.QueryAsync(
            $"""
            select {Columns} from tasks
            where project_id = {projectId} and status in ('waiting', 'running') and kind = {WireWord.Of(TaskKind.Restore)}
            """,
            Read,
            cancellationToken);

    /// <summary>How many tasks of the project will start before this one, in the order the project's own are taken.</summary>
    public static async ValueTask<int> CountAheadAsync(DbSession session, TaskRecord task, CancellationToken cancellationToken)
    {
        long createdAt = task.CreatedAt.ToMicroseconds();
        return (int)await session.QueryLongAsync(
            $"""
            select count(*) from tasks
            where project_id = {task.ProjectId} and status = 'waiting'
                and (created_at < {createdAt} or (created_at = {createdAt} and id < {task.Id}))
            """,
            cancellationToken);
    }

    /// <summary>Tasks that run, and backups of a vault among them.</summary>
    public static async ValueTask<(long All, long OfVault)> CountInWorkAsync(DbSession session, VaultId? vaultId, CancellationToken cancellationToken) =>
        await session.QueryFirstAsync(
            $"""
            select count(*), coalesce(sum(case when kind = 'backup' and vault_id = {vaultId} then 1 else 0 end), 0)
            from tasks where status = 'running'
            """,
            row => (row.GetInt64(0), row.GetInt64(1)),
            cancellationToken);

    /// <summary>Removes tasks that ended before then, at most so many.</summary>
    /// <returns>How many.</returns>
    public static async ValueTask<int> DeleteEndedBeforeAsync(DbSession session, DateTimeOffset before, int countMax, CancellationToken cancellationToken) =>
        await session.ExecuteAsync(
            $"""
            delete from tasks where id in (
                select id from tasks where ended_at is not null and ended_at < {before.ToMicroseconds()} order by ended_at limit {countMax})
            """,
            cancellationToken);

    public static async ValueTask<bool> AnyWaitingAsync(DbSession session, CancellationToken cancellationToken) =>
        await session.QueryLongAsync(
            $"select case when exists (select 1 from tasks where status = 'waiting') then 1 else 0 end", cancellationToken) == 1;

    /// <summary>
    /// Gives the next task to a worker, fairly: to the project with the fewest running tasks, among equals to the one whose
    /// last claim is longest ago, and within a project in the order they were asked for. What a full vault or a full
    /// installation holds up lets others pass.
    /// </summary>
    /// <param name="time">Read when it is this claim's turn: no task starts before one that was claimed earlier.</param>
    /// <returns>Null when nothing waits that may run, or when the worker is not registered any more.</returns>
    public static async ValueTask<TaskRecord?> ClaimAsync(
        DbSession session, string workerId, TaskOptions limits, TimeProvider time, CancellationToken cancellationToken)
    {
        // Whoever claims waits here for the claim before: what is counted below is then what there is.
        long claim = await session.QueryLongAsync(
            $"update task_claims set claims = claims + 1 where id = 1 returning claims", cancellationToken);
        long at = time.GetStoredNow().ToMicroseconds();
        Sql ready = $"""
            status = 'waiting' and (select count(*) from tasks where status = 'running') < {limits.ParallelRunsInstallationMax}
            and (kind <> 'backup' or vault_id not in (
                select vault_id from tasks where status = 'running' and kind = 'backup' and vault_id is not null
                group by vault_id having count(*) >= {limits.ParallelRunsPerVaultMax}))
            """;
        Sql lockClause = Sql.Empty;
        lockClause.AppendLiteral(session.Dialect.ClaimLockClause);
        string? id = await session.QueryFirstAsync(
            $"""
            select id from tasks
            where {ready} and project_id = (
                select w.project_id from (select distinct project_id from tasks where {ready}) w
                order by
                    (select count(*) from tasks r where r.project_id = w.project_id and r.status = 'running'),
                    coalesce((select max(s.claim) from tasks s where s.project_id = w.project_id), 0),
                    w.project_id
                limit 1)
            order by created_at, id limit 1 {lockClause}
            """,
            row => row.GetString(0),
            cancellationToken);
        if (id is null)
            return null;
        return await session.QueryFirstAsync(
            $"""
            update tasks set
                status = 'running', phase = 'opening', worker_id = {workerId}, token = token + 1, attempts = attempts + 1,
                claim = {claim}, started_at = {at}, updated_at = {at}
            where id = {id} and status = 'waiting' and exists (select 1 from workers where id = {workerId})
            returning {Columns}
            """,
            Read,
            cancellationToken);
    }

    /// <summary>The fence: true as long as nobody else was given the task. Asked inside every transaction that settles something for it.</summary>
    public static async ValueTask<bool> IsOwnedAsync(DbSession session, TaskLease lease, CancellationToken cancellationToken) =>
        await session.QueryLongAsync(
            $"""
            select count(*) from tasks
            where id = {lease.TaskId} and worker_id = {lease.WorkerId} and token = {lease.Token} and status = 'running'
            """,
            cancellationToken) == 1;

    /// <summary>What backups of a vault that are committed or about to be, and not counted yet, will count in it.</summary>
    /// <param name="except">Not this one.</param>
    public static async ValueTask<long> TakenRoomAsync(DbSession session, VaultId vaultId, TaskId? except, CancellationToken cancellationToken)
    {
        Sql others = except is null ? Sql.Empty : $"and id <> {except}";
        return await session.QueryLongAsync(
            $"""
            select cast(coalesce(sum(room_bytes), 0) as bigint) from tasks
            where status in ('waiting', 'running') and vault_id = {vaultId} {others}
            """,
            cancellationToken);
    }

    /// <summary>Takes room for a backup that is about to be committed; it is given back, or counted, when the task ends.</summary>
    /// <returns>False when the task is another worker's.</returns>
    public static async ValueTask<bool> TakeRoomAsync(DbSession session, TaskLease lease, long bytes, CancellationToken cancellationToken) =>
        await session.ExecuteAsync(
            $"""
            update tasks set room_bytes = {bytes}
            where id = {lease.TaskId} and worker_id = {lease.WorkerId} and token = {lease.Token} and status = 'running'
            """,
            cancellationToken) == 1;

    /// <summary>What a worker runs by the table, and what of it is to be cancelled.</summary>
    public static async ValueTask<List<(TaskLease Lease, bool CancelRequested)>> ListOwnedAsync(
        DbSession session, string workerId, CancellationToken cancellationToken) =>
        await session.QueryAsync(
            $"select id, token, cancel_requested from tasks where status = 'running' and worker_id = {workerId}",
            row => (new TaskLease(new TaskId(row.GetString(0)), workerId, row.GetInt64(1)), row.GetBoolean(2)),
            cancellationToken);

    /// <summary>Writes where a running task is. Percent never falls.</summary>
    public static async ValueTask ReportAsync(
        DbSession session, TaskLease lease, TaskProgress progress, DateTimeOffset now, CancellationToken cancellationToken) =>
        await session.ExecuteAsync(
            $"""
            update tasks set
                phase = {WireWord.Of(progress.Phase)},
                progress = case when progress < {progress.Percent} then {progress.Percent} else progress end,
                bytes_done = {progress.BytesDone}, bytes_total = {progress.BytesTotal},
                bytes_changed = {progress.BytesChanged}, bytes_stored = {progress.BytesStored},
                bytes_per_second = {progress.BytesPerSecond}, stall = null,
                updated_at = {now.ToMicroseconds()}
            where id = {lease.TaskId} and worker_id = {lease.WorkerId} and token = {lease.Token} and status = 'running'
            """,
            cancellationToken);

    /// <summary>Writes why a running task stands. When it last moved stays as it is.</summary>
    public static async ValueTask ReportStallAsync(DbSession session, TaskLease lease, string cause, CancellationToken cancellationToken) =>
        await session.ExecuteAsync(
            $"""
            update tasks set stall = {cause}, bytes_per_second = 0
            where id = {lease.TaskId} and worker_id = {lease.WorkerId} and token = {lease.Token} and status = 'running'
            """,
            cancellationToken);

    /// <summary>Ends a running task.</summary>
    /// <returns>False when the lease is void: nothing was changed, and the transaction must be given up.</returns>
    public static async ValueTask<bool> FinishAsync(
        DbSession session, TaskLease lease, TaskEnd end, DateTimeOffset now, CancellationToken cancellationToken)
    {
        long at = now.ToMicroseconds();
        return await session.ExecuteAsync(
            $"""
            update tasks set
                status = {WireWord.Of(end.State)}, phase = 'done', error_code = {end.ErrorCode}, error_message = {end.ErrorMessage},
                problem_count = {end.ProblemCount}, problems = {ToJson(end.Problems)},
                progress = case when {end.IsComplete} then 100 else progress end,
                bytes_changed = case when {end.BytesChanged} > bytes_changed then {end.BytesChanged} else bytes_changed end,
                bytes_stored = case when {end.BytesStored} > bytes_stored then {end.BytesStored} else bytes_stored end,
                ended_at = {at}, updated_at = {at}, worker_id = null, stall = null, bytes_per_second = 0
            where id = {lease.TaskId} and worker_id = {lease.WorkerId} and token = {lease.Token} and status = 'running'
            """,
            cancellationToken) == 1;
    }

    /// <summary>Ends a task nobody runs yet.</summary>
    /// <returns>False when it does not wait any more.</returns>
    public static async ValueTask<bool> FinishWaitingAsync(
        DbSession session, TaskId id, TaskEnd end, DateTimeOffset now, CancellationToken cancellationToken)
    {
        long at = now.ToMicroseconds();
        return await session.ExecuteAsync(
            $"""
            update tasks set
                status = {WireWord.Of(end.State)}, phase = 'done', error_code = {end.ErrorCode}, error_message = {end.ErrorMessage},
                ended_at = {at}, updated_at = {at}
            where id = {id} and status = 'waiting'
            """,
            cancellationToken) == 1;
    }

    /// <summary>Puts a task back into the queue whose run was stopped with its process; it does not count as an attempt.</summary>
    public static async ValueTask ReleaseAsync(DbSession session, TaskLease lease, DateTimeOffset now, CancellationToken cancellationToken) =>
        await session.ExecuteAsync(
            $"""
            update tasks set
                status = 'waiting', phase = 'waiting', worker_id = null, token = token + 1, attempts = attempts - 1,
                stall = null, bytes_per_second = 0, updated_at = {now.ToMicroseconds()}
            where id = {lease.TaskId} and worker_id = {lease.WorkerId} and token = {lease.Token} and status = 'running'
            """,
            cancellationToken);

    /// <summary>Puts everything back into the queue whose worker is not registered any more.</summary>
    /// <returns>How many tasks.</returns>
    public static async ValueTask<int> RequeueOrphansAsync(DbSession session, DateTimeOffset now, CancellationToken cancellationToken) =>
        await session.ExecuteAsync(
            $"""
            update tasks set
                status = 'waiting', phase = 'waiting', worker_id = null, token = token + 1, stall = null, bytes_per_second = 0,
                updated_at = {now.ToMicroseconds()}
            where status = 'running' and (worker_id is null or worker_id not in (select id from workers))
            """,
            cancellationToken);

    // Of vaults that want nothing told of them, nothing is.
    private static Sql EndedBetween(string? projectId, DateTimeOffset from, DateTimeOffset until)
    {
        Sql ended = $"""
            ended_at > {from.ToMicroseconds()} and ended_at <= {until.ToMicroseconds()} and error_code <> {TaskFailure.Cancelled}
            and not exists (select 1 from vaults v where v.id = tasks.vault_id and v.smn_notify = false)
            """;
        return projectId is null ? ended : $"{ended} and project_id = {projectId}";
    }

    /// <summary>How many ended how, by status; partial ones are a status of their own. Without what was cancelled.</summary>
    /// <param name="projectId">Null: of all.</param>
    public static async ValueTask<Dictionary<string, long>> CountEndedAsync(
        DbSession session, string? projectId, DateTimeOffset from, DateTimeOffset until, CancellationToken cancellationToken)
    {
        List<(string Status, long Count)> counts = await session.QueryAsync(
            $"""
            select case when error_code = {TaskFailure.Partial} then 'partial' else status end, count(*) from tasks
            where kind in ('backup', 'restore', 'replication') and {EndedBetween(projectId, from, until)} group by 1
            """,
            row => (row.GetString(0), row.GetInt64(1)),
            cancellationToken);
        return counts.ToDictionary(row => row.Status, row => row.Count, StringComparer.Ordinal);
    }

    /// <summary>Those that failed, are partial or were skipped, newest first.</summary>
    public static async ValueTask<List<TaskRecord>> ListProblemsAsync(
        DbSession session, string? projectId, DateTimeOffset from, DateTimeOffset until, int countMax, CancellationToken cancellationToken) =>
        await session.QueryAsync(
            $"""
            select {Columns} from tasks where status in ('failed', 'timeout', 'skipped') and {EndedBetween(projectId, from, until)}
            order by ended_at desc, id limit {countMax}
            """,
            Read,
            cancellationToken);

    /// <summary>Running tasks that have not moved since then, the longest first.</summary>
    public static async ValueTask<List<TaskRecord>> ListStandingAsync(
        DbSession session, DateTimeOffset since, int countMax, CancellationToken cancellationToken) =>
        await session.QueryAsync(
            $"""
            select {Columns} from tasks where status = 'running' and updated_at <= {since.ToMicroseconds()}
            order by updated_at, id limit {countMax}
            """,
            Read,
            cancellationToken);

    /// <returns>False when the task has ended already.</returns>
    public static async ValueTask<bool> RequestCancelAsync(DbSession session, TaskId id, CancellationToken cancellationToken) =>
        await session.ExecuteAsync(
            $"update tasks set cancel_requested = true where id = {id} and status in ('waiting', 'running')", cancellationToken) == 1;

    public static async ValueTask<long> CountAsync(DbSession session, Sql filter, CancellationToken cancellationToken) =>
        await session.QueryLongAsync($"select count(*) from tasks where {filter}", cancellationToken);

    public static async ValueTask<List<TaskRecord>> ListAsync(
        DbSession session, Sql filter, Sql order, int limit, int offset, CancellationToken cancellationToken) =>
        await session.QueryAsync(
            $"select {Columns} from tasks where {filter} order by {order} limit {limit} offset {offset}", Read, cancellationToken);

    private static TaskRecord Read(DbDataReader row) => new()
    {
        Id = new TaskId(row.GetString(0)),
        ProjectId = row.GetString(1),
        Kind = WireWord.Parse<TaskKind>(row.GetString(2)),
        State = WireWord.Parse<TaskState>(row.GetString(3)),
        CheckpointId = row.GetTextOrNull(4) is { } checkpointId ? new CheckpointId(checkpointId) : null,
        VaultId = row.GetTextOrNull(5) is { } vaultId ? new VaultId(vaultId) : null,
        VaultName = row.GetTextOrNull(6),
        PolicyId = row.GetTextOrNull(7),
        ProviderId = row.GetString(8),
        EnterpriseProjectId = row.GetString(9),
        ResourceId = row.GetString(10),
        ResourceName = row.GetString(11),
        ResourceType = row.GetString(12),
        BackupId = row.GetTextOrNull(13) is { } backupId ? new BackupId(backupId) : null,
        BackupName = row.GetTextOrNull(14),
        TargetId = row.GetTextOrNull(15),
        TargetName = row.GetTextOrNull(16),
        Plan = row.GetTextOrNull(17) is { } plan ? JsonSerializer.Deserialize(plan, TaskJson.Default.TaskPlan) : null,
        RequestId = row.GetString(18),
        CreatedAt = row.GetInstant(19),
        StartedAt = row.GetInstantOrNull(20),
        EndedAt = row.GetInstantOrNull(21),
        UpdatedAt = row.GetInstant(22),
        ErrorCode = row.GetString(23),
        ErrorMessage = row.GetString(24),
        ProblemCount = row.GetInt64(25),
        Problems = row.GetTextOrNull(26) is { } problems ? JsonSerializer.Deserialize(problems, TaskJson.Default.IReadOnlyListString)! : [],
        Progress = new TaskProgress(
            WireWord.Parse<TaskPhase>(row.GetString(27)),
            (int)row.GetInt64(28),
            row.GetInt64(29),
            row.GetInt64(30),
            row.GetInt64(31),
            row.GetInt64(32),
            row.GetInt64(37)),
        Stall = row.GetTextOrNull(38),
        CancelRequested = row.GetBoolean(33),
        WorkerId = row.GetTextOrNull(34),
        Token = row.GetInt64(35),
        Attempts = (int)row.GetInt64(36),
    };

    private static string? ToJson(TaskPlan? plan) => plan is null ? null : JsonSerializer.Serialize(plan, TaskJson.Default.TaskPlan);

    private static string? ToJson(IReadOnlyList<string> problems) =>
        problems.Count == 0 ? null : JsonSerializer.Serialize(problems, TaskJson.Default.IReadOnlyListString);
}
