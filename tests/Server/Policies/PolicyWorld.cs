using System.Text.Json.Nodes;
using Strongroom.Server.Tests.Vaults;

namespace Strongroom.Server.Tests.Policies;

/// <summary>Short ways to make policies over HTTP.</summary>
internal static class PolicyWorld
{
    public const string Daily = "FREQ=DAILY;INTERVAL=1;BYHOUR=01;BYMINUTE=30";

    public static JsonObject PolicyBody(
        string definition = """{"max_backups":7}""", string name = "nightly", string? operationType = "backup", params string[] patterns)
    {
        var policy = new JsonObject
        {
            ["name"] = name,
            ["operation_definition"] = JsonNode.Parse(definition),
            ["trigger"] = new JsonObject
            {
                ["properties"] = new JsonObject
                {
                    ["pattern"] = new JsonArray((patterns.Length == 0 ? [Daily] : patterns).Select(pattern => (JsonNode)pattern).ToArray()),
                },
            },
        };
        if (operationType is not null)
            policy["operation_type"] = operationType;
        return policy;
    }

    public static JsonObject ReplicationBody() => PolicyBody(
        """{"destination_region":"eu-west-2","destination_project_id":"c0a7e5d2914b4f6c9e83d1f05a72b6e4"}""", "far", "replication");

    public static Task<TestReply> CreatePolicyAsync(this VaultWorld world, JsonObject policy) =>
        world.PostAsync("policies", new JsonObject { ["policy"] = policy.DeepClone() });

    /// <summary>The id of a new policy; the clock moves, so that policies have an order.</summary>
    public static async Task<string> PolicyAsync(this VaultWorld world, JsonObject? policy = null)
    {
        world.Server.Time.Advance(TimeSpan.FromSeconds(1));
        TestReply reply = await world.CreatePolicyAsync(policy ?? PolicyBody());
        Assert.True(reply.Status == 200, reply.Text);
        return (string)reply.Json["policy"]!["id"]!;
    }

    public static Task<TestReply> UpdatePolicyAsync(this VaultWorld world, string id, object change) =>
        world.PutAsync("policies/" + id, new { policy = change });

    public static async Task<JsonNode> ShowPolicyAsync(this VaultWorld world, string id)
    {
        TestReply reply = await world.GetAsync("policies/" + id);
        Assert.True(reply.Status == 200, reply.Text);
        return reply.Json["policy"]!;
    }

    public static Task<TestReply> BindAsync(this VaultWorld world, string vault, string policy, string? destination = null) => world.PostAsync(
        $"vaults/{vault}/associatepolicy",
        destination is null ? new { policy_id = policy } : new { policy_id = policy, destination_vault_id = destination });

    public static Task<TestReply> UnbindAsync(this VaultWorld world, string vault, string policy) =>
        world.PostAsync($"vaults/{vault}/dissociatepolicy", new { policy_id = policy });

    public static string[] PolicyIds(TestReply list) => [.. list.Json["policies"]!.AsArray().Select(policy => (string)policy!["id"]!)];

    /// <summary>Puts JSON where a dotted path says, or takes away what is there.</summary>
    public static JsonObject With(this JsonObject body, string path, string json)
    {
        string[] names = path.Split('.');
        JsonObject owner = names[..^1].Aggregate(body, (node, name) => node[name]!.AsObject());
        if (json == "absent")
            owner.Remove(names[^1]);
        else
            owner[names[^1]] = JsonNode.Parse(json);
        return body;
    }
}
