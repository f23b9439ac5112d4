using System.Data.Common;
using Strongroom.Server.Database;

namespace Strongroom.Server.Tests.Database;

/// <summary>What the service takes for granted of its database, held on both.</summary>
public abstract class DatabaseContract : IAsyncLifetime
{
    private TestDatabase? testDatabase;
    private MetadataDatabase? database;

    private MetadataDatabase Database => database!;

    protected abstract Task<TestDatabase> CreateAsync();

    public async ValueTask InitializeAsync()
    {
        testDatabase = await CreateAsync();
        database = testDatabase.Open();
        await Database.WriteAsync(
            async session =>
            {
                await session.ExecuteAsync($"create table items (id text primary key, amount bigint, note text, flag boolean, bytes {BytesType(session)})", default);
            },
            default);
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
    public async Task What_a_transaction_wrote_is_read_by_the_next_caller_on_any_connection()
    {
        await InsertAsync("a", 1);

        long[] seen = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => CountAsync(Database)));

        Assert.All(seen, count => Assert.Equal(1, count));
    }

    [Fact]
    public async Task An_exception_rolls_everything_back()
    {
        await Assert.ThrowsAsync<InvalidDataException>(() => Database.WriteAsync(
            async session =>
            {
                await session.ExecuteAsync($"insert into items (id, amount) values ({"a"}, {1L})", default);
                await session.ExecuteAsync($"insert into items (id, amount) values ({"b"}, {2L})", default);
                throw new InvalidDataException("changed my mind");
            },
            default));

        Assert.Equal(0, await CountAsync(Database));
    }

    [Fact]
    public async Task A_transaction_sees_its_own_writes_and_others_see_them_only_after_the_commit()
    {
        await Database.WriteAsync(
            async session =>
            {
                await session.ExecuteAsync($"insert into items (id, amount) values ({"a"}, {1L})", default);
                Assert.Equal(1, await session.QueryLongAsync($"select count(*) from items", default));
                // Another connection, as another request would have it.
                Assert.Equal(0, await CountAsync(Database));
            },
            default);

        Assert.Equal(1, await CountAsync(Database));
    }

    [Fact]
    public async Task A_second_row_with_the_same_key_is_a_unique_violation_and_changes_nothing()
    {
        await InsertAsync("a", 1);

        var error = await Assert.ThrowsAnyAsync<DbException>(() => InsertAsync("a", 2));

        Assert.True(Database.Dialect.IsUniqueViolation(error));
        Assert.False(Database.Dialect.IsRetryable(error));
        Assert.Equal(1, await Database.ReadAsync(session => session.QueryLongAsync($"select amount from items where id = {"a"}", default), default));
        await InsertAsync("b", 3);
    }

    [Fact]
    public async Task A_foreign_key_or_syntax_error_is_no_unique_violation()
    {
        var error = await Assert.ThrowsAnyAsync<DbException>(() =>
            Database.WriteAsync(async session => { await session.ExecuteAsync($"insert into nowhere values (1)", default); }, default));

        Assert.False(Database.Dialect.IsUniqueViolation(error));
        Assert.False(Database.Dialect.IsRetryable(error));
    }

    [Fact]
    public async Task Increments_from_many_callers_at_once_are_all_counted()
    {
        await InsertAsync("counter", 0);

        await Task.WhenAll(Enumerable.Range(0, 40).Select(_ => Database.WriteAsync(
            async session =>
            {
                long amount = await session.QueryLongAsync($"select amount from items where id = {"counter"}", default);
                await session.ExecuteAsync($"update items set amount = {amount + 1} where id = {"counter"}", default);
            },
            default)));

        Assert.Equal(40, await Database.ReadAsync(session => session.QueryLongAsync($"select amount from items where id = {"counter"}", default), default));
    }

    [Fact]
    public async Task Two_transactions_that_each_read_what_the_other_writes_do_not_both_pass_the_same_check()
    {
        // Write skew: each inserts its own row only while there is none. Anything less than serialisable lets both in.
        string[] winners = (await Task.WhenAll(Enumerable.Range(0, 8).Select(i => Database.WriteAsync(
            async session =>
            {
                if (await session.QueryLongAsync($"select count(*) from items", default) > 0)
                    return "";
                await session.ExecuteAsync($"insert into items (id, amount) values ({"row" + i}, {1L})", default);
                return "row" + i;
            },
            default)))).Where(winner => winner.Length > 0).ToArray();

        Assert.Single(winners);
        Assert.Equal(1, await CountAsync(Database));
    }

    [Fact]
    public async Task Two_processes_write_to_the_same_database_without_losing_anything()
    {
        await using MetadataDatabase other = testDatabase!.Open();
        await InsertAsync("counter", 0);

        await Task.WhenAll(Enumerable.Range(0, 20).Select(i => (i % 2 == 0 ? Database : other).WriteAsync(
            async session =>
            {
                long amount = await session.QueryLongAsync($"select amount from items where id = {"counter"}", default);
                await session.ExecuteAsync($"update items set amount = {amount + 1} where id = {"counter"}", default);
            },
            default)));

        Assert.Equal(20, await other.ReadAsync(session => session.QueryLongAsync($"select amount from items", default), default));
    }

    [Fact]
    public async Task Every_stored_type_comes_back_as_it_went_in()
    {
        byte[] bytes = [0, 1, 255];
        const string text = "naïve 目录 \U0001F512 'quoted' \"twice\" @p0 {brace}";
        await Database.WriteAsync(
            async session =>
            {
                await session.ExecuteAsync($"insert into items (id, amount, note, flag, bytes) values ({"max"}, {long.MaxValue}, {text}, {true}, {bytes})", default);
                await session.ExecuteAsync($"insert into items (id, amount, note, flag, bytes) values ({"min"}, {long.MinValue}, {""}, {false}, {Array.Empty<byte>()})", default);
            },
            default);

        var rows = await Database.ReadAsync(
            session => session.QueryAsync(
                $"select amount, note, flag, bytes from items order by id",
                row => (row.GetInt64(0), row.GetString(1), row.GetBoolean(2), Convert.ToHexString(row.GetFieldValue<byte[]>(3))),
                default),
            default);

        Assert.Equal([(long.MaxValue, text, true, "0001FF"), (long.MinValue, "", false, "")], rows);
    }

    [Fact]
    public async Task Null_is_stored_read_and_never_equal_to_anything()
    {
        string? nothing = null;
        await Database.WriteAsync(
            async session =>
            {
                // The same prepared statement with a value, with null, and with a value again.
                foreach (string? note in (string?[])["some", null, "more"])
                    await session.ExecuteAsync($"insert into items (id, note) values ({"id-" + note}, {note})", default);
            },
            default);

        List<string?> notes = await Database.ReadAsync(
            session => session.QueryAsync($"select note from items order by id", row => row.GetTextOrNull(0), default), default);
        long equal = await Database.ReadAsync(session => session.QueryLongAsync($"select count(*) from items where note = {nothing}", default), default);
        long sum = await Database.ReadAsync(session => session.QueryLongAsync($"select sum(amount) from items", default), default);

        Assert.Equal([null, "more", "some"], notes);
        Assert.Equal(0, equal);
        Assert.Equal(0, sum);
    }

    [Fact]
    public async Task A_list_becomes_a_set_of_parameters_and_an_empty_one_matches_nothing()
    {
        foreach (string id in (string[])["a", "b", "c"])
            await InsertAsync(id, 1);

        Assert.Equal(2, await CountInAsync("a", "c", "x"));
        Assert.Equal(0, await CountInAsync());
        Assert.Equal(1, await CountInAsync("b'); drop table items; --", "b"));
        // As many as one request may name, several times over.
        Assert.Equal(3, await CountInAsync([.. Enumerable.Range(0, 2000).Select(i => "none" + i), "a", "b", "c"]));
    }

    [Fact]
    public async Task A_part_spliced_in_keeps_its_own_parameters()
    {
        await InsertAsync("a", 1);
        await InsertAsync("b", 2);
        await InsertAsync("c", 3);
        Sql atLeast = $"and amount >= {2L}";
        Sql named = $"and id in {(string[])["b", "c"]} {atLeast}";

        long all = await Database.ReadAsync(session => session.QueryLongAsync($"select count(*) from items where amount < {9L} {Sql.Empty}", default), default);
        long some = await Database.ReadAsync(session => session.QueryLongAsync($"select count(*) from items where amount < {3L} {named} and id <> {"x"}", default), default);

        Assert.Equal(3, all);
        Assert.Equal(1, some);
    }

    [Fact]
    public async Task More_statements_than_a_connection_keeps_prepared_still_run()
    {
        await InsertAsync("a", 1);

        await Database.ReadAsync(
            async session =>
            {
                for (int i = 0; i < 1000; i++)
                {
                    var ids = Enumerable.Range(0, i % 500).Select(n => "n" + n).Append("a");
                    Assert.Equal(1, await session.QueryLongAsync($"select count(*) from items where id in {ids}", default));
                }

                return true;
            },
            default);
    }

    [Fact]
    public async Task A_cancelled_wait_leaves_the_database_usable()
    {
        using var cancellation = new CancellationTokenSource();
        var entered = new TaskCompletionSource();
        var release = new TaskCompletionSource();
        Task holder = Database.WriteAsync(
            async session =>
            {
                await session.ExecuteAsync($"insert into items (id, amount) values ({"held"}, {1L})", default);
                entered.SetResult();
                await release.Task;
            },
            default);
        await entered.Task;
        await cancellation.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Database.WriteAsync(
            async session => { await session.ExecuteAsync($"insert into items (id, amount) values ({"never"}, {1L})", cancellation.Token); }, cancellation.Token));
        release.SetResult();
        await holder;

        Assert.Equal(1, await CountAsync(Database));
        await InsertAsync("after", 1);
    }

    /// <summary>The setting that makes a commit durable before it is answered.</summary>
    [Fact]
    public async Task A_commit_waits_for_the_disk()
    {
        Sql setting = Database.Dialect == Dialect.Sqlite ? Pragma() : Show();

        string? durability = await Database.ReadAsync(
            session => session.QueryFirstAsync(setting, row => row.GetValue(0).ToString(), default), default);

        static Sql Pragma() => $"pragma synchronous";
        static Sql Show() => $"show synchronous_commit";

        Assert.Equal(Database.Dialect == Dialect.Sqlite ? "2" : "on", durability);
    }

    [Fact]
    public async Task Foreign_keys_are_enforced()
    {
        await Database.WriteAsync(
            async session => { await session.ExecuteAsync($"create table parts (id text primary key, item_id text not null references items (id))", default); }, default);

        await Assert.ThrowsAnyAsync<DbException>(() => Database.WriteAsync(
            async session => { await session.ExecuteAsync($"insert into parts (id, item_id) values ({"p"}, {"missing"})", default); }, default));
    }

    private static Sql BytesType(DbSession session)
    {
        return session.Dialect == Dialect.Sqlite ? Blob() : ByteArray();

        static Sql Blob() => $"blob";
        static Sql ByteArray() => $"bytea";
    }

    private Task InsertAsync(string id, long amount) =>
        Database.WriteAsync(async session => { await session.ExecuteAsync($"insert into items (id, amount) values ({id}, {amount})", default); }, default);

    private Task<long> CountInAsync(params string[] ids) =>
        Database.ReadAsync(session => session.QueryLongAsync($"select count(*) from items where id in {ids}", default), default);

    private static Task<long> CountAsync(MetadataDatabase database) =>
        database.ReadAsync(session => session.QueryLongAsync($"select count(*) from items", default), default);
}

public sealed class SqliteDatabaseTests : DatabaseContract
{
    protected override Task<TestDatabase> CreateAsync() => Task.FromResult(TestDatabase.Sqlite());
}

public sealed class PostgresDatabaseTests : DatabaseContract
{
    protected override Task<TestDatabase> CreateAsync()
    {
        TestDatabase.SkipUnlessPostgres();
        return TestDatabase.PostgresAsync();
    }
}
