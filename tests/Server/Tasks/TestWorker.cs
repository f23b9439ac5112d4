using Microsoft.Extensions.Logging.Abstractions;
using Strongroom.ObjectStores;
using Strongroom.Server.Backups;
using Strongroom.Server.Database;
using Strongroom.Server.Tasks;

namespace Strongroom.Server.Tests.Tasks;

/// <summary>
/// A worker as another process would be: connections, clock and lock file of its own. It can be killed, which leaves
/// everything as it is, or frozen, which is how it starts when its clock is never moved.
/// </summary>
internal sealed class TestWorker : IAsyncDisposable
{
    private readonly MetadataDatabase database;
    private readonly TaskRunner runner;
    private bool isKilled;

    private TestWorker(MetadataDatabase database, TaskRunner runner, FakeTimeProvider time, TaskSignal signal)
    {
        Signal = signal;
        this.database = database;
        this.runner = runner;
        Time = time;
    }

    public FakeTimeProvider Time { get; }

    public TaskSignal Signal { get; }

    /// <param name="machine">Workers of one name share the directory of lock files.</param>
    public static async Task<TestWorker> StartAsync(
        ServerFixture server, FakeEngine engine, string machine = "here", TaskOptions? options = null, StoreActivity? store = null)
    {
        options ??= new TaskOptions();
        MetadataDatabase database = server.TestDatabase.Open();
        var signal = new TaskSignal();
        var time = new FakeTimeProvider();
        time.Advance(server.Time.GetUtcNow() - time.GetUtcNow());
        var runner = new TaskRunner(
            database,
            [new BackupWork(database, engine, options, time), new RestoreWork(database, engine, options)],
            signal,
            options,
            Path.Combine(server.TestDatabase.DataDirectory, "workers-" + machine),
            store ?? new StoreActivity(time),
            time,
            NullLogger<TaskRunner>.Instance);
        await runner.StartAsync(default);
        return new TestWorker(database, runner, time, signal);
    }

    /// <summary>Ends it as a kill would: nothing of it reaches the database any more, and the system drops its lock.</summary>
    public async Task KillAsync()
    {
        isKilled = true;
        await database.DisposeAsync();
        await StopAsync();
    }

    /// <summary>Its connections break, and it lives on.</summary>
    public async Task CutOffAsync()
    {
        isKilled = true;
        await database.DisposeAsync();
    }

    public async Task StopAsync()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        await runner.StopAsync(limit.Token);
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        runner.Dispose();
        if (!isKilled)
            await database.DisposeAsync();
    }
}
