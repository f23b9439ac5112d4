using Strongroom.Server.Database;

namespace Strongroom.Server.Tests.Database;

public abstract class MigrationsContract : IAsyncLifetime
{
    private static readonly MigrationScript First = new(1, "first", "create table things (id text primary key); insert into things (id) values ('one')");
    private static readonly MigrationScript Second = new(2, "second", "alter table things add column size bigint");

    private TestDatabase? testDatabase;
    private MetadataDatabase? database;

    private MetadataDatabase Database => database!;

    protected abstract Task<TestDatabase> CreateAsync();

    public async ValueTask InitializeAsync()
    {
        testDatabase = await CreateAsync();
        database = testDatabase.Open();
    }

    public async ValueTask DisposeAsync()
    {
        if (database is not null)
            await database.DisposeAsync();
        if (testDatabase is not null)
            await testDatabase.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task Scripts_are_applied_in_order_once_and_later_ones_on_top()
    {
        await ApplyAsync(First);
        await ApplyAsync(First);
        await ApplyAsync(First, Second);

        Assert.Equal(1, await CountAsync($"select count(*) from things where size is null"));
        Assert.Equal(2, await CountAsync($"select count(*) from schema_migrations"));
    }

    [Fact]
    public async Task A_number_may_be_left_out_and_filled_in_later()
    {
        await ApplyAsync(First, Second with { Number = 4 });
        await ApplyAsync(First, new MigrationScript(2, "between", "insert into things (id) values ('two')"), Second with { Number = 4 });

        Assert.Equal(2, await CountAsync($"select count(*) from things"));
        Assert.Equal(3, await CountAsync($"select count(*) from schema_migrations"));
    }

    [Fact]
    public async Task A_database_of_a_newer_version_stops_the_start_with_one_line()
    {
        await ApplyAsync(First, Second);

        var refusal = await Assert.ThrowsAsync<StartRefusedException>(() => ApplyAsync(First));

        Assert.Contains("newer version (migration 2, second)", refusal.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', refusal.Message);
    }

    [Fact]
    public async Task An_edited_script_stops_the_start()
    {
        await ApplyAsync(First);

        var refusal = await Assert.ThrowsAsync<StartRefusedException>(() => ApplyAsync(First with { Text = First.Text + " -- edited" }, Second));

        Assert.Contains("Migration 1 (first)", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(1, await CountAsync($"select count(*) from schema_migrations"));
    }

    [Fact]
    public async Task A_script_that_fails_leaves_the_database_as_it_was()
    {
        await ApplyAsync(First);
        var broken = new MigrationScript(2, "broken", "create table more (id text primary key); insert into missing values (1)");

        await Assert.ThrowsAnyAsync<System.Data.Common.DbException>(() => ApplyAsync(First, broken));
        await ApplyAsync(First, Second);

        Assert.Equal(2, await CountAsync($"select count(*) from schema_migrations"));
    }

    [Fact]
    public async Task Processes_that_start_at_once_on_an_empty_database_all_come_up()
    {
        var others = Enumerable.Range(0, 6).Select(_ => testDatabase!.Open()).ToArray();

        await Task.WhenAll(others.Select(other => Task.Run(() => Migrations.ApplyAsync(other, new FakeTimeProvider(), default))));

        Assert.Equal(MigrationScript.BuiltIn(Database.Dialect).Count, await CountAsync($"select count(*) from schema_migrations"));
        foreach (MetadataDatabase other in others)
            await other.DisposeAsync();
    }

    [Fact]
    public void The_checksum_does_not_depend_on_line_ends() =>
        Assert.Equal(new MigrationScript(1, "a", "x\ny\n").Checksum, new MigrationScript(1, "a", "x\r\ny\r\n").Checksum);

    private Task ApplyAsync(params MigrationScript[] scripts) => Migrations.ApplyAsync(Database, scripts, new FakeTimeProvider(), default);

    private Task<long> CountAsync(Sql sql) => Database.ReadAsync(session => session.QueryLongAsync(sql, default), default);
}

public sealed class SqliteMigrationsTests : MigrationsContract
{
    protected override Task<TestDatabase> CreateAsync() => Task.FromResult(TestDatabase.Sqlite());
}

public sealed class PostgresMigrationsTests : MigrationsContract
{
    protected override Task<TestDatabase> CreateAsync()
    {
        TestDatabase.SkipUnlessPostgres();
        return TestDatabase.PostgresAsync();
    }
}
