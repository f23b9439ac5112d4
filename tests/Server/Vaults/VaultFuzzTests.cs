using System.Text;
using System.Text.Json.Nodes;
using static Strongroom.Server.Tests.Vaults.VaultWorld;

namespace Strongroom.Server.Tests.Vaults;

/// <summary>
/// Bodies and paths damaged at random, from a seed, on every writing operation: whatever comes, the answer is a refusal with a
/// code and a message, or the request happened to be sound; never a fault of the service, and no refusal leaves a trace.
/// </summary>
public sealed class VaultFuzzTests(SqliteServer server) : IClassFixture<SqliteServer>
{
    private const int RequestCount = 2000;

    private static readonly string[] Junk =
    [
        "null", "true", "0", "-1", "1.5", "1e400", "\"\"", "\"\\ud800\"", "\"\\u0000\"", "[]", "{}", "[[[[[]]]]]", "{\"a\":{\"b\":{}}}", "\"%s%n\"",
        "99999999999999999999", "\"' or 1=1 --\"", "\"\uFFFD\u202E\"", "[null]", "{\"vault\":1}", "\"00000000-1111-4222-8333-444444444444\"",
    ];

    private static readonly string[] BadIds = ["x", "..", "%2e%2e%2f", "-1", "null", "00000000-1111-4222-8333-44444444444G", new string('a', 3000)];

    [Fact]
    public async Task Damaged_requests_are_refused_and_change_nothing()
    {
        VaultWorld world = await NewAsync(server);
        string vault = await world.VaultAsync("server", 1000);
        (string serverId, string[] disks) = await world.NewServerAsync(1, 1);
        await world.AddAsync(vault, ServerOf(serverId, disks[0]));
        (string Method, string Path, string Body)[] sound =
        [
            ("POST", "vaults", new JsonObject { ["vault"] = VaultBody() }.ToJsonString()),
            ("PUT", "vaults/" + vault, """{"vault":{"name":"n","billing":{"size":500,"consistent_level":"crash_consistent"},"threshold":50,"bind_rules":{"tags":[{"key":"a","value":"b"}]}}}"""),
            ("POST", $"vaults/{vault}/addresources", new JsonObject { ["resources"] = new JsonArray(ServerOf(serverId, disks[0])) }.ToJsonString()),
            ("POST", $"vaults/{vault}/removeresources", $$"""{"resource_ids":["{{UnknownId}}"]}"""),
            ("POST", $"vaults/{vault}/migrateresources", $$"""{"destination_vault_id":"{{UnknownId}}","resource_ids":["{{serverId}}"]}"""),
            ("PUT", $"vaults/{vault}/set-resources", $$"""{"resource_ids":["{{serverId}}"],"action":"unsuspend"}"""),
            ("PUT", "vaults/batch-update", """{"vault":{"threshold":50}}"""),
            ("POST", $"vault/{vault}/tags", """{"tag":{"key":"a","value":"b"}}"""),
            ("POST", $"vault/{vault}/tags/action", """{"action":"create","tags":[{"key":"a","value":"b"}]}"""),
            ("POST", "vault/resource_instances/action", """{"action":"filter","limit":"5","tags":[{"key":"a","values":["b"]}]}"""),
            ("POST", "vaults/order", new JsonObject { ["vault"] = VaultBody() }.ToJsonString()),
            ("POST", "orders/change", $$"""{"resource_id":"{{vault}}","product_info":{"product_id":"p","resource_size":2000,"resource_spec_code":"vault.backup.server.normal"} }"""),
            ("POST", "vaults/change-charge-mode", $$"""{"vault_ids":["{{UnknownId}}"],"charging_mode":"pre_paid","period_type":"year","period_num":1}"""),
        ];
        var random = new Random(20260104);
        string before = (await world.GetAsync("vaults")).Text;

        for (int i = 0; i < RequestCount; i++)
        {
            (string method, string path, string body) = sound[random.Next(sound.Length)];
            string damagedPath = random.Next(10) == 0 ? path.Replace(vault, BadIds[random.Next(BadIds.Length)], StringComparison.Ordinal) : path;
            string damagedBody = Damage(random, body);
            TestReply reply = await server.SendAsync(world.Caller, method, "/v3/{project_id}/" + damagedPath, damagedBody);

            string what = $"request {i}: {method} {damagedPath} {damagedBody} -> {reply.Status} {reply.Text}";
            Assert.True(reply.Status is >= 200 and < 500, what);
            if (reply.Status >= 400)
            {
                Assert.True(reply.ErrorCode?.Length > 0 && reply.ErrorMessage?.Length > 0, what);
                Assert.True(before == (await world.GetAsync("vaults")).Text, what);
            }
            else
            {
                before = (await world.GetAsync("vaults")).Text;
            }
        }
    }

    private static string Damage(Random random, string body)
    {
        var damaged = new StringBuilder(body);
        for (int times = random.Next(1, 4); times > 0; times--)
        {
            int at = random.Next(damaged.Length);
            switch (random.Next(6))
            {
                case 0:
                    damaged.Remove(at, random.Next(1, Math.Min(20, damaged.Length - at) + 1));
                    break;
                case 1:
                    damaged[at] = (char)random.Next(1, 127);
                    break;
                case 2:
                    damaged.Insert(at, Junk[random.Next(Junk.Length)]);
                    break;
                default:
                    ReplaceValue(random, damaged);
                    break;
            }

            if (damaged.Length == 0)
                return "";
        }

        return damaged.ToString();
    }

    // Keeps the text sound JSON as far as it was: a value after some colon becomes another.
    private static void ReplaceValue(Random random, StringBuilder body)
    {
        string text = body.ToString();
        int[] colons = [.. Enumerable.Range(0, text.Length).Where(at => text[at] == ':')];
        if (colons.Length == 0)
            return;
        int from = colons[random.Next(colons.Length)] + 1;
        int length = text.AsSpan(from).IndexOfAny(",}]");
        if (length > 0)
            body.Remove(from, length).Insert(from, Junk[random.Next(Junk.Length)]);
    }
}
