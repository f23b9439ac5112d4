using System.Text.Json.Nodes;
using static Strongroom.Server.Tests.Vaults.VaultWorld;

namespace Strongroom.Server.Tests.Vaults;

/// <summary>
/// Random sequences of adding, removing, moving, resizing and deleting, beside a model a page long. After every step the
/// answer and everything shown must be what the model says. A failing seed is in the message.
/// </summary>
public abstract class VaultModelTests(ServerFixture server)
{
    private const int StepCount = 150;
    private const int DiskCount = 8;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Vaults_behave_like_the_model(int seed)
    {
        var random = new Random(seed);
        VaultWorld world = await NewAsync(server);
        int[] sizes = [.. Enumerable.Range(0, DiskCount).Select(_ => random.Next(1, 7))];
        string[] disks = await Task.WhenAll(sizes.Select(size => world.NewDiskAsync(sizeBytes: size * Gb)));
        Dictionary<string, int> sizeOf = disks.Zip(sizes).ToDictionary(pair => pair.First, pair => pair.Second);
        List<ModelVault> vaults = [];

        for (int step = 0; step < StepCount; step++)
        {
            if (vaults.Count < 3)
            {
                int sizeGb = random.Next(10, 20);
                vaults.Add(new ModelVault(await world.VaultAsync(sizeGb: sizeGb), sizeGb));
            }

            ModelVault vault = vaults[random.Next(vaults.Count)];
            ModelVault other = vaults[random.Next(vaults.Count)];
            string[] chosen = [.. Enumerable.Range(0, random.Next(1, 4)).Select(_ => disks[random.Next(DiskCount)])];
            (string expected, Task<TestReply> asked) = random.Next(10) switch
            {
                < 5 => (Add(vaults, vault, chosen, sizeOf), world.AddAsync(vault.Id, [.. chosen.Select(Disk)])),
                < 7 => (Remove(vault, chosen), world.RemoveAsync(vault.Id, chosen)),
                7 => (Move(vault, other, chosen, sizeOf), world.PostAsync($"vaults/{vault.Id}/migrateresources", new { destination_vault_id = other.Id, resource_ids = chosen })),
                8 => Resize(vault, random.Next(1, 20), sizeOf, world),
                _ => (Delete(vaults, vault), world.DeleteAsync("vaults/" + vault.Id)),
            };
            TestReply reply = await asked;

            Assert.True(expected == (reply.Status < 300 ? "ok" : reply.ErrorCode!["BackupService.".Length..]), $"seed {seed}, step {step}: {expected}, got {reply.Text}");
            await AssertShowsAsync(world, vaults, sizeOf, seed, step);
        }
    }

    private static string Add(List<ModelVault> vaults, ModelVault vault, string[] ids, Dictionary<string, int> sizeOf)
    {
        if (ids.Distinct().Count() < ids.Length)
            return "6104";
        if (ids.Any(id => vaults.Any(other => other != vault && other.Disks.Contains(id))))
            return "6103";
        string[] fresh = [.. ids.Except(vault.Disks)];
        if (fresh.Length > 0 && vault.Disks.Concat(fresh).Sum(id => sizeOf[id]) > vault.SizeGb)
            return "6101";
        vault.Disks.AddRange(fresh);
        return "ok";
    }

    private static string Remove(ModelVault vault, string[] ids)
    {
        if (!ids.All(id => vault.Disks.Contains(id) || vault.Departed.Contains(id)))
            return "6135";
        vault.Disks.RemoveAll(ids.Contains);
        vault.Departed.UnionWith(ids);
        return "ok";
    }

    private static string Move(ModelVault from, ModelVault to, string[] ids, Dictionary<string, int> sizeOf)
    {
        if (from == to)
            return "6118";
        if (!ids.All(from.Disks.Contains))
            return "6135";
        string[] moving = [.. ids.Distinct()];
        if (to.Disks.Concat(moving).Sum(id => sizeOf[id]) > to.SizeGb)
            return "6129";
        from.Disks.RemoveAll(moving.Contains);
        to.Disks.AddRange(moving);
        return "ok";
    }

    private static (string, Task<TestReply>) Resize(ModelVault vault, int sizeGb, Dictionary<string, int> sizeOf, VaultWorld world)
    {
        Task<TestReply> asked = world.PutAsync("vaults/" + vault.Id, new { vault = new { billing = new { size = sizeGb } } });
        if (sizeGb < vault.Disks.Sum(id => sizeOf[id]))
            return ("6101", asked);
        vault.SizeGb = sizeGb;
        return ("ok", asked);
    }

    private static string Delete(List<ModelVault> vaults, ModelVault vault)
    {
        vaults.Remove(vault);
        return "ok";
    }

    private static async Task AssertShowsAsync(VaultWorld world, List<ModelVault> vaults, Dictionary<string, int> sizeOf, int seed, int step)
    {
        JsonNode list = (await world.GetAsync("vaults")).Json;
        Assert.Equal(vaults.Select(vault => vault.Id).Order(), list["vaults"]!.AsArray().Select(vault => (string)vault!["id"]!).Order());
        foreach (ModelVault vault in vaults)
        {
            JsonNode shown = list["vaults"]!.AsArray().Single(each => (string)each!["id"]! == vault.Id)!;
            string what = $"seed {seed}, step {step}: {shown}";
            Assert.True(vault.Disks.SequenceEqual(shown["resources"]!.AsArray().Select(resource => (string)resource!["id"]!)), what);
            Assert.True((int)shown["billing"]!["allocated"]! == vault.Disks.Sum(id => sizeOf[id]), what);
            Assert.True((int)shown["billing"]!["size"]! == vault.SizeGb, what);
        }
    }

    private sealed class ModelVault(string id, int sizeGb)
    {
        public string Id { get; } = id;

        public int SizeGb { get; set; } = sizeGb;

        public List<string> Disks { get; } = [];

        /// <summary>Taken out before.</summary>
        public HashSet<string> Departed { get; } = [];
    }
}

public sealed class VaultModelOnSqliteTests(SqliteServer server) : VaultModelTests(server), IClassFixture<SqliteServer>;

public sealed class VaultModelOnPostgresTests : VaultModelTests, IClassFixture<PostgresServer>
{
    public VaultModelOnPostgresTests(PostgresServer server)
        : base(server) => TestDatabase.SkipUnlessPostgres();
}
