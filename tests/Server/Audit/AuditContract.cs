using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Strongroom.Server.Audit;
using Strongroom.Server.Database;
using Strongroom.Server.Http;
using Strongroom.Server.Identity;
using Strongroom.Server.Tests.Http;
using Strongroom.Server.Tests.Identity;

namespace Strongroom.Server.Tests.Audit;

/// <summary>Every change leaves a record that cannot be lost while the change is kept.</summary>
public abstract class AuditContract(ServerFixture server)
{
    private const string Audit = "/strongroom/v1/{project_id}/audit";
    private const string Vaults = "/v3/{project_id}/vaults";

    private static readonly object NewVault = new
    {
        vault = new { name = "v", billing = new { object_type = "disk", protect_type = "backup", consistent_level = "crash_consistent", size = 10 }, resources = Array.Empty<object>() },
    };

    [Fact]
    public async Task A_change_is_recorded_with_who_what_when_where_and_how_it_ended()
    {
        TestCaller caller = await server.NewProjectAsync();
        TestReply created = await server.PostAsync(caller, Vaults, NewVault);

        JsonNode record = Assert.Single(await RecordsAsync(caller))!;

        Assert.Equal(
            ["request_id", "recorded_at", "project_id", "user_id", "user_name", "access_key", "action", "method", "path", "resource_id", "address", "status", "error_code"],
            record.AsObject().Select(member => member.Key));
        Assert.Equal(created.Message.Headers.GetValues("X-Request-Id").Single(), (string?)record["request_id"]);
        Assert.Equal((string?)created.Json["vault"]!["id"], (string?)record["resource_id"]);
        Assert.Equal("cbr:vaults:create", (string?)record["action"]);
        Assert.Equal("POST", (string?)record["method"]);
        Assert.Equal($"/v3/{caller.ProjectId}/vaults", (string?)record["path"]);
        Assert.Equal(caller.ProjectId, (string?)record["project_id"]);
        Assert.StartsWith("user-", (string?)record["user_name"], StringComparison.Ordinal);
        Assert.Equal("127.0.0.1", (string?)record["address"]);
        Assert.Equal(200, (int)record["status"]!);
        Assert.Null(record["error_code"]);
        Assert.Null(record["access_key"]);
    }

    [Fact]
    public async Task What_is_refused_is_recorded_with_its_code_and_what_only_looks_is_not_recorded()
    {
        TestCaller caller = await server.NewProjectAsync();
        string missing = Guid.NewGuid().ToString();

        await server.GetAsync(caller, Vaults);
        await server.DeleteAsync(caller, $"{Vaults}/{missing}");
        await server.PostAsync(caller, Vaults, "{}");
        await server.PostAsync(caller, "/v3/{project_id}/vault/resource_instances/action", """{"action":"count"}""");

        JsonArray records = await RecordsAsync(caller);
        Assert.Equal(
            ["cbr:vaults:create 400 BackupService.9900 ", $"cbr:vaults:delete 404 BackupService.6105 {missing}"],
            records.Select(record => $"{record!["action"]} {record["status"]} {record["error_code"]} {record["resource_id"]}").Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_change_that_is_not_allowed_is_recorded_where_the_caller_works()
    {
        TestCaller reader = await server.CallerAsync(await server.NewProjectIdAsync(), ActionPolicy.ReaderRole);
        TestCaller other = await server.NewProjectAsync();

        await server.PostAsync(reader, Vaults, NewVault);
        await server.PostAsync(reader, $"/v3/{other.ProjectId}/vaults", NewVault);

        JsonArray records = await RecordsAsync(reader);
        Assert.All(records, record => Assert.Equal("403 APIG.0302", $"{record!["status"]} {record["error_code"]}"));
        Assert.Equal(2, records.Count);
        Assert.Empty(await RecordsAsync(other));
    }

    [Fact]
    public async Task Log_ins_are_recorded_good_and_bad()
    {
        TestCaller admin = await server.AdminAsync();
        int before = (await RecordsAsync(admin, "?action=identity:tokens:create")).Count;
        object LogIn(string password, string name = "admin") => new
        {
            auth = new
            {
                identity = new { methods = new[] { "password" }, password = new { user = new { name, domain = new { id = "default" }, password } } },
                scope = new { project = new { id = server.DemoProjectId } },
            },
        };

        Assert.Equal(201, (await server.PostAsync(null, "/v3/auth/tokens", LogIn(ServerFixture.AdminPassword))).Status);
        Assert.Equal(401, (await server.PostAsync(null, "/v3/auth/tokens", LogIn("a wrong password"))).Status);

        Assert.Equal(401, (await server.PostAsync(null, "/v3/auth/tokens", LogIn("a wrong password", "nobody-knows-me"))).Status);

        JsonArray records = await RecordsAsync(admin, "?action=identity:tokens:create");
        Assert.Equal(before + 1, records.Count);
        Assert.Equal("admin 201", $"{records[0]!["user_name"]} {records[0]!["status"]}");
        List<AuditRecord> all = await AllAsync();
        Assert.Contains(all, record => record is { UserName: "admin", UserId: "", Status: 401, ErrorCode: "IAM.0401", ProjectId: "" });
        Assert.Contains(all, record => record is { UserName: "nobody-knows-me", UserId: "", Status: 401, ErrorCode: "IAM.0401", ProjectId: "" });
        string dump = await DatabaseDump.OfAsync(server.Database);
        Assert.DoesNotContain("a wrong password", dump, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Log_ins_by_token_and_for_a_scope_are_recorded_good_and_bad()
    {
        TestCaller caller = await server.NewProjectAsync();
        TestCaller other = await server.NewProjectAsync();
        object LogIn(string token, string projectId) =>
            new { auth = new { identity = new { methods = new[] { "token" }, token = new { id = token } }, scope = new { project = new { id = projectId } } } };
        Token known = (await server.Services.GetRequiredService<TokenAuthenticator>().FindAsync(caller.Token, default))!;
        await server.Administration.CreateUserAsync("scopeless", null, "its-password", default);

        TestReply good = await server.PostAsync(null, "/v3/auth/tokens", LogIn(caller.Token, caller.ProjectId));
        TestReply elsewhere = await server.PostAsync(null, "/v3/auth/tokens", LogIn(caller.Token, other.ProjectId));
        TestReply invented = await server.PostAsync(null, "/v3/auth/tokens", LogIn("a-token-nobody-has", caller.ProjectId));
        TestReply expired = await server.PostAsync(null, "/v3/auth/tokens", LogIn((await RouteAccessTests.ExpiredAsync(server, caller.ProjectId)).Token, caller.ProjectId));
        TestReply unscoped = await server.PostAsync(null, "/v3/auth/tokens", new
        {
            auth = new
            {
                identity = new { methods = new[] { "password" }, password = new { user = new { name = "scopeless", password = "its-password" } } },
                scope = new { project = new { id = caller.ProjectId } },
            },
        });

        List<AuditRecord> all = await AllAsync();
        AuditRecord Of(TestReply reply) => Assert.Single(all, record => record.Id == reply.Message.Headers.GetValues("X-Request-Id").Single());
        Assert.Equal((201, known.UserName, caller.ProjectId), (Of(good).Status, Of(good).UserName, Of(good).ProjectId));
        Assert.Equal((401, known.UserId, ""), (Of(elsewhere).Status, Of(elsewhere).UserId, Of(elsewhere).ProjectId));
        Assert.Equal((401, "(token)", "IAM.0401"), (Of(invented).Status, Of(invented).UserName, Of(invented).ErrorCode));
        Assert.Equal((401, "(token)", "IAM.0401"), (Of(expired).Status, Of(expired).UserName, Of(expired).ErrorCode));
        Assert.Equal((401, "scopeless", 32), (Of(unscoped).Status, Of(unscoped).UserName, Of(unscoped).UserId.Length));
        Assert.DoesNotContain("a-token-nobody-has", await DatabaseDump.OfAsync(server.Database), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Guessing_tokens_fills_no_audit_and_keeps_no_good_token_out()
    {
        TestCaller caller = await server.NewProjectAsync();
        object LogIn(string token) => new { auth = new { identity = new { methods = new[] { "token" }, token = new { id = token } } } };
        int before = (await AllAsync()).Count(record => record.UserName == "(token)");
        var statuses = new List<int>();
        for (int i = 0; i < 30; i++)
            statuses.Add((await server.PostAsync(null, "/v3/auth/tokens", LogIn($"guess-{i}"))).Status);

        Assert.Contains(429, statuses);
        Assert.InRange((await AllAsync()).Count(record => record.UserName == "(token)") - before, 1, SignInThrottle.FreeFailures);
        Assert.Equal(201, (await server.PostAsync(null, "/v3/auth/tokens", LogIn(caller.Token))).Status);
        Assert.Equal(401, (await server.PostAsync(null, "/v3/auth/tokens", LogIn("guess-31"))).Status);
    }

    [Fact]
    public async Task A_signed_change_names_its_access_key_and_no_secret()
    {
        TestCaller caller = await server.NewProjectAsync();
        string userId = (await server.Services.GetRequiredService<TokenAuthenticator>().FindAsync(caller.Token, default))!.UserId;
        NewCredential made = await server.Administration.CreateCredentialAsync(userId, null, null, "", null, default);
        DateTimeOffset now = server.Time.GetUtcNow();
        RawReply reply = await RequestSigner.Of(made).Sign(now, "DELETE", $"/v3/{caller.ProjectId}/vaults/{Guid.NewGuid()}").SendAsync(server.Address);

        Assert.Equal(404, reply.Status);
        Assert.Equal(made.Credential.AccessKey, (string?)Assert.Single(await RecordsAsync(caller))!["access_key"]);
        Assert.DoesNotContain(made.Secret, await DatabaseDump.OfAsync(server.Database), StringComparison.Ordinal);
        Assert.DoesNotContain(caller.Token, await DatabaseDump.OfAsync(server.Database), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_change_is_not_stored_without_its_record()
    {
        TestCaller caller = await server.NewProjectAsync();
        long before = await CountVaultsAsync(caller);
        await server.Database.WriteAsync(async session => { await session.ExecuteAsync($"alter table audit_records rename to audit_gone", default); }, default);
        try
        {
            Assert.Equal(500, (await server.PostAsync(caller, Vaults, NewVault)).Status);
            Assert.Equal(before, await CountVaultsAsync(caller));
        }
        finally
        {
            await server.Database.WriteAsync(async session => { await session.ExecuteAsync($"alter table audit_gone rename to audit_records", default); }, default);
        }

        Assert.Equal(200, (await server.PostAsync(caller, Vaults, NewVault)).Status);
    }

    [Fact]
    public async Task The_record_is_in_the_transaction_of_the_change_before_anything_is_answered()
    {
        var record = new AuditRecord { Id = Guid.NewGuid().ToString("N"), RecordedAt = server.Time.GetStoredNow(), Action = "cbr:vaults:update", Method = "PUT", Path = "/", Address = "" };
        async Task ChangeAsync()
        {
            server.Database.BeforeCommit = async session => { await AuditTable.InsertAsync(session, record, default); };
            await server.Database.WriteAsync(async session => { await session.ExecuteAsync($"update identity_revision set revision = revision", default); }, default);
            await server.Database.WriteRelaxedAsync(async session => { await session.ExecuteAsync($"update identity_revision set revision = revision", default); }, default);
        }

        await ChangeAsync();

        Assert.Null(server.Database.BeforeCommit);
        Assert.Null(Assert.Single(await AllAsync(), stored => stored.Id == record.Id).Status);
    }

    [Fact]
    public async Task What_the_command_line_changes_is_recorded_for_the_installation_and_no_project()
    {
        TestCaller caller = await server.NewProjectAsync();
        User user = await server.Administration.CreateUserAsync("audited", null, "a secret password", default);
        await server.Administration.AddRoleAsync(user.Id, ActionPolicy.ReaderRole, ScopeKind.Project, caller.ProjectId, null, default);
        NewCredential made = await server.Administration.CreateCredentialAsync("audited", null, null, "", null, default);
        await server.Administration.DeleteUserAsync("audited", null, default);

        var records = (await server.Administration.ListAuditAsync(1000, default))
            .Where(record => record.Address == "command line").Select(record => $"{record.Action} {record.ResourceId}").ToList();

        Assert.Contains("identity:users:create audited", records);
        Assert.Contains($"identity:roles:add {user.Id} cbr_reader {caller.ProjectId}", records);
        Assert.Contains($"identity:credentials:create {made.Credential.AccessKey}", records);
        Assert.Contains("identity:users:delete audited", records);
        Assert.Empty(await RecordsAsync(caller));
    }

    [Fact]
    public async Task Records_are_filtered_paged_and_counted()
    {
        TestCaller caller = await server.NewProjectAsync();
        string[] ids = [.. Enumerable.Range(0, 5).Select(_ => Guid.NewGuid().ToString())];
        foreach (string id in ids)
        {
            server.Time.Advance(TimeSpan.FromSeconds(1));
            await server.DeleteAsync(caller, $"{Vaults}/{id}");
        }

        Assert.Equal(ids.Reverse(), (await RecordsAsync(caller)).Select(record => (string?)record!["resource_id"]));
        Assert.Equal([ids[1]], (await RecordsAsync(caller, $"?resource_id={ids[1]}")).Select(record => (string?)record!["resource_id"]));
        Assert.Empty(await RecordsAsync(caller, "?status=200"));
        JsonArray firstPage = await RecordsAsync(caller, "?limit=2");
        Assert.Equal([ids[4], ids[3]], firstPage.Select(record => (string?)record!["resource_id"]));
        Assert.Equal(
            [ids[2], ids[1]],
            (await RecordsAsync(caller, $"?limit=2&marker={firstPage[1]!["request_id"]}")).Select(record => (string?)record!["resource_id"]));
        Assert.Equal([ids[0]], (await RecordsAsync(caller, "?offset=4")).Select(record => (string?)record!["resource_id"]));
        Assert.Equal(5, (int)(await server.GetAsync(caller, Audit + "?limit=1")).Json["count"]!);
        Assert.Equal(400, (await server.GetAsync(caller, Audit + "?limit=0")).Status);
        Assert.Equal(400, (await server.GetAsync(caller, Audit + "?start_time=yesterday")).Status);
    }

    [Fact]
    public async Task Records_past_their_time_are_removed_and_younger_ones_are_not()
    {
        TestCaller caller = await server.NewProjectAsync();
        TimeSpan retention = new AuditOptions().Retention;
        async Task AddAsync(string id, TimeSpan age)
        {
            var record = new AuditRecord
            {
                Id = id, RecordedAt = server.Time.GetStoredNow() - age, ProjectId = caller.ProjectId, Action = "cbr:vaults:delete", Method = "DELETE", Path = "/", Address = "",
            };
            await server.Database.WriteAsync(async session => { await AuditTable.InsertAsync(session, record, default); }, default);
        }

        string old = Guid.NewGuid().ToString("N");
        string young = Guid.NewGuid().ToString("N");
        await AddAsync(old, retention + TimeSpan.FromSeconds(1));
        await AddAsync(young, retention - TimeSpan.FromMinutes(10));

        await server.Services.GetServices<IHostedService>().OfType<ExpirySweep>().Single().SweepAsync(default);

        Assert.Equal([young], (await RecordsAsync(caller)).Select(record => (string?)record!["request_id"]));
    }

    private async Task<JsonArray> RecordsAsync(TestCaller caller, string query = "")
    {
        TestReply reply = await server.GetAsync(caller, Audit + query);
        Assert.Equal(200, reply.Status);
        return reply.Json["records"]!.AsArray();
    }

    private async Task<long> CountVaultsAsync(TestCaller caller) => (long)(await server.GetAsync(caller, Vaults)).Json["count"]!;

    private Task<List<AuditRecord>> AllAsync() => server.Database.ReadAsync(
        session => session.QueryAsync(
            $"select id, user_id, user_name, project_id, status, error_code from audit_records",
            row => new AuditRecord
            {
                Id = row.GetString(0),
                UserId = row.GetString(1),
                UserName = row.GetString(2),
                ProjectId = row.GetString(3),
                Status = row.IsDBNull(4) ? null : (int)row.GetInt64(4),
                ErrorCode = row.GetTextOrNull(5),
                RecordedAt = default,
                Action = "",
                Method = "",
                Path = "",
                Address = "",
            },
            default),
        default);
}

public sealed class SqliteAuditTests(SqliteServer server) : AuditContract(server), IClassFixture<SqliteServer>;

public sealed class PostgresAuditTests : AuditContract, IClassFixture<PostgresServer>
{
    public PostgresAuditTests(PostgresServer server)
        : base(server) => TestDatabase.SkipUnlessPostgres();
}
