using Strongroom.Server.Database;
using Strongroom.Server.Tasks;

namespace Strongroom.Server.Tests.Tasks;

public abstract class UpkeepTurnTests(ServerFixture server)
{
    private static readonly TimeSpan Interval = TimeSpan.FromHours(6);

    [Fact]
    public async Task One_of_many_has_the_turn_and_nobody_else_for_most_of_the_interval()
    {
        Assert.Equal(1, await TakenAsync("one"));
        Assert.Equal(0, await TakenAsync("one"));
        Assert.Equal(1, await TakenAsync("another"));
        await PutClockAsync(TimeSpan.FromHours(5));
        Assert.Equal(0, await TakenAsync("one"));
        await PutClockAsync(TimeSpan.FromHours(1));
        Assert.Equal(1, await TakenAsync("one"));
        Assert.Equal(0, await TakenAsync("one"));
    }

    private async Task<int> TakenAsync(string name)
    {
        bool[] taken = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => server.Database.WriteRelaxedAsync(
            session => UpkeepTurn.TakeAsync(session, name, Interval, default), default))));
        return taken.Count(isTaken => isTaken);
    }

    private Task PutClockAsync(TimeSpan forward) => server.Database.WriteAsync(
        async session => { await session.ExecuteAsync($"update installation_clock set elapsed_micros = elapsed_micros + {(long)forward.TotalMicroseconds}", default); },
        default);
}

public sealed class UpkeepTurnOnSqliteTests(SqliteApiServer server) : UpkeepTurnTests(server), IClassFixture<SqliteApiServer>;

public sealed class UpkeepTurnOnPostgresTests : UpkeepTurnTests, IClassFixture<PostgresApiServer>
{
    public UpkeepTurnOnPostgresTests(PostgresApiServer server)
        : base(server) => TestDatabase.SkipUnlessPostgres();
}
