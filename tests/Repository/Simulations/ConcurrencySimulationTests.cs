using Strongroom.ObjectStores;
using Strongroom.ObjectStores.Testing;

namespace Strongroom.Repository.Tests.Simulations;

/// <summary>
/// Backups, deletions, collections, checks and restores at the same time, each a process of its own on one store, in an order
/// drawn from a seed; calls fail, are repeated, answered short or wrong, listings are stale, the disk is full, processes die.
/// A small model knows what must be there. STRONGROOM_TEST_SIMULATIONS sets how many seeds are tried.
/// </summary>
public sealed class ConcurrencySimulationTests
{
    private const string Variable = "STRONGROOM_TEST_SIMULATIONS";
    private static readonly SortedDictionary<string, int> Outcomes = new(StringComparer.Ordinal);

    [Fact]
    [Trait("Category", "Slow")]
    public async Task Everything_at_once_on_a_failing_store_keeps_what_was_promised()
    {
        await Campaign.Run(Variable, 150, seed => new Simulation(seed, new InMemoryObjectStore { CommitsAtOnce = 1 + (seed % 4), ReadAheadBytes = seed % 3 * 200_000 }).Run());
        Campaign.Say(string.Join(", ", Outcomes.Select(outcome => $"{outcome.Key} {outcome.Value}")));
    }

    [Fact]
    [Trait("Category", "Slow")]
    public async Task Everything_at_once_on_a_real_bucket_keeps_what_was_promised()
    {
        await using var first = await ObjectStoreCatalog.OpenAsync(await S3TestServer.OptionsAsync(), TimeProvider.System, default);
        await Campaign.Run(Variable, 6, async seed =>
        {
            await using var store = await ObjectStoreCatalog.OpenAsync(await S3TestServer.OptionsAsync(), TimeProvider.System, default);
            await new Simulation(seed, store).Run();
        });
    }

    private sealed class Simulation(int seed, IObjectStore store)
    {
        private readonly Random random = new(seed);
        private readonly Lock gate = new();
        private readonly RepositoryOptions options = TestRepository.SmallOptions with
        {
            SegmentBytes = 80 << 10, PackBytes = 100 << 10, SessionIndexEntries = 64, Parity = seed % 3 == 0,
        };

        /// <summary>Reported as committed, and not reported as deleted.</summary>
        private readonly HashSet<string> there = [];

        /// <summary>Committed or deleted by someone who failed: there as a whole, or not at all.</summary>
        private readonly HashSet<string> unknown = [];
        private int made;

        public async Task Run()
        {
            await using (await TestRepository.Create(store, options))
            {
            }

            int rounds = random.Next(2, 5);
            for (int round = 0; round < rounds; round++)
            {
                var turns = new TurnTaker(new Random(random.Next()));
                var actors = Enumerable.Range(0, random.Next(2, 6)).Select(_ => Draw()).ToList();
                int collections = actors.Count(actor => actor.Kind == ActorKind.Collection);
                var deleted = actors.Where(actor => actor.Kind == ActorKind.Deletion).Select(actor => actor.Backup).ToHashSet();
                await turns.Run([.. actors.Select(actor => (Func<int, Task>)(number => Act(actor, number, turns, collections, deleted)))]);
                await Settle();
            }

            await Settle(carriesOn: true);
        }

        private Actor Draw()
        {
            string[] known = [.. there.Order()];
            string some = known.Length > 0 ? known[random.Next(known.Length)] : "";
            var (kind, backup) = random.Next(10) switch
            {
                < 4 => (ActorKind.Backup, unknown.Count > 0 && random.Next(4) == 0 ? unknown.Order().First() : $"b-{made++}"),
                4 when some.Length > 0 => (ActorKind.Deletion, some),
                5 or 6 when some.Length > 0 => (ActorKind.Restore, some),
                7 => (ActorKind.Check, ""),
                _ => (ActorKind.Collection, ""),
            };
            return new Actor(
                kind, backup,
                FaultShare: random.Next(2) == 0 ? 0 : random.NextDouble() * 0.06,
                DiesAt: random.Next(6) == 0 ? random.Next(1, 120) : 0,
                Retries: random.Next(2) == 0,
                Patience: random.Next(3, 200),
                Seed: random.Next());
        }

        private async Task Act(Actor actor, int number, TurnTaker turns, int collections, HashSet<string> deleted)
        {
            var faulty = new FaultyObjectStore(new TurnStore(store, turns, number), Plan(actor));
            IObjectStore used = actor.Retries ? new RetryingObjectStore(faulty, new RetryOptions(), new SkippingTime(), () => 0.5) : faulty;
            bool isClean = actor is { FaultShare: 0, DiesAt: 0 };
            string context = $"seed {seed}, actor {number}: {actor}";
            try
            {
                await using var repository = await BackupRepository.OpenAsync(used, TestRepository.Key, options, new SkippingTime(), default);
                await using var domain = await repository.OpenDomainAsync(TestRepository.DomainId, false, default);
                switch (actor.Kind)
                {
                    case ActorKind.Backup:
                        await BackUp(domain, actor.Backup);
                        break;
                    case ActorKind.Deletion:
                        Move(actor.Backup, isThere: false);
                        await domain.DeleteBackupAsync(actor.Backup, default);
                        lock (gate)
                            unknown.Remove(actor.Backup);
                        break;
                    case ActorKind.Restore:
                        bool found = await Restores(domain, actor.Backup, context);
                        Assert.True(found || deleted.Contains(actor.Backup) || !isClean, $"{context}: it was not found");
                        break;
                    case ActorKind.Check:
                        var report = await RepositoryCheck.RunAsync(repository, [domain], new CheckOptions { ReadData = true, Workers = 1 }, null, default);
                        Assert.True(report.IsSound || !isClean, $"{context}: {string.Join('\n', report.Damages)}");
                        break;
                    default:
                        var collection = new CollectionOptions { PollInterval = TimeSpan.FromSeconds(1), SessionTimeout = TimeSpan.FromSeconds(actor.Patience) };
                        await GarbageCollection.RunAsync(domain, collection, null, default);
                        break;
                }

                Count(actor.Kind, "done");
            }
            catch (Exception e) when (e is RepositoryException or ObjectStoreException or StoreStoppedException or InvalidOperationException { InnerException: null })
            {
                Count(actor.Kind, e is StoreStoppedException ? "died" : e is RepositoryException refused ? refused.Failure.ToString() : "failed");

                // Whoever met no fault himself may fail only by what others did.
                bool isExpected = !isClean || e is RepositoryException
                {
                    Failure: RepositoryFailure.Locked or RepositoryFailure.Conflict,
                } || (actor.Kind == ActorKind.Restore && deleted.Contains(actor.Backup))

                // Another collection took this one for dead, and the packs it was about to read are gone.
                || (actor.Kind == ActorKind.Collection && collections > 1 && e is ObjectStoreException { Failure: ObjectStoreFailure.NotFound });
                Assert.True(isExpected, $"{context}, without a fault of its own: {e}");
            }
            finally
            {
                await faulty.DisposeAsync();
            }
        }

        /// <summary>Fault-free: what must be there is, whole; what may be there is whole or not there; the check is clean.</summary>
        private async Task Settle(bool carriesOn = false)
        {
            string context = $"seed {seed}, afterwards";
            await using var repository = await TestRepository.Open(store, options);
            if (carriesOn)
            {
                await BackUp(repository.Domain, "last");
                await GarbageCollection.RunAsync(
                    repository.Domain, new CollectionOptions { PollInterval = TimeSpan.FromMilliseconds(1), SessionTimeout = TimeSpan.FromMilliseconds(1) }, null, default);
            }

            foreach (string id in there)
                Assert.True(await Restores(repository.Domain, id, context), $"{context}: {id} is gone");
            foreach (string id in unknown.ToList())
            {
                if (await Restores(repository.Domain, id, context))
                    Move(id, isThere: true);
            }

            var listed = await repository.Domain.ListBackupsAsync(default).Select(backup => backup.Id).ToListAsync();
            Assert.Equal(there.Order(StringComparer.Ordinal), listed.Order(StringComparer.Ordinal));
            var report = await RepositoryCheck.RunAsync(
                repository.Repository, [repository.Domain], new CheckOptions { ReadData = true, Workers = 1 }, null, default);
            Assert.True(report.IsSound, $"{context}: {string.Join('\n', report.Damages)}");
            if (!carriesOn)
                return;
            var statistics = await RepositoryStatistics.CollectAsync(repository.Repository, [repository.Domain], default);
            Assert.Equal(
                await store.ListAsync("", default).Select(stat => stat.SizeBytes).SumAsync(default),
                statistics.Backups.Sum(backup => backup.OwnBytes) + statistics.SharedBytes + statistics.ReclaimableBytes);
        }

        private async Task BackUp(RepositoryDomain domain, string id)
        {
            string resource = $"disk-{Number(id) % 2}";
            lock (gate)
                unknown.Add(id);
            await using var session = await domain.BeginBackupAsync(
                new BackupDescription
                {
                    BackupId = id, ResourceId = resource, ResourceName = resource, ResourceType = "OS::Cinder::Volume",
                    CreatedAt = DateTimeOffset.UnixEpoch, Attributes = new Dictionary<string, string>(), Previous = await domain.FindNewestAsync(resource, default),
                },
                default);
            byte[] content = DiskOf(id);
            var disk = session.OpenDisk(new MemberDescription(id, resource, "disk", "/d"), content.Length, session.Previous?.Members[0]);
            await TestRepository.Write(disk, content, workers: 1);
            await disk.FinishAsync(default);
            var tree = session.OpenTree(new MemberDescription(id + "-tree", "tree", "tree", "/t"), session.Previous?.Members[1]);
            tree.Finish(await TreeOf(id).Write(tree, trustParent: false));
            await session.CommitAsync(null, default);
            Move(id, isThere: true);
        }

        /// <summary>True when the backup is there and every byte of it is right; wrong bytes are a failure of the test.</summary>
        private static async Task<bool> Restores(RepositoryDomain domain, string id, string context)
        {
            if (await domain.FindBackupAsync(id, default) is not { } backup)
                return false;
            var reader = domain.OpenDisk(backup, id);
            var sink = new MemorySink(reader.SizeBytes);
            await reader.RestoreAsync(sink, 1, default);
            Assert.True(DiskOf(id).AsSpan().SequenceEqual(sink.Bytes), $"{context}: {id} has other bytes");
            TreeOf(id).AssertEquals(await TestTree.Read(domain.OpenTree(backup, id + "-tree"), workers: 1));
            return true;
        }

        private static void Count(ActorKind kind, string outcome)
        {
            lock (Outcomes)
                Outcomes[$"{kind} {outcome}"] = Outcomes.GetValueOrDefault($"{kind} {outcome}") + 1;
        }

        private void Move(string id, bool isThere)
        {
            lock (gate)
            {
                (isThere ? unknown : there).Remove(id);
                (isThere ? there : unknown).Add(id);
            }
        }

        private static FaultPlan Plan(Actor actor)
        {
            var draws = new Random(actor.Seed);
            var turn = new Lock();
            return call =>
            {
                lock (turn)
                {
                    if (actor.DiesAt > 0 && call.Number >= actor.DiesAt)
                        return call.Number == actor.DiesAt && draws.Next(2) == 0 ? new Fault.StopAfter() : new Fault.Stop();
                    if (draws.NextDouble() >= actor.FaultShare)
                        return null;
                    return draws.Next(8) switch
                    {
                        0 => new Fault.FailBefore(),
                        1 => new Fault.FailAfter(),
                        2 => new Fault.Repeat(),
                        3 when call.Call is StoreCall.Append or StoreCall.Commit => new Fault.FailBefore(ObjectStoreFailure.Full),
                        4 when call.Call == StoreCall.Get => new Fault.Tear(draws.Next(200)),
                        5 when call.Call == StoreCall.Get => new Fault.Flip(draws.NextInt64(1 << 30)),

                        // A collection is owed true listings by the store's contract: without them it could not be safe.
                        6 when call.Call == StoreCall.List && actor.Kind != ActorKind.Collection => Stale(draws.Next()),
                        _ => new Fault.FailBefore(),
                    };
                }
            };
        }

        /// <summary>Some packs and index runs are not shown.</summary>
        private static Fault.Hide Stale(int seed) => new(name =>
            (name.Contains("/packs/", StringComparison.Ordinal) || name.Contains("/indexes/", StringComparison.Ordinal)) && (Number(name) ^ seed) % 3 == 0);

        private static byte[] DiskOf(string id) => TestDisk.Edit(TestDisk.Make(Number(id) % 2, 5 * TestDisk.Chunk), Number(id), 2);

        private static TestTree TreeOf(string id) => TestTree.Make(Number(id), 3, 6000);

        private static int Number(string text) => text.Aggregate(7, (hash, c) => ((hash * 31) + c) % 100_003);
    }

    private enum ActorKind
    {
        Backup,
        Deletion,
        Restore,
        Check,
        Collection,
    }

    /// <param name="FaultShare">How many of its calls go wrong.</param>
    /// <param name="DiesAt">The number of its last call; 0: it lives.</param>
    /// <param name="Patience">Polls a collection makes before it takes a session for dead.</param>
    private sealed record Actor(ActorKind Kind, string Backup, double FaultShare, int DiesAt, bool Retries, int Patience, int Seed);
}
