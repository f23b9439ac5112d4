using Strongroom.Contract.Resources;
using Strongroom.Contract.Vaults;
using Strongroom.Server.Resources;
using Strongroom.Server.Vaults;

namespace Strongroom.Server.Tests.Vaults;

/// <summary>Random vaults, rules and resources: who is in which vault afterwards is what a plain retelling of the rules says.</summary>
public sealed class AutoBindModelTests(ITestOutputHelper output)
{
    private static readonly DateTimeOffset Now = new(2026, 11, 25, 12, 0, 0, TimeSpan.Zero);
    private static readonly string[] Keys = ["env", "tier", "owner"];
    private static readonly string[] Values = ["", "a", "b"];

    [Fact]
    public void After_a_pass_every_vault_holds_what_the_oracle_says()
    {
        int seeds = int.Parse(Environment.GetEnvironmentVariable("STRONGROOM_TEST_BIND_SEEDS") ?? "400", null);
        int joined = 0;
        int refused = 0;
        for (int seed = 1; seed <= seeds; seed++)
        {
            var random = new Random(seed);
            List<AutoBindVault> vaults = [.. Enumerable.Range(0, random.Next(1, 5)).Select(i => RandomVault(random, i))];
            List<Resource> resources = [.. Enumerable.Range(0, random.Next(0, 30)).SelectMany(i => RandomResource(random, i))];
            long reserve = random.Next(3) == 0 ? random.Next(0, 6) : 0;

            AutoBindDecision decision = AutoBinding.Decide(
                Shuffled(vaults, random), Shuffled(resources, random), resources.FindAll(one => one.ServerId is not null), [], reserve, Now);

            (HashSet<(string, string)> members, HashSet<string> left) = Oracle(vaults, resources, reserve);
            var actual = decision.Joined.Select(join => (join.Vault.Id.Value, join.Resource.Id.Value)).ToHashSet();
            Assert.True(members.SetEquals(actual), $"seed {seed}: members differ");
            Assert.True(left.SetEquals(decision.Refused.Select(one => one.Resource.Id.Value)), $"seed {seed}: refusals differ");
            Assert.Equal(actual.Count, decision.Joined.Count);
            joined += actual.Count;
            refused += left.Count;
        }

        output.WriteLine($"{seeds} worlds, {joined} joined, {refused} refused");
        Assert.True(joined > seeds && refused > seeds / 4);
    }

    private static (HashSet<(string Vault, string Resource)> Members, HashSet<string> Refused) Oracle(
        List<AutoBindVault> vaults, List<Resource> resources, long reserve)
    {
        var members = new HashSet<(string, string)>();
        var refused = new HashSet<string>();
        var freeGb = vaults.ToDictionary(one => one.Vault.Id.Value, one => one.Vault.SizeGb - one.Vault.Resources.Sum(bound => bound.SizeGb));
        var counts = vaults.ToDictionary(one => one.Vault.Id.Value, one => one.Vault.Resources.Count);
        foreach (bool isServer in new[] { true, false })
        {
            foreach (Resource resource in resources.Where(one => one.Type == ResourceTypes.Server == isServer).OrderBy(one => one.CreatedAt).ThenBy(one => one.Id.Value, StringComparer.Ordinal))
            {
                if (resource.ServerId is { } server && members.Any(member => member.Item2 == server.Value))
                {
                    continue;
                }

                List<Resource> own = isServer ? resources.FindAll(disk => disk.ServerId == resource.Id) : [resource];
                long sizeGb = own.Sum(disk => (long)disk.SizeGb);
                bool wasAsked = false;
                foreach (AutoBindVault one in vaults.OrderBy(vault => vault.NextRunAt is null).ThenBy(vault => vault.NextRunAt).ThenBy(vault => vault.Vault.CreatedAt))
                {
                    string wanted = resource.Type switch { ResourceTypes.Server => "server", ResourceTypes.Disk => "disk", _ => "turbo" };
                    bool matches = one.Vault.BindRules!.Count == 0 || one.Vault.BindRules.Intersect(resource.Tags).Any();
                    if (one.Vault.ObjectType != wanted || !matches)
                        continue;
                    wasAsked = true;
                    string id = one.Vault.Id.Value;
                    if (freeGb[id] < sizeGb || (reserve > 0 && freeGb[id] <= reserve) || counts[id] == 256)
                        continue;
                    freeGb[id] -= sizeGb;
                    counts[id]++;
                    members.Add((id, resource.Id.Value));
                    wasAsked = false;
                    break;
                }

                if (wasAsked)
                    refused.Add(resource.Id.Value);
            }
        }

        return (members, refused);
    }

    private static AutoBindVault RandomVault(Random random, int number)
    {
        var vault = new Vault
        {
            Id = new VaultId($"vault-{number}"),
            ProjectId = "p",
            Name = "v",
            UserId = "u",
            ObjectType = random.Next(4) switch { 0 => ObjectTypes.Server, 1 => ObjectTypes.FileSystem, _ => ObjectTypes.Disk },
            ProtectType = ProtectTypes.Backup,
            ConsistentLevel = ConsistentLevels.CrashConsistent,
            SizeGb = random.Next(1, 40),
            BindRules = [.. Enumerable.Range(0, random.Next(0, 4)).Select(_ => RandomTag(random))],
            CreatedAt = Now.AddDays(-number),
        };
        int present = random.Next(10) == 0 ? random.Next(250, 257) : random.Next(0, 3);
        vault = vault with { Resources = [.. Enumerable.Range(0, present).Select(i => Present(number, i))] };
        vault = present > 10 ? vault with { SizeGb = 400 } : vault;
        return new AutoBindVault(vault, random.Next(4) == 0 ? null : Now.AddHours(random.Next(1, 5)));
    }

    private static VaultResource Present(int vault, int number) => new()
    {
        Id = new ResourceId($"present-{vault}-{number}"),
        Type = ResourceTypes.Disk,
        Name = "",
        Position = number,
        SizeGb = 1,
        AddedAt = Now,
    };

    private static IEnumerable<Resource> RandomResource(Random random, int number)
    {
        string type = random.Next(4) switch { 0 => ResourceTypes.Server, 1 => ResourceTypes.FileSystem, _ => ResourceTypes.Disk };
        var resource = new Resource
        {
            Id = new ResourceId($"resource-{number}"),
            ProjectId = "p",
            Type = type,
            Name = "r",
            SizeBytes = type == ResourceTypes.Server ? 0 : random.Next(1, 10) * VaultWorld.Gb,
            Tags = [.. Enumerable.Range(0, random.Next(0, 4)).Select(_ => RandomTag(random)).DistinctBy(tag => tag.Key)],
            CreatedAt = Now.AddMinutes(random.Next(10)),
        };
        yield return resource;
        for (int disk = 0; type == ResourceTypes.Server && disk < random.Next(1, 3); disk++)
        {
            yield return resource with
            {
                Id = new ResourceId($"resource-{number}-{disk}"),
                Type = ResourceTypes.Disk,
                ServerId = resource.Id,
                Position = disk + 1,
                SizeBytes = random.Next(1, 6) * VaultWorld.Gb,
                Tags = [],
            };
        }
    }

    private static TagShape RandomTag(Random random) => new(Keys[random.Next(Keys.Length)], Values[random.Next(Values.Length)]);

    private static List<T> Shuffled<T>(List<T> list, Random random) => [.. list.OrderBy(_ => random.Next())];
}
