using System.Collections.Concurrent;
using Strongroom.Drivers;
using Strongroom.Protection;
using Strongroom.Server.Tasks;

namespace Strongroom.Server.Tests.Tasks;

/// <summary>
/// A data plane that moves no data: backups succeed at once with made-up figures, unless a resource was told otherwise. It
/// keeps the promise the service builds on: a root appears in one step, after <c>BeforeCommit</c>, and never twice.
/// </summary>
internal sealed class FakeEngine : IProtectionEngine
{
    public const long Mb = 1L << 20;

    /// <summary>What the first backup of every member holds, and what each later one adds.</summary>
    public const long FirstBytes = 5 * Mb;
    public const long LaterBytes = 2 * Mb;

    private readonly ConcurrentDictionary<string, Func<CancellationToken, Task>> backupSteps = new();
    private readonly ConcurrentDictionary<string, Func<IProgress<RunProgress>, CancellationToken, Task<RestoreOutcome>>> restoreSteps = new();
    private readonly ConcurrentDictionary<string, (long Count, string[] Problems)> problems = new();

    /// <summary>Roots by backup id.</summary>
    public ConcurrentDictionary<string, BackupOutcome> Roots { get; } = new();

    public ConcurrentQueue<BackupRequest> Backups { get; } = new();

    /// <summary>Those that were not allowed to commit.</summary>
    public ConcurrentQueue<BackupRequest> Refused { get; } = new();

    public ConcurrentQueue<RestoreRequest> Restores { get; } = new();

    public ConcurrentQueue<string> Dropped { get; } = new();

    public ConcurrentQueue<RunProgress> ToReport { get; } = new();

    /// <summary>Devices and files that are gone, by location.</summary>
    public ConcurrentDictionary<string, DriverFailure> Unreachable { get; } = new();

    /// <summary>What a backup of a resource adds to its vault, where a test cares.</summary>
    public ConcurrentDictionary<string, Func<long>> Sizes { get; } = new();

    /// <summary>In the flow of the run, which then asks for its room.</summary>
    public Action BeforeCommit { get; set; } = () => { };

    /// <summary>Runs when a root is there and the service does not know it yet.</summary>
    public Func<CancellationToken, Task> AfterCommit { get; set; } = _ => Task.CompletedTask;

    /// <summary>Runs before the commit of a resource's backups.</summary>
    public void OnBackup(string resourceId, Func<CancellationToken, Task> step) => backupSteps[resourceId] = step;

    public void OnRestore(string backupId, Func<IProgress<RunProgress>, CancellationToken, Task<RestoreOutcome>> step) => restoreSteps[backupId] = step;

    public void BePartial(string resourceId, long count, params string[] named) => problems[resourceId] = (count, named);

    /// <summary>Backups of the resource stop before their commit until the gate is opened.</summary>
    public Gate Hold(string resourceId)
    {
        var gate = new Gate();
        OnBackup(resourceId, gate.PassAsync);
        return gate;
    }

    public Gate HoldRestore(string backupId)
    {
        var gate = new Gate();
        OnRestore(backupId, async (_, cancellationToken) =>
        {
            await gate.PassAsync(cancellationToken);
            return new RestoreOutcome { WrittenBytes = 1, ProblemCount = 0, Problems = [] };
        });
        return gate;
    }

    public async Task<BackupOutcome> BackupAsync(BackupRequest request, IProgress<RunProgress> progress, CancellationToken cancellationToken)
    {
        Backups.Enqueue(request);
        while (ToReport.TryDequeue(out RunProgress report))
            progress.Report(report);
        if (backupSteps.TryGetValue(request.ResourceId, out var step))
            await step(cancellationToken);
        cancellationToken.ThrowIfCancellationRequested();
        BackupOutcome outcome = Outcome(request);
        BeforeCommit();
        try
        {
            await request.BeforeCommit!(outcome, cancellationToken);
        }
        catch (LeaseLostException)
        {
            Refused.Enqueue(request);
            throw;
        }

        if (!Roots.TryAdd(request.BackupId, outcome))
            throw new InvalidOperationException("The root is there already.");
        await AfterCommit(cancellationToken);
        return outcome;
    }

    public async Task<RestoreOutcome> RestoreAsync(RestoreRequest request, IProgress<RunProgress> progress, CancellationToken cancellationToken)
    {
        Restores.Enqueue(request);
        return restoreSteps.TryGetValue(request.BackupId, out var step)
            ? await step(progress, cancellationToken)
            : new RestoreOutcome { WrittenBytes = FirstBytes, ProblemCount = 0, Problems = [] };
    }

    public Task<BackupOutcome?> FindBackupAsync(string domainId, string backupId, CancellationToken cancellationToken) =>
        Task.FromResult(Roots.GetValueOrDefault(backupId));

    public Task<IReadOnlyList<string>> ListDomainsAsync(CancellationToken cancellationToken) => Task.FromResult<IReadOnlyList<string>>([]);

    public Task<Strongroom.Repository.CollectionReport?> CollectAsync(string domainId, CancellationToken cancellationToken) =>
        Task.FromResult<Strongroom.Repository.CollectionReport?>(null);

    public Task DropBackupAsync(string domainId, string backupId, CancellationToken cancellationToken)
    {
        Roots.TryRemove(backupId, out _);
        Dropped.Enqueue(backupId);
        return Task.CompletedTask;
    }

    public Task<ResourceState> InspectAsync(string location, string? driver, CancellationToken cancellationToken)
    {
        if (Unreachable.TryGetValue(location, out DriverFailure failure))
            throw new DriverException(failure, location, "look", "as the test wants it");
        return Task.FromResult(Directory.Exists(location)
            ? new ResourceState(ContentKind.Tree, 0, false)
            : new ResourceState(ContentKind.Disk, new FileInfo(location).Length, false));
    }

    /// <summary>What the run of this request would have committed.</summary>
    public BackupOutcome Outcome(BackupRequest request)
    {
        bool isFirst = !Backups.Any(known => known.ResourceId == request.ResourceId && Roots.ContainsKey(known.BackupId));
        long bytes = Sizes.TryGetValue(request.ResourceId, out Func<long>? size) ? size() : isFirst ? FirstBytes : LaterBytes;
        long dataBytes = Math.Max(bytes, FirstBytes);
        (long count, string[] named) = problems.GetValueOrDefault(request.ResourceId, (0, []));
        return new BackupOutcome
        {
            Members = request.Members
                .Select(member => new MemberOutcome(
                    member.MemberId, File.Exists(member.Location) ? new FileInfo(member.Location).Length : 0, dataBytes, bytes, bytes / 2, !isFirst))
                .ToList(),
            ProtectedAt = request.CreatedAt + TimeSpan.FromSeconds(3),
            ProblemCount = count,
            Problems = named,
        };
    }
}

/// <summary>Something waits here until the test lets it through.</summary>
internal sealed class Gate
{
    private readonly TaskCompletionSource open = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource reached = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Somebody waits.</summary>
    public Task Reached => reached.Task.WaitAsync(TimeSpan.FromSeconds(20));

    public void Open() => open.TrySetResult();

    public void Fail(Exception error) => open.TrySetException(error);

    public async Task PassAsync(CancellationToken cancellationToken)
    {
        reached.TrySetResult();
        await open.Task.WaitAsync(cancellationToken);
    }
}
