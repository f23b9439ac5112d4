using System.Net.Security;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Strongroom.Server.Database;
using Strongroom.Server.Identity;
using Strongroom.Server.Notifications;
using Strongroom.Server.Tests.Policies;
using Strongroom.Server.Tests.Tasks;

namespace Strongroom.Server.Tests.Notifications;

/// <summary>A server whose loops wait until the test lets them look; tasks run by themselves. Projects may tell this machine.</summary>
public class SqliteTellingServer : SqlitePolicyServer
{
    protected override void Configure(ServerOptions options) => LetTheTestTell(options);

    internal static void LetTheTestTell(ServerOptions options)
    {
        LetTheTestLook(options);
        options.Notifications.PollInterval = Timeout.InfiniteTimeSpan;
        options.Notifications.WatchInterval = Timeout.InfiniteTimeSpan;
        options.Notifications.AllowPrivateTargets = true;
        options.Notifications.Smtp = new SmtpOptions { Host = "127.0.0.1", From = "strongroom@example.org" };
        options.Vaults.SizeMinGb = 1;
    }
}

public class PostgresTellingServer : PostgresPolicyServer
{
    protected override void Configure(ServerOptions options) => SqliteTellingServer.LetTheTestTell(options);
}

/// <summary>A project that wants to be told, and dispatchers as other processes would have them.</summary>
internal sealed class NotificationWorld(TaskWorld tasks)
{
    public TaskWorld Tasks => tasks;

    public ServerFixture Server => tasks.Server;

    public static async Task<NotificationWorld> NewAsync(ServerFixture server) => new(await TaskWorld.NewAsync(server));

    public async Task<(string Id, string Secret)> WebhookAsync(WebhookReceiver receiver, params string[] events)
    {
        JsonNode target = await TargetAsync(new { name = "hook", kind = "webhook", url = receiver.Url, events });
        return ((string)target["id"]!, (string)target["secret"]!);
    }

    public async Task<JsonNode> TargetAsync(object target)
    {
        TestReply reply = await PostAsync("/targets", new { target });
        Assert.True(reply.Status == 200, reply.Text);
        return reply.Json["target"]!;
    }

    public Task<TestReply> PostAsync(string path, object? body) => Server.PostAsync(Tasks.Vaults.Caller, Path(path), body);

    public Task<TestReply> PutAsync(string path, object? body) => Server.PutAsync(Tasks.Vaults.Caller, Path(path), body);

    public Task<TestReply> GetAsync(string path) => Server.GetAsync(Tasks.Vaults.Caller, Path(path));

    public Task<TestReply> DeleteAsync(string path) => Server.DeleteAsync(Tasks.Vaults.Caller, Path(path));

    /// <summary>Newest first.</summary>
    public async Task<JsonArray> ListAsync(string query = "")
    {
        TestReply reply = await GetAsync(query.Length == 0 ? "" : "?" + query);
        Assert.True(reply.Status == 200, reply.Text);
        return reply.Json["notifications"]!.AsArray();
    }

    public async Task<string[]> TypesAsync() => [.. (await ListAsync()).Select(row => (string)row!["notification"]!["type"]!)];

    /// <summary>The delivery of the newest notification, of which there is one.</summary>
    public async Task<JsonNode> DeliveryAsync() => Assert.Single((await ListAsync())[0]!["deliveries"]!.AsArray())!;

    /// <summary>Makes a backup of the disk fail, and waits for the end.</summary>
    public async Task FailAsync(string vault, string disk)
    {
        Tasks.Engine.OnBackup(disk, _ => throw new Drivers.DriverException(Drivers.DriverFailure.Failed, "/dev/x", "read", "no medium"));
        await Tasks.ProtectAsync(vault);
        Tasks.Engine.OnBackup(disk, _ => Task.CompletedTask);
    }

    public Task WatchAsync() => Server.Services.GetRequiredService<NotificationWatch>().LookAsync(default);

    public Sender NewSender(FakeTimeProvider? time = null, Action<NotificationOptions>? change = null, RemoteCertificateValidationCallback? trust = null)
    {
        var options = new NotificationOptions { AllowPrivateTargets = true };
        change?.Invoke(options);
        return new Sender(Server, options, time ?? Server.Time, trust);
    }

    private static string Path(string path) => "/strongroom/v1/{project_id}/notifications" + path;
}

/// <summary>A dispatcher with connections of its own, as another process would have.</summary>
internal sealed class Sender : IAsyncDisposable
{
    private readonly MetadataDatabase database;
    private readonly WebhookChannel webhooks;
    private bool isKilled;

    public Sender(ServerFixture server, NotificationOptions options, FakeTimeProvider time, RemoteCertificateValidationCallback? trust)
    {
        Time = time;
        database = server.TestDatabase.Open();
        webhooks = new WebhookChannel(options, server.Services.GetRequiredService<CredentialSeal>(), time, trust);
        Dispatcher = new NotificationDispatcher(
            database, [webhooks, new MailChannel(options, trust)], options, time, NullLogger<NotificationDispatcher>.Instance);
    }

    public FakeTimeProvider Time { get; }

    public NotificationDispatcher Dispatcher { get; }

    public Task SendAsync(CancellationToken cancellationToken = default) => Dispatcher.DispatchAsync(cancellationToken);

    /// <summary>Nothing of it reaches the database any more, as after a kill.</summary>
    public async Task KillAsync()
    {
        isKilled = true;
        await database.DisposeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        webhooks.Dispose();
        Dispatcher.Dispose();
        if (!isKilled)
            await database.DisposeAsync();
    }
}
