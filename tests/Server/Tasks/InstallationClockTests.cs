using Strongroom.Server.Database;
using Strongroom.Server.Tasks;

namespace Strongroom.Server.Tests.Tasks;

public abstract class InstallationClockTests(ServerFixture server)
{
    [Fact]
    public async Task It_keeps_going_with_several_processes_and_counts_no_second_twice()
    {
        FakeTimeProvider time = new();
        InstallationClock[] clocks = [new(time), new(time), new(time)];
        foreach (InstallationClock clock in clocks)
            await clock.BeatAsync(server.Database, default);
        long start = await ReadAsync();

        for (int i = 0; i < 60; i++)
        {
            time.Advance(TimeSpan.FromSeconds(5.0 / 3));
            await clocks[i % 3].BeatAsync(server.Database, default);
        }

        Assert.Equal(100, (await ReadAsync() - start) / 1e6, 3);
    }

    [Fact]
    public async Task A_process_that_starts_late_or_sleeps_puts_it_no_further_than_real_time()
    {
        FakeTimeProvider time = new();
        InstallationClock sleeper = new(time);
        await sleeper.BeatAsync(server.Database, default);
        long start = await ReadAsync();
        var random = new Random(7);
        InstallationClock other = new(time);
        TimeSpan real = TimeSpan.Zero;

        for (int i = 0; i < 200; i++)
        {
            TimeSpan step = TimeSpan.FromMilliseconds(random.Next(1, 20_000));
            time.Advance(step);
            real += step;
            if (random.Next(10) == 0)
                other = new InstallationClock(time);
            await (random.Next(4) == 0 ? sleeper : other).BeatAsync(server.Database, default);
            Assert.InRange(await ReadAsync() - start, 0, real.TotalMicroseconds);
        }

        await sleeper.BeatAsync(server.Database, default);
        Assert.Equal(real.TotalSeconds, (await ReadAsync() - start) / 1e6, 3);
    }

    private Task<long> ReadAsync() => server.Database.ReadAsync(session => InstallationClock.ReadAsync(session, default), default);
}

public sealed class InstallationClockOnSqliteTests(SqliteApiServer server) : InstallationClockTests(server), IClassFixture<SqliteApiServer>;

public sealed class InstallationClockOnPostgresTests : InstallationClockTests, IClassFixture<PostgresApiServer>
{
    public InstallationClockOnPostgresTests(PostgresApiServer server)
        : base(server) => TestDatabase.SkipUnlessPostgres();
}
