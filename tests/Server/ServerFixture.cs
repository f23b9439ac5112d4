using System.Net.Http.Json;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Strongroom.Server.Database;
using Strongroom.Server.Http;
using Strongroom.Server.Identity;
using Strongroom.Server.Tests.OpenApi;

namespace Strongroom.Server.Tests;

/// <summary>Somebody who may call: a project, and a token for it.</summary>
public sealed record TestCaller(string ProjectId, string Token);

/// <summary>An answer with its body read: text, and JSON when it is some.</summary>
public sealed record TestReply(HttpResponseMessage Message, string Text)
{
    public int Status => (int)Message.StatusCode;

    public JsonNode Json => JsonNode.Parse(Text) ?? throw new InvalidDataException("The body is the JSON null.");

    public string? ErrorCode => (string?)Json["error_code"];

    public string? ErrorMessage => (string?)Json["error_msg"];
}

/// <summary>
/// The whole service on a free loopback port, with a database of its own and a clock that the test moves. Use it as a class
/// fixture: <see cref="SqliteServer"/> always, <see cref="PostgresServer"/> for what must hold on both; tests of the latter
/// begin with <see cref="TestDatabase.SkipUnlessPostgres"/>.
/// </summary>
public abstract class ServerFixture : IAsyncLifetime
{
    public const string AdminPassword = "a-password-for-tests";

    private TestDatabase? testDatabase;
    private WebApplication? app;
    private HttpClient? client;
    private int callerCount;
    private FakeTimeProvider? time;

    public FakeTimeProvider Time => time ??= new FakeTimeProvider(Start);

    public HttpClient Client => client ?? throw NotStarted();

    /// <summary>The service's container: its table classes and loops can be reached through it.</summary>
    public IServiceProvider Services => app?.Services ?? throw NotStarted();

    public WebApplication App => app ?? throw NotStarted();

    public MetadataDatabase Database => Services.GetRequiredService<MetadataDatabase>();

    public TestDatabase TestDatabase => testDatabase ?? throw NotStarted();

    public Uri Address { get; private set; } = new("http://127.0.0.1");

    /// <summary>The id of the project made at first start.</summary>
    public string DemoProjectId { get; private set; } = "";

    /// <summary>On the database itself, as the command line has it.</summary>
    public IdentityAdministration Administration =>
        new(Database, Time, Services.GetRequiredService<IdentityOptions>(), Services.GetRequiredService<CredentialMaker>());

    /// <summary>Tells of every request sent through this fixture, after its answer was looked at.</summary>
    public event Action<TestCaller?, TestReply>? Answered;

    /// <summary>Where the clock begins.</summary>
    protected virtual DateTimeOffset Start => FakeTimeProvider.Start;

    /// <summary>Changes settings before the start.</summary>
    protected virtual void Configure(ServerOptions options)
    {
    }

    /// <summary>Replaces services before the start.</summary>
    protected virtual void Customise(IServiceCollection services)
    {
    }

    protected abstract Task<TestDatabase?> CreateDatabaseAsync();

    public async ValueTask InitializeAsync()
    {
        testDatabase = await CreateDatabaseAsync();
        if (testDatabase is not null)
            await StartAsync();
    }

    /// <summary>Stops the service and starts it again on the same data.</summary>
    public async Task RestartAsync()
    {
        await StopAsync();
        await StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        if (testDatabase is not null)
            await testDatabase.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    /// <summary>The first user, in the first project, with the role admin.</summary>
    public Task<TestCaller> AdminAsync() => CallerAsync(DemoProjectId, ActionPolicy.AdminRole);

    /// <summary>A new project, with a new user in it who has the role <c>cbr_full</c>.</summary>
    public async Task<TestCaller> NewProjectAsync() => await CallerAsync(await NewProjectIdAsync(), ActionPolicy.FullRole);

    public async Task<string> NewProjectIdAsync() =>
        (await Administration.CreateProjectAsync($"project-{Interlocked.Increment(ref callerCount)}", null, "", default)).Id;

    /// <summary>A new user with these roles in the project, and a token for it.</summary>
    public async Task<TestCaller> CallerAsync(string projectId, params string[] roles)
    {
        User user = await Administration.CreateUserAsync($"user-{Interlocked.Increment(ref callerCount)}", null, AdminPassword, default);
        foreach (string role in roles)
            await Administration.AddRoleAsync(user.Id, role, ScopeKind.Project, projectId, null, default);
        return await TokenAsync(user.Id, projectId);
    }

    /// <summary>A token for a project in which the user has a role.</summary>
    public async Task<TestCaller> TokenAsync(string userId, string projectId)
    {
        IssuedToken issued = await Services.GetRequiredService<TokenIssuer>()
            .IssueAsync(userId, ScopeKind.Project, projectId, new TokenOrigin(["password"]), default)
            ?? throw new InvalidOperationException("A user without a role in the project gets no token for it.");
        return new TestCaller(projectId, issued.Text);
    }

    /// <summary>Sends a request; <paramref name="path"/> may hold <c>{project_id}</c>, which becomes the caller's.</summary>
    /// <param name="caller">Null: no token.</param>
    /// <param name="method">GET, POST, …</param>
    /// <param name="path">With its query.</param>
    /// <param name="body">Null: none. A string is sent as it is, anything else as JSON.</param>
    /// <param name="headers">Besides.</param>
    public async Task<TestReply> SendAsync(
        TestCaller? caller, string method, string path, object? body = null, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path.Replace("{project_id}", caller?.ProjectId, StringComparison.Ordinal));
        if (caller is not null)
            request.Headers.TryAddWithoutValidation("X-Auth-Token", caller.Token);
        foreach ((string name, string value) in headers)
            request.Headers.TryAddWithoutValidation(name, value);
        request.Content = body switch
        {
            null => null,
            string text => new StringContent(text, Encoding.UTF8, "application/json"),
            _ => JsonContent.Create(body),
        };
        HttpResponseMessage reply = await Client.SendAsync(request);
        string answer = await reply.Content.ReadAsStringAsync();
        if (Answers is { } answers && method != "HEAD")
            answers.Verify(method, request.RequestUri!.PathAndQuery, (int)reply.StatusCode, answer);
        var read = new TestReply(reply, answer);
        Answered?.Invoke(caller, read);
        return read;
    }

    public Task<TestReply> GetAsync(TestCaller? caller, string path) => SendAsync(caller, "GET", path);

    public Task<TestReply> PostAsync(TestCaller? caller, string path, object? body) => SendAsync(caller, "POST", path, body);

    public Task<TestReply> PutAsync(TestCaller? caller, string path, object? body) => SendAsync(caller, "PUT", path, body);

    public Task<TestReply> DeleteAsync(TestCaller? caller, string path) => SendAsync(caller, "DELETE", path);

    /// <summary>What every answer is held against; null while the service does not run.</summary>
    internal AnswerCheck? Answers { get; private set; }

    private async Task StartAsync()
    {
        var options = new ServerOptions { DataDirectory = TestDatabase.DataDirectory, Url = "http://127.0.0.1:0" };
        options.Database.ConnectionString = TestDatabase.ConnectionString;
        options.Identity.AdminPassword = AdminPassword;
        options.Identity.PasswordIterations = 1000;
        Configure(options);
        app = StrongroomHost.Build(options, Time, Customise);
        await app.StartAsync();
        Address = new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());
        client = new HttpClient(new SocketsHttpHandler { UseCookies = false, AllowAutoRedirect = false }) { BaseAddress = Address };
        Answers = new AnswerCheck(new ApiDescription(JsonNode.Parse(await client.GetStringAsync("/openapi/v3.json"))!));
        DemoProjectId = (await Administration.ListProjectsAsync(default)).Single(project => project.Name == FirstStart.ProjectName).Id;
    }

    private async Task StopAsync()
    {
        client?.Dispose();
        client = null;
        if (app is null)
            return;
        await app.StopAsync();
        await app.DisposeAsync();
        app = null;
    }

    private static InvalidOperationException NotStarted() => new("The server of this fixture does not run: was the test to be skipped?");
}

public class SqliteServer : ServerFixture
{
    protected override Task<TestDatabase?> CreateDatabaseAsync() => Task.FromResult<TestDatabase?>(TestDatabase.Sqlite());
}

/// <summary>Does not run when there is no PostgreSQL; the tests then skip.</summary>
public class PostgresServer : ServerFixture
{
    protected override async Task<TestDatabase?> CreateDatabaseAsync() =>
        TestDatabase.HasPostgres ? await TestDatabase.PostgresAsync() : null;
}
