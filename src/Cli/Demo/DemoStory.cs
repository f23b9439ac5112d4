using System.Globalization;
using Strongroom.Cli.Client;
using Strongroom.Cli.Progress;
using Strongroom.Contract;
using Strongroom.Contract.Backups;
using Strongroom.Contract.Checkpoints;
using Strongroom.Contract.Requests;
using Strongroom.Contract.Resources;
using Strongroom.Contract.Tasks;
using Strongroom.Contract.Vaults;

namespace Strongroom.Cli.Demo;

/// <summary>
/// The demo's story, told through the public HTTP API and nothing else: protect, change, protect again, lose everything,
/// bring both points back and compare.
/// </summary>
internal sealed class DemoStory
{
    private const int VaultSizeGb = 10;

    private readonly Shell shell;
    private readonly CbrClient cbr;
    private readonly DemoOriginals originals;
    private readonly List<DemoRow> rows = [];

    private ResourceShape server = null!;
    private ResourceShape fileSystem = null!;
    private VaultShape[] vaults = [];

    public DemoStory(Shell shell, CbrClient cbr, DemoOriginals originals)
    {
        this.shell = shell;
        this.cbr = cbr;
        this.originals = originals;
    }

    /// <summary>What was done so far, also when the story ended early.</summary>
    public IReadOnlyList<DemoRow> Rows => rows;

    /// <summary>What went wrong, one line each; empty when everything came back identical.</summary>
    public List<string> Failures { get; } = [];

    /// <param name="beforeRestore">Runs when both backups are made and before anything is restored.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task RunAsync(Func<CancellationToken, Task> beforeRestore, CancellationToken cancellationToken)
    {
        await RegisterAsync(cancellationToken);
        DemoSums firstSums = await SumAsync(cancellationToken);
        Point first = await BackUpAsync("first backup", cancellationToken);

        shell.Say("demo: changing about 2 %: files are added, changed and removed, on the disks through their file systems");
        await originals.ChangeAsync(cancellationToken);
        DemoSums secondSums = await SumAsync(cancellationToken);
        Point second = await BackUpAsync("second backup", cancellationToken);
        if (Failures.Count > 0)
            return;

        await beforeRestore(cancellationToken);
        await RestoreAsync("restore of the first", first, firstSums, cancellationToken);
        await RestoreAsync("restore of the second", second, secondSums, cancellationToken);
    }

    private async Task RegisterAsync(CancellationToken cancellationToken)
    {
        server = await cbr.RegisterResourceAsync(
            new ResourceRegistrationShape
            {
                Type = ResourceTypes.Server,
                Name = "web-1",
                Disks =
                [
                    new DiskRegistrationShape { Path = originals.SystemDisk, Name = "web-1-system" },
                    new DiskRegistrationShape { Path = originals.DataDisk, Name = "web-1-data" },
                ],
            },
            cancellationToken);
        fileSystem = await cbr.RegisterResourceAsync(
            new ResourceRegistrationShape { Type = ResourceTypes.FileSystem, Name = "projects", Path = originals.Tree }, cancellationToken);
        vaults =
        [
            await CreateVaultAsync("demo-servers", ObjectTypes.Server, server, cancellationToken),
            await CreateVaultAsync("demo-files", ObjectTypes.FileSystem, fileSystem, cancellationToken),
        ];
        shell.Say("demo: server web-1 with two disks is in vault demo-servers, the directory 'projects' in vault demo-files");
    }

    private async Task<VaultShape> CreateVaultAsync(string name, string objectType, ResourceShape resource, CancellationToken cancellationToken)
    {
        VaultShape vault = await cbr.CreateVaultAsync(
            new VaultCreation { Name = name, Billing = new VaultBillingCreation { ObjectType = objectType, Size = VaultSizeGb } }, cancellationToken);
        await cbr.AddResourcesAsync(vault.Id, [new ResourceReference { Id = resource.Id, Type = resource.Type }], cancellationToken);
        return vault;
    }

    private async Task<Point> BackUpAsync(string step, CancellationToken cancellationToken)
    {
        shell.Say($"demo: {step} of the server and the directory");
        var taskIds = new List<string>();
        foreach (VaultShape vault in vaults)
        {
            CheckpointShape checkpoint = await cbr.CreateCheckpointAsync(new CheckpointCreation { VaultId = vault.Id }, cancellationToken);
            taskIds.AddRange(await cbr.TaskIdsAsync(checkpoint, cancellationToken));
        }

        TaskShape[] tasks = await FollowAsync(taskIds, cancellationToken);
        foreach (TaskShape task in tasks)
        {
            string verdict = task.Status == "success" ? "available" : task.Status;
            rows.Add(new DemoRow(step, NameOf(task), task.BytesTotal, task.BytesStored, SecondsOf(task), verdict));
            if (task.Status != "success")
                Failures.Add(TaskWait.Describe(task));
        }

        return new Point(BackupIdOf(tasks, server), BackupIdOf(tasks, fileSystem));
    }

    private async Task RestoreAsync(string step, Point point, DemoSums expected, CancellationToken cancellationToken)
    {
        await originals.DestroyAsync(cancellationToken);
        shell.Say($"demo: {step}: one disk is overwritten with garbage, the other disk and the directory are deleted; bringing them back");
        BackupShape ofServer = await cbr.GetBackupAsync(point.ServerBackupId, cancellationToken);
        string serverTask = await cbr.RestoreBackupAsync(
            ofServer.Id,
            new RestoreTarget
            {
                ServerId = server.Id,
                Mappings = [.. ofServer.Children.Select(child => new RestoreMapping(child.Id, child.ResourceId))],
                PowerOn = false,
            },
            cancellationToken);
        string treeTask = await cbr.RestoreBackupAsync(
            point.FileSystemBackupId, new RestoreTarget { ResourceId = fileSystem.Id }, cancellationToken);

        TaskShape[] tasks = await FollowAsync([serverTask, treeTask], cancellationToken);
        await JudgeAsync(step, tasks[0], [("disk web-1-system", originals.SystemDisk, expected.SystemDisk), ("disk web-1-data", originals.DataDisk, expected.DataDisk)], cancellationToken);
        await JudgeAsync(step, tasks[1], [("directory projects", originals.Tree, expected.Tree)], cancellationToken);
    }

    /// <summary>Success is what the sums say, never what the task says.</summary>
    private async Task JudgeAsync(
        string step, TaskShape task, (string What, string Path, string Sum)[] restored, CancellationToken cancellationToken)
    {
        string verdict = "identical";
        if (task.Status != "success")
        {
            verdict = task.Status;
            Failures.Add($"{step}: {TaskWait.Describe(task)}");
        }
        else
        {
            foreach ((string what, string path, string sum) in restored)
            {
                string now = await SumOrReasonAsync(path, cancellationToken);
                if (now == sum)
                    continue;
                verdict = "DIFFERENT";
                Failures.Add($"{step}: {what} is not what was backed up: SHA-256 {now} instead of {sum}.");
            }
        }

        rows.Add(new DemoRow(step, NameOf(task), task.BytesTotal, StoredBytes: null, SecondsOf(task), verdict));
    }

    private static async Task<string> SumOrReasonAsync(string path, CancellationToken cancellationToken)
    {
        try
        {
            return Directory.Exists(path)
                ? await Checksum.OfTreeAsync(path, cancellationToken)
                : await Checksum.OfFileAsync(path, cancellationToken);
        }
        catch (IOException error)
        {
            return error.Message;
        }
    }

    private Task<DemoSums> SumAsync(CancellationToken cancellationToken) => ProgressBoard.RunAsync(
        shell,
        async board =>
        {
            ProgressItem item = board.Add("SHA-256 of the originals", countsBytes: false);
            DemoSums sums = await originals.SumAsync(cancellationToken);
            item.Finish("");
            return sums;
        },
        cancellationToken);

    private Task<TaskShape[]> FollowAsync(IReadOnlyList<string> taskIds, CancellationToken cancellationToken) => ProgressBoard.RunAsync(
        shell,
        board => Task.WhenAll(taskIds.Select(id => TaskWait.FollowAsync(shell, cbr, id, board, cancellationToken))),
        cancellationToken);

    private string NameOf(TaskShape task) =>
        task.Resource.Id == server.Id ? "server web-1 (2 disks)" : $"directory {task.Resource.Name}";

    private static string BackupIdOf(TaskShape[] tasks, ResourceShape resource) =>
        tasks.First(task => task.Resource.Id == resource.Id).BackupId ?? "";

    private static double SecondsOf(TaskShape task) =>
        task is { StartedAt: { } startedAt, EndedAt: { } endedAt } ? (Instant(endedAt) - Instant(startedAt)).TotalSeconds : 0;

    private static DateTimeOffset Instant(string wire) =>
        DateTimeOffset.Parse(wire, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal);

    private readonly record struct Point(string ServerBackupId, string FileSystemBackupId);
}
