using System.Collections.Concurrent;
using System.Data;
using System.Data.Common;

namespace Strongroom.Server.Database;

/// <summary>
/// The service's database, SQLite or PostgreSQL. Reads run on any free connection; writes run as one serialisable
/// transaction each, and are run again from the start when they lose against another one. Work handed in must not call
/// this object again: it would hold one connection while it waits for another.
/// </summary>
public sealed class MetadataDatabase : IAsyncDisposable
{
    // A transaction that loses this often is a fault in the statement, not bad luck. Eight processes on one small table
    // have been seen to make one lose twelve times.
    private const int WriteAttemptsMax = 25;

    private readonly DbDataSource dataSource;
    private readonly ConcurrentBag<DbSession> idle = [];
    private readonly SemaphoreSlim sessions;
    private readonly SemaphoreSlim? writer;
    private readonly AsyncLocal<Func<DbSession, ValueTask>?> beforeCommit = new();

    // Whoever lost once waits here for the others that did: one by one they get through where all at once they only fight.
    private readonly SemaphoreSlim losers = new(1);

    public MetadataDatabase(Dialect dialect, string connectionString, int connectionCountMax = 32)
    {
        Dialect = dialect;
        dataSource = dialect.CreateDataSource(connectionString);
        sessions = new SemaphoreSlim(connectionCountMax);
        writer = dialect.HasSingleWriter ? new SemaphoreSlim(1) : null;
    }

    public Dialect Dialect { get; }

    /// <summary>
    /// Runs at the end of every transaction that the current flow of control (a request, and all it awaits) writes, inside
    /// it: what must be stored with any change whoever makes it. As the work itself, it may run several times. Null: nothing.
    /// </summary>
    internal Func<DbSession, ValueTask>? BeforeCommit
    {
        get => beforeCommit.Value;
        set => beforeCommit.Value = value;
    }

    /// <summary>
    /// Runs statements that only read; they run again when the connection turns out to be dead. Several statements see
    /// several states; use <see cref="WriteAsync{T}"/> where that matters.
    /// </summary>
    public async Task<T> ReadAsync<T>(Func<DbSession, ValueTask<T>> work, CancellationToken cancellationToken)
    {
        for (int attempt = 1; ; attempt++)
        {
            DbSession session = await TakeAsync(cancellationToken);
            bool healthy = true;
            try
            {
                return await work(session);
            }
            catch (DbException error)
            {
                healthy = false;
                if (!Dialect.IsConnectionLost(error) || attempt > 1)
                    throw;
            }
            finally
            {
                await GiveBackAsync(session, healthy);
            }

            await CloseIdleAsync();
        }
    }

    /// <summary>
    /// Runs <paramref name="work"/> in one transaction and commits it; on return its effect is durable. It may run several
    /// times, so it must change nothing but the database. An exception rolls back.
    /// </summary>
    public Task<T> WriteAsync<T>(Func<DbSession, ValueTask<T>> work, CancellationToken cancellationToken) =>
        WriteUntilDoneAsync(work, isRelaxed: false, cancellationToken);

    public Task WriteAsync(Func<DbSession, ValueTask> work, CancellationToken cancellationToken) =>
        WriteUntilDoneAsync(Returning(work), isRelaxed: false, cancellationToken);

    /// <summary>
    /// The same for work whose every statement is right by itself, whatever others commit in between: each sees the newest
    /// state. It neither loses against other transactions nor makes them lose, which suits what runs all the time, such as
    /// claims and heartbeats.
    /// </summary>
    public Task<T> WriteRelaxedAsync<T>(Func<DbSession, ValueTask<T>> work, CancellationToken cancellationToken) =>
        WriteUntilDoneAsync(work, isRelaxed: true, cancellationToken);

    public Task WriteRelaxedAsync(Func<DbSession, ValueTask> work, CancellationToken cancellationToken) =>
        WriteUntilDoneAsync(Returning(work), isRelaxed: true, cancellationToken);

    public async ValueTask DisposeAsync()
    {
        await CloseIdleAsync();
        await dataSource.DisposeAsync();
        sessions.Dispose();
        losers.Dispose();
        writer?.Dispose();
    }

    /// <summary>A connection outside the pool, made ready; the caller disposes of it.</summary>
    internal async Task<DbConnection> OpenConnectionAsync(CancellationToken cancellationToken)
    {
        for (int attempt = 1; ; attempt++)
        {
            DbConnection connection = await dataSource.OpenConnectionAsync(cancellationToken);
            try
            {
                await using DbCommand settings = connection.CreateCommand();
                settings.CommandText = Dialect.ConnectionSettings;
                await settings.ExecuteNonQueryAsync(cancellationToken);
                return connection;
            }
            catch (DbException error) when (Dialect.IsRetryable(error) && attempt < WriteAttemptsMax)
            {
                // Two processes that make a new SQLite file at once: switching to WAL does not wait for the other.
                await connection.DisposeAsync();
                await BackOffAsync(attempt, cancellationToken);
            }
            catch
            {
                await connection.DisposeAsync();
                throw;
            }
        }
    }

    private static Func<DbSession, ValueTask<bool>> Returning(Func<DbSession, ValueTask> work) => async session =>
    {
        await work(session);
        return true;
    };

    private async Task<T> WriteUntilDoneAsync<T>(Func<DbSession, ValueTask<T>> work, bool isRelaxed, CancellationToken cancellationToken)
    {
        if (writer is not null)
            await writer.WaitAsync(cancellationToken);
        bool hasLost = false;
        try
        {
            for (int attempt = 1; ; attempt++)
            {
                (bool done, T result) = await TryWriteAsync(work, isRelaxed, isLast: attempt == WriteAttemptsMax, cancellationToken);
                if (done)
                    return result;
                if (!hasLost)
                {
                    await losers.WaitAsync(cancellationToken);
                    hasLost = true;
                }

                await BackOffAsync(attempt, cancellationToken);
            }
        }
        finally
        {
            if (hasLost)
                losers.Release();
            writer?.Release();
        }
    }

    /// <summary>False: nothing has happened, and the transaction may be run again.</summary>
    private async Task<(bool Done, T Result)> TryWriteAsync<T>(
        Func<DbSession, ValueTask<T>> work,
        bool isRelaxed,
        bool isLast,
        CancellationToken cancellationToken)
    {
        DbSession session = await TakeAsync(cancellationToken);
        bool healthy = false;
        bool committing = false;
        try
        {
            await using DbTransaction transaction = isRelaxed
                ? Dialect.BeginRelaxedWrite(session.Connection)
                : Dialect.BeginWrite(session.Connection);
            session.Transaction = transaction;
            T result;
            try
            {
                result = await work(session);
                if (BeforeCommit is { } also)
                    await also(session);
            }
            catch (Exception error) when (error is not DbException)
            {
                await transaction.RollbackAsync(CancellationToken.None);
                healthy = true;
                throw;
            }

            committing = true;
            await transaction.CommitAsync(CancellationToken.None);
            healthy = true;
            return (true, result);
        }
        catch (DbException error) when (!isLast && Dialect.IsRetryable(error))
        {
            return (false, default!);
        }
        catch (DbException error) when (!isLast && !committing && Dialect.IsConnectionLost(error))
        {
            await CloseIdleAsync();
            return (false, default!);
        }
        catch (DbException error) when (Dialect.IsUniqueViolation(error))
        {
            // An ordinary answer, which the caller expects; the rolled back connection is as good as before.
            healthy = true;
            throw;
        }
        finally
        {
            session.Transaction = null;
            await GiveBackAsync(session, healthy);
        }
    }

    // Losers of the same contest must not all return at the same moment.
    private static Task BackOffAsync(int attempt, CancellationToken cancellationToken) =>
        Task.Delay(TimeSpan.FromMilliseconds(Random.Shared.NextDouble() * (1 << Math.Min(attempt, 7))), cancellationToken);

    private async Task<DbSession> TakeAsync(CancellationToken cancellationToken)
    {
        await sessions.WaitAsync(cancellationToken);
        if (idle.TryTake(out DbSession? session))
            return session;
        try
        {
            return new DbSession(await OpenConnectionAsync(cancellationToken), Dialect);
        }
        catch
        {
            sessions.Release();
            throw;
        }
    }

    private async ValueTask GiveBackAsync(DbSession session, bool healthy)
    {
        // After an error the connection may be broken (server restarted): open a new one next time.
        if (healthy && session.Connection.State == ConnectionState.Open)
            idle.Add(session);
        else
            await CloseAsync(session);
        sessions.Release();
    }

    private async ValueTask CloseIdleAsync()
    {
        while (idle.TryTake(out DbSession? session))
            await CloseAsync(session);
    }

    private static async ValueTask CloseAsync(DbSession session)
    {
        session.DropCommands();
        await session.Connection.DisposeAsync();
    }
}
