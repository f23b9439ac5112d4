using Strongroom.Protection;
using Strongroom.Server.Metrics;
using Strongroom.Server.Tasks;
using Strongroom.Server.Tests.Metrics;

namespace Strongroom.Server.Tests.Tasks;

public sealed class RunningTaskTests
{
    [Fact]
    public void Whatever_a_run_reports_nothing_a_user_sees_of_it_runs_backwards_and_percent_not_even_over_attempts()
    {
        for (int seed = 0; seed < 300; seed++)
        {
            var random = new Random(seed);
            var clock = new FakeTimeProvider();
            TaskRecord task = MetricsTests.Task(TaskKind.Backup) with { WorkerId = "w", Attempts = 1 };
            int percent = 0;
            for (int attempt = 1; attempt <= 3; attempt++)
            {
                task = task with { Attempts = attempt };
                var run = new RunningTask(task, clock);
                TaskProgress before = TaskProgress.None;
                for (int i = 0; i < 40; i++)
                {
                    if (random.Next(4) > 0)
                        run.Report(new RunProgress((RunPhase)random.Next(5), random.Next(2000), random.Next(1000) - 1, random.Next(500), random.Next(500)));
                    clock.Advance(TimeSpan.FromMilliseconds(random.Next(3) * 400));
                    if (run.TakeUnwritten() is not { } taken)
                        continue;
                    Assert.InRange(taken.Percent, percent, 99);
                    Assert.True(
                        taken.BytesDone >= before.BytesDone && taken.BytesTotal >= before.BytesTotal && taken.BytesChanged >= before.BytesChanged
                            && taken.BytesStored >= before.BytesStored && taken.BytesPerSecond >= 0,
                        $"seed {seed}: {before} then {taken}");
                    (before, percent) = (taken, taken.Percent);
                }

                task = task with { Progress = before with { Percent = percent } };
            }
        }
    }

    [Fact]
    public void The_rate_is_what_was_done_lately()
    {
        var clock = new FakeTimeProvider();
        var run = new RunningTask(MetricsTests.Task(TaskKind.Backup) with { WorkerId = "w", Attempts = 1 }, clock);
        long done = 0;

        long Second(long bytes)
        {
            done += bytes;
            clock.Advance(TimeSpan.FromSeconds(1));
            run.Report(new RunProgress(RunPhase.Reading, done, 100_000, 0, 0));
            return run.TakeUnwritten()!.BytesPerSecond;
        }

        Assert.Equal(1000, Second(1000));
        Assert.Equal(1000, Second(1000));
        Assert.Equal(2000, Second(3000));
        Assert.Equal(2500, Second(3000));
    }

    [Theory]
    [InlineData(0, 0, 0, 0, "worker is running")]
    [InlineData(64, 4, 1, 100, "whole service")]
    [InlineData(9, 4, 1, 10, "its vault")]
    [InlineData(10, 3, 1, 10, "every worker is busy")]
    [InlineData(0, 0, 1, 10, "asked for before it")]
    public void A_waiting_task_names_the_limit_that_holds_it_up(long inWork, long ofVault, long workers, long runsMax, string expected) =>
        Assert.Contains(expected, new TaskQueue(3, inWork, ofVault, workers, runsMax).CauseFor(TaskKind.Backup, new TaskOptions()), StringComparison.Ordinal);

    [Fact]
    public void A_failed_task_has_a_remedy_and_a_good_or_cancelled_one_has_none()
    {
        TaskRecord task = MetricsTests.Task(TaskKind.Backup);

        Assert.Empty(TaskRemedy.Of(task));
        Assert.Empty(TaskRemedy.Of(task with { ErrorCode = TaskFailure.Cancelled }));
        Assert.NotEmpty(TaskRemedy.Of(task with { ErrorCode = "BackupService.0000" }));
    }
}
