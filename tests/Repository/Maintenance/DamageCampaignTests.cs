using Strongroom.ObjectStores;
using Strongroom.ObjectStores.Testing;

namespace Strongroom.Repository.Tests.Maintenance;

/// <summary>
/// Damage at random, over every object of a repository that has all kinds of them: a restore gives the right bytes or
/// fails, and a check that reads the data finds it. STRONGROOM_TEST_DAMAGES sets how many are tried.
/// </summary>
public sealed class DamageCampaignTests
{
    private static readonly string[] OpenedFirst = ["config", "keys/"];

    [Theory]
    [InlineData(GoldenRepository.AllKinds, 1500)]
    [InlineData(GoldenRepository.WithParity, 500)]
    [Trait("Category", "Slow")]
    public async Task Any_damage_to_any_object_is_found_and_never_gives_wrong_bytes(string golden, int count)
    {
        var sample = await Sample.Load(golden);
        await sample.Hold(sample.Store, [], sample.Expected, mustBeFound: false);

        await Campaign.Run("STRONGROOM_TEST_DAMAGES", count, sample.DamageAndHold);
    }

    /// <summary>A golden repository, and all that is to be read from it.</summary>
    private sealed class Sample
    {
        private string[] names = [];

        public InMemoryObjectStore Store { get; private init; } = new();

        public List<Expectation> Expected { get; } = [];

        public static async Task<Sample> Load(string golden)
        {
            var sample = new Sample { Store = await GoldenRepository.Load(golden) };
            sample.names = [.. sample.Store.Names];
            await using var repository = await Open(sample.Store);
            await foreach (string id in repository.ListDomainsAsync(default))
            {
                await using var domain = await repository.OpenDomainAsync(id, false, default);
                await foreach (var backup in domain.ListBackupsAsync(default))
                {
                    foreach (var member in backup.Members)
                        sample.Expected.Add(new Expectation(id, backup.Id, member, await Read(domain, backup, member)));
                }
            }

            return sample;
        }

        public Task DamageAndHold(int seed)
        {
            var random = new Random(seed);
            var store = new InMemoryObjectStore();
            foreach (string each in names)
                store.Poke(each, Store.Peek(each));

            // The check is of everything; a few restores at a time make more cases possible.
            var restored = Expected.FindAll(_ => random.Next(3) == 0);
            string name = names[random.Next(names.Length)];
            byte[] content = Store.Peek(name)!;
            switch (random.Next(20))
            {
                case 0:
                    store.Poke(name, null);
                    return Hold(store, [name], restored, mustBeFound: !MayBeGone(name));
                case < 4:
                    store.Poke(name, content[..random.Next(content.Length)]);
                    return Hold(store, [name], restored, mustBeFound: true);
                case < 7:
                    string[] others = [.. names.Where(other => other != name && (random.Next(4) == 0 || Kind(other) == Kind(name)))];
                    string other = others.Length > 0 ? others[random.Next(others.Length)] : names.First(one => one != name);
                    store.Poke(name, Store.Peek(other));
                    store.Poke(other, content);
                    return Hold(store, [name, other], restored, mustBeFound: true);
                default:
                    byte[] changed = [.. content];
                    int offset = random.Next(3) switch
                    {
                        0 => random.Next(Math.Min(64, content.Length)),
                        1 => content.Length - 1 - random.Next(Math.Min(64, content.Length)),
                        _ => random.Next(content.Length),
                    };
                    changed[offset] ^= (byte)random.Next(1, 256);
                    store.Poke(name, changed);
                    return Hold(store, [name], restored, mustBeFound: true);
            }
        }

        /// <summary>Holds a store to the promise.</summary>
        /// <param name="damaged">What was done something to; what opens must be one of these when it does not.</param>
        /// <param name="restored">What is restored.</param>
        public async Task Hold(InMemoryObjectStore store, string[] damaged, IReadOnlyList<Expectation> restored, bool mustBeFound)
        {
            string context = string.Join(" and ", damaged);
            BackupRepository repository;
            try
            {
                repository = await Open(store);
            }
            catch (RepositoryException e)
            {
                Assert.True(damaged.Any(name => OpenedFirst.Any(first => name.StartsWith(first, StringComparison.Ordinal))), $"{context}: {e.Message}");
                return;
            }

            await using (repository)
            {
                var domains = new Dictionary<string, RepositoryDomain>();
                foreach (string id in Expected.Select(one => one.Domain).Distinct())
                {
                    try
                    {
                        domains[id] = await repository.OpenDomainAsync(id, false, default);
                    }
                    catch (RepositoryException e)
                    {
                        Assert.True(damaged.Contains($"domains/{id}/key"), $"{context}: {e.Message}");
                    }
                }

                var failed = new HashSet<string>();
                foreach (var (id, backup, member, content) in restored)
                {
                    if (!domains.TryGetValue(id, out var domain) || !await RestoresRight(domain, backup, member, content, context))
                        failed.Add(backup);
                }

                var report = await RepositoryCheck.RunAsync(
                    repository, [.. domains.Values], new CheckOptions { ReadData = true, Workers = 1 }, null, default);
                foreach (var domain in domains.Values)
                    await domain.DisposeAsync();
                if (mustBeFound || failed.Count > 0 && !damaged.Any(name => name.Contains("/backups/", StringComparison.Ordinal)))
                    Assert.True(report.DamageCount > 0, $"The check did not find what was done to {context}.");
                else if (damaged.Length == 0)
                    Assert.True(report.IsSound && failed.Count == 0, "The sample itself is not sound.");
                if (domains.Count < Expected.Select(one => one.Domain).Distinct().Count())
                    return;
                var named = report.Damages.SelectMany(found => found.Backups).ToHashSet();
                failed.ExceptWith(damaged.Where(name => store.Peek(name) is null).Select(name => name[(name.LastIndexOf('/') + 1)..]));
                Assert.True(failed.IsSubsetOf(named), $"{context}: backups {string.Join(' ', failed)} fail, the check names {string.Join(' ', named)}.");
            }
        }

        /// <summary>
        /// Gone without a trace: what may be deleted (backups, key slots), what ends by itself (sessions, collections), and
        /// parities, and packs that only deleted backups needed.
        /// </summary>
        private static bool MayBeGone(string name) =>
            name.Contains("/backups/", StringComparison.Ordinal) || name.Contains("/sessions/", StringComparison.Ordinal)
            || name.Contains("/collections/", StringComparison.Ordinal) || name.Contains("/packs/", StringComparison.Ordinal)
            || name.Contains("/parity/", StringComparison.Ordinal)
            || name.StartsWith("keys/", StringComparison.Ordinal);

        private static string Kind(string name) => name.Split('/') is [_, _, var kind, ..] ? kind : name.Split('/')[0];

        private static ValueTask<BackupRepository> Open(IObjectStore store) =>
            BackupRepository.OpenAsync(store, GoldenRepository.Key, TestRepository.SmallOptions, TimeProvider.System, default);

        private static async Task<object> Read(RepositoryDomain domain, BackupRecord backup, MemberRecord member)
        {
            if (member.Kind == MemberKind.Tree)
                return await TestTree.Read(domain.OpenTree(backup, member.Id), workers: 1);
            var reader = domain.OpenDisk(backup, member.Id);
            var sink = new MemorySink(reader.SizeBytes);
            await reader.RestoreAsync(sink, 1, default);
            sink.CheckCovered();
            return sink.Bytes;
        }

        private static async Task<bool> RestoresRight(RepositoryDomain domain, string backupId, MemberRecord member, object content, string context)
        {
            try
            {
                if (await domain.FindBackupAsync(backupId, default) is not { } backup)
                    return false;
                object read = await Read(domain, backup, member);
                if (content is byte[] disk)
                    Assert.True(disk.AsSpan().SequenceEqual((byte[])read), $"{context}: {member.Id} was restored wrongly");
                else
                    ((TestTree)content).AssertEquals((TestTree)read);
                return true;
            }
            catch (Exception e) when (e is RepositoryException or ObjectStoreException)
            {
                return false;
            }
        }
    }

    private sealed record Expectation(string Domain, string Backup, MemberRecord Member, object Content);
}
