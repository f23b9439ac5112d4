using System.Diagnostics;
using Strongroom.Contract.Backups;
using Strongroom.Contract.Requests;
using Strongroom.Contract.Resources;
using Strongroom.Contract.Tasks;

namespace Strongroom.Scenarios;

/// <summary>
/// The service is killed, without warning, at moments spread over a backup and over a restore. Whatever the moment: when
/// it runs again nothing runs for ever, no resource stays busy, every backup it calls available restores bit-exact, and
/// what failed is not called available.
/// </summary>
[Trait("Category", "Slow")]
public sealed class CrashScenarios
{
    private const int Moments = 20;

    [Fact]
    public async Task Killed_at_twenty_moments_of_a_backup_it_keeps_every_promise()
    {
        using var directory = new TemporaryDirectory();
        await MakeImage(directory["image"]);
        string committedId;
        string committedSum = await Sums.OfFile(directory["image"]);
        Protected disk;
        TimeSpan whole;
        await using (RunningService service = await RunningService.Start(directory["data"]))
        {
            disk = await Protected.Add(service.Cbr, ResourceTypes.Disk, "disk", directory["image"]);
            committedId = await disk.BackUp(service.Cbr);
            await Rewrite(directory["image"]);
            long startedAt = Stopwatch.GetTimestamp();
            await disk.BackUp(service.Cbr);
            whole = Stopwatch.GetElapsedTime(startedAt);
        }

        int interrupted = 0;
        for (int moment = 0; moment < Moments; moment++)
        {
            await Rewrite(directory["image"]);
            string sum = await Sums.OfFile(directory["image"]);
            OperationLogShape started;
            await using (RunningService service = await RunningService.Start(directory["data"]))
            {
                started = await disk.StartBackup(service.Cbr);
                await Task.Delay(whole * moment / (Moments - 1));
                await service.Kill();
            }

            await using RunningService again = await RunningService.Start(directory["data"]);
            TaskShape task = await Protected.Ended(again.Cbr, started.Id);
            interrupted += task.Attempts > 1 ? 1 : 0;
            await AssertQuiet(again, disk, $"moment {moment}");
            BackupShape backup = await again.Cbr.GetBackupAsync(task.BackupId!, CancellationToken.None);
            Assert.True(
                backup.Status == (task.Status == "success" ? "available" : "error"),
                $"moment {moment}: the task is {task.Status} ({task.Error.Message}) and the backup {backup.Status}.");
            if (backup.Status == "available")
                await AssertRestores(again, disk, backup.Id, sum, $"moment {moment}");
        }

        AssertMetRuns(interrupted);
        await using RunningService last = await RunningService.Start(directory["data"]);
        await AssertRestores(last, disk, committedId, committedSum, "the first backup");
        await last.Kill();
        await StrongroomBinary.Do(null, "repo", "check", "--read-data", "--data", directory["data"]);
    }

    [Fact]
    public async Task Killed_at_twenty_moments_of_a_restore_it_keeps_every_promise()
    {
        using var directory = new TemporaryDirectory();
        await MakeImage(directory["image"]);
        string sum = await Sums.OfFile(directory["image"]);
        string backupId;
        Protected disk;
        TimeSpan whole;
        await using (RunningService service = await RunningService.Start(directory["data"]))
        {
            disk = await Protected.Add(service.Cbr, ResourceTypes.Disk, "disk", directory["image"]);
            backupId = await disk.BackUp(service.Cbr);
            await Rewrite(directory["image"]);
            long startedAt = Stopwatch.GetTimestamp();
            await disk.Restore(service.Cbr, backupId);
            whole = Stopwatch.GetElapsedTime(startedAt);
        }

        int interrupted = 0;
        for (int moment = 0; moment < Moments; moment++)
        {
            await Rewrite(directory["image"]);
            string taskId;
            await using (RunningService service = await RunningService.Start(directory["data"]))
            {
                taskId = await disk.StartRestore(service.Cbr, backupId);
                await Task.Delay(whole * moment / (Moments - 1));
                await service.Kill();
            }

            await using RunningService again = await RunningService.Start(directory["data"]);
            TaskShape task = await Protected.Ended(again.Cbr, taskId);
            interrupted += task.Attempts > 1 ? 1 : 0;
            await AssertQuiet(again, disk, $"moment {moment}");
            Assert.Equal("available", (await again.Cbr.GetBackupAsync(backupId, CancellationToken.None)).Status);
            if (task.Status == "success")
                Assert.Equal(sum, await Sums.OfFile(directory["image"]));
            else
                await AssertRestores(again, disk, backupId, sum, $"moment {moment}");
        }

        AssertMetRuns(interrupted);
    }

    // Kills that all come before a run starts or after it ended would prove nothing.
    private static void AssertMetRuns(int interrupted) =>
        Assert.True(interrupted >= Moments / 4, $"Only {interrupted} of {Moments} kills met a run.");

    private static async Task AssertQuiet(RunningService service, Protected disk, string when)
    {
        foreach (string status in new[] { "waiting", "running" })
        {
            var filter = new TaskFilter { Status = status };
            Assert.True(
                await service.Cbr.ListOperationLogsAsync(filter, CancellationToken.None).CountAsync() == 0, $"{when}: a task is still {status}.");
        }

        string? protectStatus = await disk.ProtectStatus(service.Cbr);
        Assert.True(protectStatus is "available" or "error", $"{when}: the resource is still {protectStatus}.");
        Assert.All(
            await disk.Backups(service.Cbr),
            backup => Assert.True(backup.Status is "available" or "error", $"{when}: backup {backup.Id} is still {backup.Status}."));
    }

    private static async Task AssertRestores(RunningService service, Protected disk, string backupId, string sum, string when)
    {
        await disk.Restore(service.Cbr, backupId);
        Assert.True(sum == await Sums.OfFile(disk.Resource.Path!), $"{when}: backup {backupId} came back different.");
    }

    // Enough for a kill to meet every phase, little enough for forty rounds.
    private static Task<string> MakeImage(string path) => Sums.Shell(
        "truncate -s 256M \"$1\"; dd if=/dev/urandom of=\"$1\" bs=1M count=64 seek=16 conv=notrunc status=none", path);

    private static Task<string> Rewrite(string path) => Sums.Shell(
        "dd if=/dev/urandom of=\"$1\" bs=1M count=48 seek=24 conv=notrunc status=none", path);
}
