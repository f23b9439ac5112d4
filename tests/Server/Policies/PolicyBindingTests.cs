using System.Text.Json.Nodes;
using Strongroom.Server.Tests.Vaults;
using static Strongroom.Server.Tests.Policies.PolicyWorld;
using static Strongroom.Server.Tests.Vaults.VaultWorld;

namespace Strongroom.Server.Tests.Policies;

public abstract class PolicyBindingTests(ServerFixture server)
{
    [Fact]
    public async Task Binding_answers_both_ids_and_shows_in_the_policy()
    {
        VaultWorld world = await NewAsync(server);
        string policy = await world.PolicyAsync();
        string vault = await world.VaultAsync();

        TestReply reply = await world.BindAsync(vault, policy);

        Assert.Equal(200, reply.Status);
        Assert.Equal($$$"""{"associate_policy":{"vault_id":"{{{vault}}}","policy_id":"{{{policy}}}"}}""", reply.Text);
        Assert.Equal(
            $$"""[{"vault_id":"{{vault}}","destination_vault_id":null}]""",
            (await world.ShowPolicyAsync(policy))["associated_vaults"]!.ToJsonString());
        Assert.Equal([policy], PolicyIds(await world.GetAsync("policies?vault_id=" + vault)));
    }

    [Fact]
    public async Task Binding_the_same_policy_again_answers_the_same()
    {
        VaultWorld world = await NewAsync(server);
        string policy = await world.PolicyAsync();
        string vault = await world.VaultAsync();

        TestReply first = await world.BindAsync(vault, policy);
        TestReply second = await world.PostAsync($"vaults/{vault}/associatepolicy", new { policy_id = policy, destination_vault_id = "" });

        Assert.Equal(first.Text, second.Text);
        Assert.Single((await world.ShowPolicyAsync(policy))["associated_vaults"]!.AsArray());
    }

    [Fact]
    public async Task A_second_backup_policy_takes_the_place_of_the_first()
    {
        VaultWorld world = await NewAsync(server);
        string[] policies = [await world.PolicyAsync(), await world.PolicyAsync()];
        string vault = await world.VaultAsync();

        await world.BindAsync(vault, policies[0]);
        await world.BindAsync(vault, policies[1]);

        Assert.Equal([policies[1]], PolicyIds(await world.GetAsync("policies?vault_id=" + vault)));
        Assert.Empty((await world.ShowPolicyAsync(policies[0]))["associated_vaults"]!.AsArray());
    }

    [Fact]
    public async Task A_vault_has_one_backup_and_one_replication_policy_beside_each_other()
    {
        VaultWorld world = await NewAsync(server);
        string backup = await world.PolicyAsync();
        string replication = await world.PolicyAsync(ReplicationBody());
        string vault = await world.VaultAsync("server");
        string destination = await world.VaultAsync("server", protectType: "replication");

        TestReply reply = await world.PostAsync(
            $"vaults/{vault}/associatepolicy", new { add_policy_ids = new[] { replication, backup }, destination_vault_id = destination });

        Assert.True(reply.Status == 200, reply.Text);
        Assert.Equal(
            $$$"""{"associate_policy":{"vault_id":"{{{vault}}}","policy_id":"{{{replication}}}","destination_vault_id":"{{{destination}}}"}}""", reply.Text);
        Assert.Equal([replication, backup], PolicyIds(await world.GetAsync("policies?vault_id=" + vault)));
        Assert.Equal([backup], PolicyIds(await world.GetAsync($"policies?vault_id={vault}&operation_type=backup")));
        Assert.Equal(destination, (string?)(await world.ShowPolicyAsync(replication))["associated_vaults"]![0]!["destination_vault_id"]);
    }

    [Fact]
    public async Task What_a_binding_request_must_hold()
    {
        VaultWorld world = await NewAsync(server);
        string vault = await world.VaultAsync();
        string path = $"vaults/{vault}/associatepolicy";
        string[] policies = [await world.PolicyAsync(), await world.PolicyAsync()];

        AssertRefused(await world.PostAsync(path, new { }), 400, "9900", "policy_id", "add_policy_ids");
        AssertRefused(await world.PostAsync(path, new { policy_id = policies[0], add_policy_ids = policies }), 400, "9900", "add_policy_ids");
        AssertRefused(await world.PostAsync(path, new { policy_id = "x" }), 400, "9900", "policy_id");
        AssertRefused(await world.PostAsync(path, new { add_policy_ids = Array.Empty<string>() }), 400, "9900", "add_policy_ids");
        AssertRefused(await world.PostAsync(path, new { add_policy_ids = Enumerable.Repeat(policies[0], 11) }), 400, "9900", "add_policy_ids");
        AssertRefused(await world.PostAsync(path, new { add_policy_ids = policies }), 400, "9900", "add_policy_ids");
        Assert.Equal(200, (await world.PostAsync(path, new { add_policy_ids = Enumerable.Repeat(policies[0], 10) })).Status);
        AssertRefused(await world.PostAsync($"vaults/{UnknownId}/associatepolicy", new { policy_id = policies[0] }), 404, "6105", UnknownId);
        AssertRefused(await world.PostAsync($"vaults/{vault}/dissociatepolicy", new { }), 400, "9900", "policy_id");
        AssertRefused(await world.UnbindAsync(UnknownId, policies[0]), 404, "6105");
    }

    [Fact]
    public async Task Policies_that_do_not_suit_the_vault_are_refused()
    {
        VaultWorld world = await NewAsync(server);
        string backup = await world.PolicyAsync();
        string replication = await world.PolicyAsync(ReplicationBody());
        string disks = await world.VaultAsync();
        string servers = await world.VaultAsync("server");
        string replicas = await world.VaultAsync("server", protectType: "replication");
        JsonObject hybrid = VaultBody("vmware");
        hybrid["billing"]!["cloud_type"] = "hybrid";
        string hybridId = (string)(await world.CreateAsync(hybrid)).Json["vault"]!["id"]!;

        AssertRefused(await world.BindAsync(replicas, backup), 400, "6127");
        AssertRefused(await world.BindAsync(hybridId, backup), 400, "6136");
        AssertRefused(await world.BindAsync(replicas, replication, replicas), 400, "6127");
        AssertRefused(await world.BindAsync(disks, replication, replicas), 400, "6128", "disk");
        AssertRefused(await world.BindAsync(servers, replication), 400, "9900", "destination_vault_id");
        AssertRefused(await world.BindAsync(servers, replication, UnknownId), 400, "6120", UnknownId);
        AssertRefused(await world.BindAsync(servers, replication, disks), 400, "6119");
        AssertRefused(await world.BindAsync(servers, replication, servers), 400, "6119");
        Assert.Equal(200, (await world.BindAsync(servers, replication, replicas)).Status);
    }

    [Fact]
    public async Task The_region_of_a_bound_replication_policy_is_fixed()
    {
        VaultWorld world = await NewAsync(server);
        string replication = await world.PolicyAsync(ReplicationBody());
        string vault = await world.VaultAsync("server");
        string replicas = await world.VaultAsync("server", protectType: "replication");
        await world.BindAsync(vault, replication, replicas);
        var elsewhere = new { operation_definition = new { destination_region = "eu-west-3", destination_project_id = "p" } };

        AssertRefused(await world.UpdatePolicyAsync(replication, elsewhere), 400, "6003", "eu-west-2");
        await world.UnbindAsync(vault, replication);
        Assert.Equal(200, (await world.UpdatePolicyAsync(replication, elsewhere)).Status);
    }

    [Fact]
    public async Task Unbinding_answers_both_ids_and_only_what_is_bound_can_be_unbound()
    {
        VaultWorld world = await NewAsync(server);
        string policy = await world.PolicyAsync();
        string vault = await world.VaultAsync();
        await world.BindAsync(vault, policy);

        TestReply reply = await world.UnbindAsync(vault, policy);

        Assert.Equal((200, $$$"""{"dissociate_policy":{"vault_id":"{{{vault}}}","policy_id":"{{{policy}}}"}}"""), (reply.Status, reply.Text));
        Assert.Empty(PolicyIds(await world.GetAsync("policies?vault_id=" + vault)));
        AssertRefused(await world.UnbindAsync(vault, policy), 404, "6002", policy);
    }

    [Fact]
    public async Task A_locked_vault_keeps_its_policy()
    {
        VaultWorld world = await NewAsync(server);
        string[] policies = [await world.PolicyAsync(), await world.PolicyAsync()];
        string vault = await world.VaultAsync();
        await world.BindAsync(vault, policies[0]);
        await world.PutAsync("vaults/" + vault, new { vault = new { locked = true } });

        AssertRefused(await world.UnbindAsync(vault, policies[0]), 400, "6110", policies[0]);
        AssertRefused(await world.BindAsync(vault, policies[1]), 400, "6110", policies[0]);
        AssertRefused(await world.DeleteAsync("policies/" + policies[0]), 400, "6110", vault);
        Assert.Equal(200, (await world.BindAsync(vault, policies[0])).Status);
        Assert.Equal([policies[0]], PolicyIds(await world.GetAsync("policies?vault_id=" + vault)));
    }

    [Fact]
    public async Task A_vault_can_be_made_with_its_policy()
    {
        VaultWorld world = await NewAsync(server);
        string policy = await world.PolicyAsync();
        string replication = await world.PolicyAsync(ReplicationBody());
        JsonObject body = VaultBody();

        body["backup_policy_id"] = policy;
        TestReply made = await world.CreateAsync(body);
        body["backup_policy_id"] = replication;
        TestReply unfit = await world.CreateAsync(body);
        body["backup_policy_id"] = UnknownId;
        TestReply unknown = await world.CreateAsync(body);

        Assert.True(made.Status == 200, made.Text);
        string vault = (string)made.Json["vault"]!["id"]!;
        Assert.Equal([policy], PolicyIds(await world.GetAsync("policies?vault_id=" + vault)));
        Assert.Equal(200, (await world.BindAsync(vault, policy)).Status);
        AssertRefused(unfit, 400, "6127", replication);
        AssertRefused(unknown, 404, "6000", UnknownId);
        Assert.Equal(1, (int)(await world.GetAsync("vaults")).Json["count"]!);
    }

    [Fact]
    public async Task Vaults_are_listed_by_their_policy()
    {
        VaultWorld world = await NewAsync(server);
        string policy = await world.PolicyAsync();
        string[] vaults = [await world.VaultAsync(), await world.VaultAsync(), await world.VaultAsync()];
        await world.BindAsync(vaults[0], policy);
        await world.BindAsync(vaults[2], policy);

        TestReply list = await world.GetAsync("vaults?policy_id=" + policy);

        Assert.Equal([vaults[2], vaults[0]], list.Json["vaults"]!.AsArray().Select(vault => (string)vault!["id"]!));
        Assert.Equal(0, (int)(await world.GetAsync("vaults?policy_id=" + UnknownId)).Json["count"]!);
    }

    [Fact]
    public async Task A_deleted_vault_leaves_its_policy_and_has_it_again_when_it_comes_back()
    {
        VaultWorld world = await NewAsync(server);
        string policy = await world.PolicyAsync();
        string vault = await world.VaultAsync();
        await world.BindAsync(vault, policy);

        await world.DeleteAsync("vaults/" + vault);
        JsonNode without = await world.ShowPolicyAsync(policy);
        TestReply back = await server.PostAsync(world.Caller, $"/strongroom/v1/{{project_id}}/vaults/{vault}/undelete", null);

        Assert.Empty(without["associated_vaults"]!.AsArray());
        Assert.True(back.Status == 200, back.Text);
        Assert.Equal([policy], PolicyIds(await world.GetAsync("policies?vault_id=" + vault)));
    }
}

public sealed class PolicyBindingOnSqliteTests(SqliteServer server) : PolicyBindingTests(server), IClassFixture<SqliteServer>;

public sealed class PolicyBindingOnPostgresTests : PolicyBindingTests, IClassFixture<PostgresServer>
{
    public PolicyBindingOnPostgresTests(PostgresServer server)
        : base(server) => TestDatabase.SkipUnlessPostgres();
}
