using System.Text.Json.Nodes;

namespace Strongroom.Server.Tests.Http;

/// <summary>Sound bodies with one to three values changed into something else: most must be refused, some are still sound.</summary>
internal sealed class BodyMutations(Random random)
{
    // What each route that takes a body is sent when all is well; a route that is not named gets one of the others'.
    public static readonly Dictionary<string, string> SoundBodies = new(StringComparer.Ordinal)
    {
        ["POST /v3/auth/tokens"] = """{"auth":{"identity":{"methods":["token"],"token":{"id":"x"},"password":{"user":{"name":"a","password":"b","domain":{"name":"c"}}}},"scope":{"project":{"name":"demo","domain":{"id":"default"}}}}}""",
        ["POST /v3/{project_id}/vaults"] = """{"vault":{"name":"v","description":"d","billing":{"object_type":"disk","protect_type":"backup","consistent_level":"crash_consistent","size":10,"charging_mode":"post_paid","cloud_type":"public"},"resources":[{"id":"VAULT","type":"OS::Cinder::Volume","name":"r","extra_info":{"include_volumes":[{"id":"VAULT","os_version":"x"}],"exclude_volumes":["VAULT"]}}],"tags":[{"key":"k","value":"v"}],"auto_bind":true,"bind_rules":{"tags":[{"key":"k","value":"v"}]},"auto_expand":false,"threshold":80,"smn_notify":true,"enterprise_project_id":"0"}}""",
        ["PUT /v3/{project_id}/vaults/{vault_id}"] = """{"vault":{"name":"v","billing":{"size":20,"consistent_level":"crash_consistent"},"auto_bind":false,"bind_rules":{"tags":[]},"auto_expand":true,"threshold":70,"smn_notify":false,"locked":false}}""",
        ["POST /v3/{project_id}/vaults/{vault_id}/addresources"] = """{"resources":[{"id":"VAULT","type":"OS::Cinder::Volume","name":"n","auto_protect":true,"extra_info":{"exclude_volumes":[],"include_volumes":[]}}]}""",
        ["POST /v3/{project_id}/vaults/{vault_id}/removeresources"] = """{"resource_ids":["VAULT"]}""",
        ["PUT /v3/{project_id}/vaults/{vault_id}/set-resources"] = """{"resource_ids":["VAULT"],"action":"suspend"}""",
        ["POST /v3/{project_id}/checkpoints"] = """{"checkpoint":{"vault_id":"VAULT","parameters":{"auto_trigger":false,"description":"d","incremental":true,"name":"n","resources":["VAULT"],"resource_details":[{"id":"VAULT","type":"OS::Cinder::Volume"}]}}}""",
        ["PUT /v3/{project_id}/backups/{backup_id}"] = """{"backup":{"name":"n"}}""",
        ["POST /v3/{project_id}/backups/{backup_id}/restore"] = """{"restore":{"mappings":[{"backup_id":"VAULT","volume_id":"VAULT"}],"power_on":true,"server_id":"VAULT","volume_id":"VAULT","resource_id":"VAULT","details":{"destination_path":"/x"}}}""",
    };

    private static readonly string[] Values =
    [
        "null", "true", "false", "0", "-1", "1.5", "1e400", "-0", "99999999999999999999999999", "2147483648", "9223372036854775808",
        "\"\"", "\" \"", "\"x\"", "\"\\uFEFF\"", "\"\\u202E\"", "\"\\uD83D\\uDD12\"", "\"<script>\"", "\"'; drop table vaults; --\"", "\"%00\"",
        "\"2D6C1F0E-7A43-4F0B-9D53-6F0A1C2B3D4E\"", "\"2d6c1f0e-7a43-4f0b-9d53-6f0a1c2b3d4e\"", "\"00000000-0000-0000-0000-000000000000\"",
        "[]", "[null]", "[[]]", "[1,2,3]", "{}", "{\"\":\"\"}", "{\"id\":null}", "{\"$ref\":\"#\"}",
    ];

    public string Mutate(string sample)
    {
        JsonNode root = JsonNode.Parse(sample)!;
        for (int i = random.Next(1, 4); i > 0; i--)
            root = MutateOnce(root);
        return root.ToJsonString();
    }

    private JsonNode MutateOnce(JsonNode root)
    {
        List<JsonNode> nodes = [];
        Collect(root, nodes);
        JsonNode chosen = nodes[random.Next(nodes.Count)];
        switch (chosen.Parent)
        {
            case JsonObject parent when random.Next(4) == 0:
                parent.Remove(chosen.GetPropertyName());
                return root;
            case JsonObject parent:
                parent[chosen.GetPropertyName()] = Value(chosen);
                return root;
            case JsonArray parent:
                parent[chosen.GetElementIndex()] = Value(chosen);
                return root;
            default:
                return root;
        }
    }

    private JsonNode? Value(JsonNode old) => random.Next(8) switch
    {
        0 => new string('a', random.Next(1, 5000)),
        1 => string.Concat(Enumerable.Repeat("\U0001F512", random.Next(1, 300))),
        2 => new JsonArray([.. Enumerable.Range(0, random.Next(1, 400)).Select(_ => old.DeepClone())]),
        3 => random.NextInt64(),
        4 => new JsonObject { ["a"] = old.DeepClone() },
        _ => JsonNode.Parse(Values[random.Next(Values.Length)]),
    };

    private static void Collect(JsonNode? node, List<JsonNode> nodes)
    {
        if (node is null)
            return;
        nodes.Add(node);
        foreach (JsonNode? child in node switch
        {
            JsonObject members => members.Select(member => member.Value),
            JsonArray items => items,
            _ => Enumerable.Empty<JsonNode?>(),
        })
        {
            Collect(child, nodes);
        }
    }
}
