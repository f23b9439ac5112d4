using System.Text.RegularExpressions;
using Strongroom.Server.Http;
using Strongroom.Server.Tests.Tasks;
using Strongroom.Server.Tests.Vaults;

namespace Strongroom.Server.Tests.Http;

/// <summary>
/// Every route of the service, with every id of one project, called by everyone who has no business there: nothing but 401,
/// 403 and 404, and no row of any table changes. Routes are taken from the running service; a new one that reads a body
/// before it looks for what it is about fails here with 400 until <see cref="SoundBodies"/> knows what to send it.
/// </summary>
public sealed class IsolationTests(SqliteSilentServer server) : IClassFixture<SqliteSilentServer>
{
    // What may differ: who logged in and what was tried, and the beats of this process itself.
    private static readonly string[] OwnTables = ["audit_records", "tokens", "used_signatures", "workers", "installation_clock"];

    // The parameter is a word of the caller's, and names nothing that a project owns.
    private static readonly string[] WordParameters = ["key", "feature_key", "domain_name", "protectable_type"];

    private static readonly string[] ProjectParameters = ["member_id", "source_project_id"];

    private static readonly Dictionary<string, string> SoundBodies = new(BodyMutations.SoundBodies, StringComparer.Ordinal)
    {
        ["POST /v3/{project_id}/vaults/{vault_id}/migrateresources"] = """{"destination_vault_id":"OTHER","resource_ids":["RESOURCE"]}""",
        ["POST /v3/{project_id}/vaults/{vault_id}/addresources"] = """{"resources":[{"id":"RESOURCE","type":"OS::Cinder::Volume"}]}""",
        ["POST /v3/{project_id}/vaults/{vault_id}/removeresources"] = """{"resource_ids":["RESOURCE"]}""",
        ["PUT /v3/{project_id}/vaults/{vault_id}/set-resources"] = """{"resource_ids":["RESOURCE"],"action":"suspend"}""",
        ["POST /v3/{project_id}/vaults/{vault_id}/associatepolicy"] = """{"policy_id":"POLICY"}""",
        ["POST /v3/{project_id}/vaults/{vault_id}/dissociatepolicy"] = """{"policy_id":"POLICY"}""",
        ["PUT /v3/{project_id}/orders/{order_id}"] =
            """{"productInfo":{"productId":"p","resourceSize":200,"resourceSpecCode":"vault.backup.volume.normal"},"resourceId":"VAULT"}""",
        ["POST /v3/{project_id}/vault/{vault_id}/tags"] = """{"tag":{"key":"k","value":"v"}}""",
        ["POST /v3/{project_id}/vault/{vault_id}/tags/action"] = """{"action":"create","tags":[{"key":"k","value":"v"}]}""",
        ["PUT /v3/{project_id}/policies/{policy_id}"] = """{"policy":{"name":"taken"}}""",
        ["PUT /strongroom/v1/{project_id}/notifications/targets/{target_id}"] = """{"target":{"name":"taken"}}""",
        ["PUT /strongroom/v1/{project_id}/policies/{policy_id}"] = """{"policy":{"time_zone":"Europe/Berlin"}}""",
        ["PUT /strongroom/v1/{project_id}/resources/{resource_id}"] = """{"resource":{"name":"taken"}}""",
        ["POST /v3/{project_id}/checkpoints"] = """{"checkpoint":{"vault_id":"VAULT","parameters":{}}}""",
        ["POST /v3/{project_id}/backups/{backup_id}/restore"] = """{"restore":{"volume_id":"RESOURCE"}}""",
        ["POST /v3/{project_id}/backups/{backup_id}/members"] = """{"members":["PROJECT"]}""",
        ["PUT /v3/{project_id}/backups/{backup_id}/members/{member_id}"] = """{"status":"accepted","vault_id":"VAULT"}""",
        ["POST /v3/{project_id}/backups/{backup_id}/replicate"] =
            """{"replicate":{"destination_project_id":"PROJECT","destination_region":"r","destination_vault_id":"VAULT"}}""",
        ["PUT /v3/{project_id}/organization-policies/{organization_policy_id}"] = """{"policy":{"name":"taken"}}""",
        ["PUT /v3/{project_id}/agents/{agent_id}"] = """{"agent":{"status":"uninstall"}}""",
        ["POST /v3/{project_id}/agents/{agent_id}/add-path"] = """{"add_path":["/x"]}""",
        ["POST /v3/{project_id}/agents/{agent_id}/remove-path"] = """{"remove_path":["/x"]}""",
    };

    private IReadOnlyList<MappedRoute> Guarded => [.. MappedRoute.All(server.App).Where(route => !route.IsOpen)];

    private IEnumerable<MappedRoute> NamingOne => Guarded.Where(route => route.Parameters.Any(IsId));

    [Fact]
    public async Task Another_project_is_told_nothing_of_any_id_and_changes_nothing()
    {
        OwnedWorld world = await OwnedWorld.NewAsync(server);
        TestCaller other = await server.NewProjectAsync();
        var wrong = new List<string>();
        string before = await DumpAsync();

        foreach (MappedRoute route in NamingOne)
        {
            foreach (string id in world.All.Where(id => Fits(route, id)))
            {
                // Its own project in the path, and the owner's.
                foreach (string project in (string[])[other.ProjectId, world.ProjectId])
                {
                    TestReply reply = await SendAsync(world, other, route, project, id);
                    if (reply.Status is not (401 or 403 or 404))
                        wrong.Add($"{route} with {id}: {reply.Status} {reply.Text}");
                    else if (world.Names.Any(name => reply.Text.Contains(name, StringComparison.Ordinal)))
                        wrong.Add($"{route} with {id} tells a name: {reply.Text}");
                }
            }
        }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong.Take(20)));
        Assert.Equal(before, await DumpAsync());
    }

    [Fact]
    public async Task Another_projects_id_is_answered_as_one_that_nobody_has()
    {
        OwnedWorld world = await OwnedWorld.NewAsync(server);
        TestCaller other = await server.NewProjectAsync();
        var wrong = new List<string>();
        foreach (MappedRoute route in NamingOne)
        {
            foreach (string id in world.All.Where(id => Fits(route, id)))
            {
                string nobodys = id.Contains('-', StringComparison.Ordinal) ? Guid.NewGuid().ToString() : Guid.NewGuid().ToString("N");
                TestReply foreign = await SendAsync(world, other, route, other.ProjectId, id);
                TestReply unknown = await SendAsync(world, other, route, other.ProjectId, nobodys);
                if (foreign.Status != unknown.Status || Plain(foreign) != Plain(unknown))
                    wrong.Add($"{route}: {foreign.Text} is not {unknown.Text}");
            }
        }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong.Take(20)));

        static string Plain(TestReply reply) => Regex.Replace(reply.Text, "[0-9a-f]{32}|[0-9a-f-]{36}", "ID");
    }

    [Fact]
    public async Task Ids_of_another_project_in_a_body_are_refused_and_change_nothing()
    {
        OwnedWorld world = await OwnedWorld.NewAsync(server);
        VaultWorld other = await VaultWorld.NewAsync(server);
        string vault = await other.VaultAsync("disk");
        (string Method, string Path, string Body)[] requests =
        [
            ("POST", "checkpoints", """{"checkpoint":{"vault_id":"VAULT","parameters":{}}}"""),
            ("POST", "checkpoints", """{"checkpoint":{"vault_id":"OWN","parameters":{"resources":["RESOURCE"]}}}""".Replace("OWN", vault, StringComparison.Ordinal)),
            ("POST", $"vaults/{vault}/addresources", """{"resources":[{"id":"RESOURCE","type":"OS::Cinder::Volume"}]}"""),
            ("POST", $"vaults/{vault}/removeresources", """{"resource_ids":["RESOURCE"]}"""),
            ("POST", $"vaults/{vault}/migrateresources", """{"destination_vault_id":"VAULT","resource_ids":["RESOURCE"]}"""),
            ("PUT", $"vaults/{vault}/set-resources", """{"resource_ids":["RESOURCE"],"action":"suspend"}"""),
            ("POST", $"vaults/{vault}/associatepolicy", """{"policy_id":"POLICY"}"""),
            ("POST", $"vaults/{vault}/dissociatepolicy", """{"policy_id":"POLICY"}"""),
            ("POST", "vaults", """{"vault":{"name":"v","billing":{"object_type":"disk","protect_type":"backup","consistent_level":"crash_consistent","size":10},"resources":[{"id":"RESOURCE","type":"OS::Cinder::Volume"}]}}"""),
            ("POST", "vaults", """{"vault":{"name":"v","backup_policy_id":"POLICY","billing":{"object_type":"disk","protect_type":"backup","consistent_level":"crash_consistent","size":10},"resources":[]}}"""),
        ];
        string before = await DumpAsync();

        foreach ((string method, string path, string body) in requests)
        {
            TestReply reply = await server.SendAsync(other.Caller, method, "/v3/{project_id}/" + path, world.Fill(body));

            Assert.True(reply.Status is 400 or 403 or 404, $"{method} {path}: {reply.Status} {reply.Text}");
            Assert.DoesNotContain(world.Names, name => reply.Text.Contains(name, StringComparison.Ordinal));
        }

        Assert.Equal(before, await DumpAsync());
    }

    [Fact]
    public async Task A_reader_changes_nothing_of_its_own_project()
    {
        OwnedWorld world = await OwnedWorld.NewAsync(server);
        TestCaller reader = await server.CallerAsync(world.ProjectId, ActionPolicy.ReaderRole);
        string before = await DumpAsync();

        foreach (MappedRoute route in Guarded.Where(route => route.HasProject && route.Access is RouteAccess.Action action && !ActionPolicy.Reads(action.Name)))
        {
            foreach (string id in route.Parameters.Any(IsId) ? world.All : [""])
            {
                TestReply reply = await SendAsync(world, reader, route, world.ProjectId, id);

                Assert.True(reply.Status == 403, $"{route} with {id}: {reply.Status} {reply.Text}");
            }
        }

        Assert.Equal(before, await DumpAsync());
    }

    [Fact]
    public async Task Without_a_token_or_with_an_expired_one_every_id_is_401()
    {
        OwnedWorld world = await OwnedWorld.NewAsync(server);
        TestCaller expired = await RouteAccessTests.ExpiredAsync(server, world.ProjectId);
        string before = await DumpAsync();

        foreach (MappedRoute route in Guarded)
        {
            foreach (string id in route.Parameters.Any(IsId) ? world.All : [""])
            {
                foreach (TestCaller? caller in (TestCaller?[])[null, expired])
                {
                    TestReply reply = await SendAsync(world, caller, route, world.ProjectId, id);

                    Assert.True(reply.Status == 401, $"{route} with {id}: {reply.Status} {reply.Text}");
                }
            }
        }

        Assert.Equal(before, await DumpAsync());
    }

    private static bool IsId(string parameter) => parameter != MappedRoute.ProjectParameter && !WordParameters.Contains(parameter);

    // Projects are named by 32 hex digits, everything else by a UUID; the other form is refused as no id at all.
    private static bool Fits(MappedRoute route, string id) =>
        route.Parameters.Any(parameter => ProjectParameters.Contains(parameter)) != id.Contains('-', StringComparison.Ordinal);

    private Task<string> DumpAsync() => DatabaseDump.OfAsync(server.Database, OwnTables);

    private Task<TestReply> SendAsync(OwnedWorld world, TestCaller? caller, MappedRoute route, string projectId, string id)
    {
        string path = route.Path(parameter => parameter switch
        {
            MappedRoute.ProjectParameter => projectId,
            "backup_id" when route.Parameters.Contains("member_id") => world.SharedBackup,
            _ => IsId(parameter) ? id : "disk",
        });
        string? body = route.TakesBody ? world.Fill(SoundBodies.GetValueOrDefault(route.ToString(), "{}")) : null;
        return server.SendAsync(caller, route.Method, path, body);
    }

    /// <summary>A project with one of everything, and the ids of it all.</summary>
    private sealed class OwnedWorld
    {
        private readonly Dictionary<string, string> words = new(StringComparer.Ordinal);

        public required string ProjectId { get; init; }

        public IReadOnlyList<string> All { get; private init; } = [];

        public required string SharedBackup { get; init; }

        /// <summary>What nobody else may read.</summary>
        public IReadOnlyList<string> Names { get; } = ["owned-vault", "owned-policy", "owned-organization-policy", "disk-1", "owned-target"];

        public static async Task<OwnedWorld> NewAsync(ServerFixture server)
        {
            TaskWorld world = await TaskWorld.NewAsync(server);
            (string vault, string disk) = await world.DiskVaultAsync();
            Assert.Equal(200, (await world.Vaults.PutAsync($"vaults/{vault}", new { vault = new { name = "owned-vault" } })).Status);
            string empty = await world.Vaults.VaultAsync("disk", name: "owned-vault-2");
            (string serverVault, string instance, string[] disks) = await world.ServerVaultAsync();
            (string checkpoint, string[] backups) = await world.ProtectAsync(vault);
            (string serverCheckpoint, string[] serverBackups) = await world.ProtectAsync(serverVault);
            string task = (string)(await world.LogsAsync())[0]!["id"]!;
            string policy = IdOf(await world.Vaults.PostAsync("policies", Policy("owned-policy")), "policy");
            Assert.Equal(200, (await world.Vaults.PostAsync($"vaults/{vault}/associatepolicy", new { policy_id = policy })).Status);
            string organizationPolicy = IdOf(await world.Vaults.PostAsync("organization-policies", OrganizationPolicy("owned-organization-policy", world.ProjectId)), "policy");
            string followed = (string)(await world.Vaults.GetAsync($"organization-policies/{organizationPolicy}/policy-detail")).Json["policies"]![0]!["policy_id"]!;
            object hook = new { name = "owned-target", kind = "webhook", url = "https://hooks.example.org/" };
            string target = IdOf(await server.PostAsync(world.Vaults.Caller, "/strongroom/v1/{project_id}/notifications/targets", new { target = hook }), "target");
            TestReply tested = await server.PostAsync(world.Vaults.Caller, $"/strongroom/v1/{{project_id}}/notifications/targets/{target}/test", null);
            string notification = (string)tested.Json["notification"]!["notification"]!["id"]!;
            TestCaller recipient = await server.NewProjectAsync();
            Assert.Equal(200, (await world.Vaults.PostAsync($"backups/{backups[0]}/members", new { members = new[] { recipient.ProjectId } })).Status);
            var owned = new OwnedWorld
            {
                ProjectId = world.ProjectId,
                SharedBackup = backups[0],
                All = [vault, empty, serverVault, disk, instance, disks[0], checkpoint, serverCheckpoint, .. backups, .. serverBackups, task, policy, organizationPolicy, followed, target, notification, world.ProjectId, recipient.ProjectId],
            };
            owned.words["VAULT"] = vault;
            owned.words["OTHER"] = empty;
            owned.words["RESOURCE"] = disk;
            owned.words["POLICY"] = policy;
            owned.words["PROJECT"] = recipient.ProjectId;
            return owned;
        }

        public static object Policy(string name) => new
        {
            policy = new
            {
                name,
                operation_type = "backup",
                operation_definition = new { max_backups = 5, timezone = "UTC+00:00" },
                trigger = new { properties = new { pattern = new[] { "FREQ=WEEKLY;BYDAY=MO;BYHOUR=06;BYMINUTE=00" } } },
            },
        };

        private static object OrganizationPolicy(string name, string projectId) => new
        {
            policy = new
            {
                name,
                policy_name = "owned-policy",
                operation_type = "backup",
                policy_enabled = true,
                policy_operation_definition = new { max_backups = 5 },
                policy_trigger = new { properties = new { pattern = new[] { "FREQ=WEEKLY;BYDAY=MO;BYHOUR=06;BYMINUTE=00" } } },
                effective_scope = projectId,
            },
        };

        public static string IdOf(TestReply reply, string noun)
        {
            Assert.True(reply.Status == 200, reply.Text);
            return (string)reply.Json[noun]!["id"]!;
        }

        public string Fill(string body) => words.Aggregate(body, (text, word) => text.Replace($"\"{word.Key}\"", $"\"{word.Value}\"", StringComparison.Ordinal));
    }
}

/// <summary>A server that sends nothing out of its outbox: each try would change its row.</summary>
public sealed class SqliteSilentServer : SqliteTaskServer
{
    protected override void Configure(ServerOptions options) => options.Notifications.PollInterval = Timeout.InfiniteTimeSpan;
}
