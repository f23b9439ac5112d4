using System.Security.Cryptography;
using System.Text;
using Strongroom.ObjectStores;
using Strongroom.ObjectStores.Local;
using Strongroom.ObjectStores.Testing;
using Strongroom.ObjectStores.Tests.Local;
using Strongroom.Repository.Indexes;

namespace Strongroom.Repository.Tests;

/// <summary>
/// Loses power after every single change of the disk that an operation makes, in every state that may leave: unsynced writes
/// dropped, torn or out of order, unsynced names there or not in any combination. After each, the repository opens, what was
/// committed restores bit-exact, the check is clean, the operation can be repeated, and the next backup succeeds.
/// </summary>
[Trait("Category", "Slow")]
public sealed class CrashTests : IDisposable
{
    private static readonly RepositoryOptions Options = TestRepository.SmallOptions with { SegmentBytes = 100 << 10, PackBytes = 100 << 10 };
    private static readonly RepositoryKey OtherKey = RepositoryKey.FromKeyFile(Bytes.Of(4712, 32));
    private readonly TemporaryDirectory directory = new(inMemory: true);

    public static TheoryData<string> Operations => [.. All.Keys];

    private static Dictionary<string, Operation> All { get; } = new()
    {
        ["a creation"] = new(world => world.CreateRepository(), startsEmpty: true),
        ["a further key"] = new(
            async world =>
            {
                await using var repository = await world.Open();
                await repository.Repository.AddKeyAsync(OtherKey, default);
            },
            isDone: async store =>
            {
                await using var repository = await BackupRepository.OpenAsync(store, OtherKey, Options, TimeProvider.System, default);
                return true;
            }),
        ["a rotation of the key"] = new(
            async world =>
            {
                await using var repository = await world.Open();
                await repository.Repository.RotateKeyAsync(OtherKey, default);
            },
            isDone: async store => await Opens(store, OtherKey) && !await Opens(store, TestRepository.Key)),
        ["a removal of a key"] = new(
            async world =>
            {
                await using var repository = await world.Open();
                foreach (var slot in await repository.Repository.ListKeysAsync(default).Where(slot => !slot.IsOpen).ToListAsync())
                    await repository.Repository.RemoveKeyAsync(slot.Id, default);
            },
            prepare: async world =>
            {
                await using var repository = await world.Open();
                await repository.Repository.AddKeyAsync(OtherKey, default);
            },
            isDone: async store => await Opens(store, TestRepository.Key) && !await Opens(store, OtherKey)),
        ["a repair"] = new(
            world => world.Repair(),
            prepare: world => world.DamageDirectories(),
            startsDamaged: true),
        ["a repair with parity"] = new(
            world => world.Repair(),
            prepare: world => world.DamageDirectories(),
            startsDamaged: true,
            parity: true),
        ["a backup with parity"] = new(world => world.BackUp("new-1"), appearing: ["new-1"], parity: true),
        ["a collection with parity"] = new(
            world => world.Collect(),
            deletedBefore: ["old-0", "old-3", "old-4"],
            parity: true),
        ["a backup that merges runs"] = new(world => world.BackUp("new-1"), appearing: ["new-1"]),
        ["two backups side by side"] = new(world => Task.WhenAll(world.BackUp("new-1"), world.BackUp("new-2")), appearing: ["new-1", "new-2"]),
        ["a backup given up"] = new(world => world.BackUp("given-up", commits: false)),
        ["a deletion"] = new(
            async world =>
            {
                await using var repository = await world.Open();
                await repository.Domain.DeleteBackupAsync("old-2", default);
            },
            vanishing: "old-2"),
        ["a merge of index runs"] = new(async world =>
        {
            await using var repository = await world.Open();
            var domain = repository.Domain;
            Assert.True(await RunMerger.TryMergeAsync(domain.Store, domain.Names, domain.Keys, await domain.Catalog.ListAsync(null, default), default));
        }),
        ["a collection"] = new(
            world => world.Collect(),
            deletedBefore: ["old-0", "old-3", "old-4"]),
        ["a collection and a backup side by side"] = new(
            async world =>
            {
                await using var repository = await world.Open();
                await Task.WhenAll(World.Collect(repository), world.BackUp("new-1"));
            },
            appearing: ["new-1"],
            deletedBefore: ["old-0", "old-3", "old-4"]),
        ["a rebuild of the index"] = new(async world =>
        {
            await using var repository = await world.Open();
            await IndexRebuild.RunAsync(repository.Domain, null, default);
        }),
    };

    private static async Task<bool> Opens(IObjectStore store, RepositoryKey key)
    {
        try
        {
            await using var repository = await BackupRepository.OpenAsync(store, key, Options, TimeProvider.System, default);
            return true;
        }
        catch (RepositoryException e) when (e.Failure == RepositoryFailure.WrongKey)
        {
            return false;
        }
    }

    [Theory]
    [MemberData(nameof(Operations))]
    public async Task Power_lost_at_any_step_of(string operation)
    {
        var recorded = await Recording.Make(Path.Combine(directory.Path, "store"), All[operation]);

        string? violation = await recorded.FirstViolation(_ => true);

        Assert.True(violation is null, violation);
        Assert.True(recorded.Points > recorded.StepCount, "Too few states were tried.");
        Campaign.Say($"{operation}: {recorded.StepCount} steps, {recorded.Points} points, {recorded.Distinct} different stores");
    }

    /// <summary>The enumeration has teeth: on a store that never syncs what it writes, it finds a state that breaks a promise.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_store_that_does_not_sync_is_found(bool skipsFiles)
    {
        var recorded = await Recording.Make(Path.Combine(directory.Path, "store"), All["a backup that merges runs"]);

        Assert.NotNull(await recorded.FirstViolation(step => skipsFiles ? step is not DiskStep.Sync : step is not DiskStep.SyncDirectory));
    }

    public void Dispose() => directory.Dispose();

    /// <summary>What is done, and what may be different when it was interrupted.</summary>
    private sealed class Operation(
        Func<World, Task> run, string[]? appearing = null, string? vanishing = null, string[]? deletedBefore = null,
        Func<IObjectStore, Task<bool>>? isDone = null, bool startsEmpty = false, Func<World, Task>? prepare = null, bool startsDamaged = false, bool parity = false)
    {
        /// <summary>Not sound until it is done, though every backup can be read.</summary>
        public bool StartsDamaged => startsDamaged;

        public bool StartsEmpty => startsEmpty;

        public bool HasParity => parity;

        public IReadOnlyList<string> Appearing => appearing ?? [];

        public string? Vanishing => vanishing;

        /// <summary>Of the old ones, so that there is something to collect.</summary>
        public IReadOnlyList<string> DeletedBefore => deletedBefore ?? [];

        public Task Prepare(World world) => prepare?.Invoke(world) ?? Task.CompletedTask;

        public Task Run(World world) => run(world);

        public Task<bool> IsDone(IObjectStore store) => isDone?.Invoke(store) ?? Task.FromResult(true);
    }

    /// <summary>A store, and what its backups hold.</summary>
    private sealed class World(IObjectStore store)
    {
        public IObjectStore Store => store;

        public static byte[] DiskOf(string id) =>
            TestDisk.Edit(TestDisk.Make(1, 6 * TestDisk.Chunk), id.Sum(c => c), 2);

        public static TestTree TreeOf(string id) => TestTree.Make(id.Sum(c => c), 4, 8000);

        /// <summary>With the key it was made with, or the one that came in its place.</summary>
        public async Task<TestRepository> Open() =>
            await TestRepository.Open(store, Options, await Opens(store, TestRepository.Key) ? TestRepository.Key : OtherKey);

        /// <summary>The directories of two packs rot; what is in the packs can be read all the same.</summary>
        public async Task DamageDirectories()
        {
            var packs = await store.ListAsync($"domains/{TestRepository.DomainId}/packs/", default).Take(2).ToListAsync();
            foreach (var pack in packs)
            {
                byte[] content = (await store.GetAllAsync(pack.Name, int.MaxValue, default))!;
                content[^40] ^= 1;
                await store.PutAsync(pack.Name, content, PutMode.Replace, default);
            }
        }

        public async Task CreateRepository(bool parity = false)
        {
            await using var repository = await TestRepository.Create(store, Options with { Parity = parity });
        }

        public async Task Repair()
        {
            await using var repository = await Open();
            await RepositoryRepair.RunAsync(
                repository.Repository, repository.Domain,
                new CollectionOptions { PollInterval = TimeSpan.FromMilliseconds(1), SessionTimeout = TimeSpan.FromMilliseconds(1) }, null, default);
        }

        public async Task Collect()
        {
            await using var repository = await Open();
            await Collect(repository);
        }

        /// <param name="afterCrash">Nobody else is at work, so sessions that are there are dead.</param>
        public static async Task Collect(TestRepository repository, bool afterCrash = false)
        {
            var options = new CollectionOptions { PollInterval = TimeSpan.FromMilliseconds(1) };
            await GarbageCollection.RunAsync(
                repository.Domain, afterCrash ? options with { SessionTimeout = TimeSpan.FromMilliseconds(1) } : options, null, default);
        }

        /// <summary>A disk and a tree in one backup, by two workers.</summary>
        public async Task BackUp(string id, bool commits = true)
        {
            await using var repository = await Open();
            await using var session = await repository.Domain.BeginBackupAsync(await repository.Describe(id), default);
            byte[] content = DiskOf(id);
            var disk = session.OpenDisk(new MemberDescription(id, "disk-1", "disk", "/d"), content.Length, session.Previous?.Members[0]);
            await TestRepository.Write(disk, content, workers: 2);
            await disk.FinishAsync(default);
            var files = session.OpenTree(new MemberDescription(id + "-tree", "tree-1", "tree", "/t"), session.Previous?.Members[1]);
            files.Finish(await TreeOf(id).Write(files, trustParent: false));
            if (commits)
                await session.CommitAsync(null, default);
        }

        public static async Task AssertRestores(TestRepository repository, string id)
        {
            var backup = await repository.Domain.FindBackupAsync(id, default);
            Assert.True(backup is not null, $"{id} is gone");
            byte[] disk = await repository.Restore(backup!, workers: 1);
            Assert.True(DiskOf(id).AsSpan().SequenceEqual(disk), $"{id} has other bytes");
            TreeOf(id).AssertEquals(await TestTree.Read(repository.Domain.OpenTree(backup!, id + "-tree"), workers: 1));
        }
    }

    /// <summary>The steps of one operation on a repository with seven backups, or on none.</summary>
    private sealed class Recording
    {
        private readonly string root;
        private readonly Operation operation;
        private readonly IReadOnlyList<DiskStep> before;
        private readonly IReadOnlyList<DiskStep> steps;
        private readonly Dictionary<byte[], string> hashes = new(ReferenceEqualityComparer.Instance);

        private Recording(string root, Operation operation, IReadOnlyList<DiskStep> before, IReadOnlyList<DiskStep> steps)
        {
            this.root = root;
            this.operation = operation;
            this.before = before;
            this.steps = steps;
        }

        public int StepCount => steps.Count;

        /// <summary>States of the disk that were tried.</summary>
        public long Points { get; private set; }

        /// <summary>States that a reader can tell apart.</summary>
        public int Distinct { get; private set; }

        private string[] Old => operation.StartsEmpty ? [] : [.. Enumerable.Range(0, 7).Select(i => $"old-{i}").Except(operation.DeletedBefore)];

        public static async Task<Recording> Make(string root, Operation operation)
        {
            var calls = new RecordingFileCalls();
            await using var store = new LocalObjectStore(root, calls);
            var world = new World(store);
            if (!operation.StartsEmpty)
                await world.CreateRepository(operation.HasParity);
            var recording = new Recording(root, operation, [], []);
            foreach (string id in recording.Old.Union(operation.DeletedBefore).Order())
                await world.BackUp(id);
            foreach (string id in operation.DeletedBefore)
            {
                await using var repository = await world.Open();
                await repository.Domain.DeleteBackupAsync(id, default);
            }

            await operation.Prepare(world);
            int count = calls.Steps.Count;
            await operation.Run(world);
            return new Recording(root, operation, calls.Steps[..count], calls.Steps[count..]);
        }

        /// <summary>The first state that breaks a promise, and how; null when there is none.</summary>
        /// <param name="happens">Whether a step has any effect.</param>
        public async Task<string?> FirstViolation(Predicate<DiskStep> happens)
        {
            var model = new DiskModel(forgetsLitter: true);
            foreach (var step in before)
                model.Apply(step);
            model.SettleAll();

            var verified = new HashSet<string>();
            for (int i = 0; ; i++)
            {
                bool isDone = i == steps.Count;
                foreach (var image in model.Images())
                {
                    Points++;
                    var store = Visible(image, out string identity);
                    if (!verified.Add(identity + isDone))
                        continue;
                    Distinct++;
                    try
                    {
                        await Hold(store, isDone);
                    }
                    catch (Exception e) when (e is not OperationCanceledException)
                    {
                        return $"after step {i} of {steps.Count} ({(i == 0 ? "none" : steps[i - 1])}): {e.Message}";
                    }
                }

                if (isDone)
                    return null;
                if (happens(steps[i]))
                    model.Apply(steps[i]);
            }
        }

        /// <summary>What a process that opens the store's directory finds there.</summary>
        private InMemoryObjectStore Visible(SortedDictionary<string, byte[]?> image, out string identity)
        {
            var store = new InMemoryObjectStore();
            var text = new StringBuilder();
            foreach (var (path, content) in image)
            {
                string name = Path.GetRelativePath(root, path);
                if (content is null || name.StartsWith('.'))
                    continue;
                store.Poke(name, content);
                if (!hashes.TryGetValue(content, out string? hash))
                    hashes[content] = hash = Convert.ToHexStringLower(SHA256.HashData(content));
                text.Append(name).Append(' ').Append(hash).Append('\n');
            }

            identity = text.ToString();
            return store;
        }

        private async Task Hold(InMemoryObjectStore store, bool isDone)
        {
            var world = new World(store);
            if (operation.StartsEmpty && !await BackupRepository.ExistsAsync(store, default))
            {
                Assert.False(isDone, "the repository is not there");
                await world.CreateRepository(operation.HasParity);
            }

            var there = new List<string>();
            await using (var repository = await world.Open())
            {
                foreach (string id in Old)
                {
                    if (id != operation.Vanishing || await repository.Domain.FindBackupAsync(id, default) is not null)
                        there.Add(id);
                }

                foreach (string id in operation.Appearing)
                {
                    if (await repository.Domain.FindBackupAsync(id, default) is not null)
                        there.Add(id);
                }

                Assert.True(!isDone || operation.Appearing.All(there.Contains), "a backup that was reported is not there");
                Assert.True(!isDone || operation.Vanishing is not { } gone || !there.Contains(gone), "a backup that was reported deleted is there");
                Assert.True(!isDone || await operation.IsDone(store));
                foreach (string id in there)
                    await World.AssertRestores(repository, id);
                if (isDone || !operation.StartsDamaged)
                    await AssertSound(repository);
            }

            // Whoever comes next carries on as if nothing had been.
            if (operation.Appearing.Count == 0 && !operation.StartsEmpty && operation.DeletedBefore.Count == 0)
                await operation.Run(world);
            foreach (string id in operation.Appearing.Except(there))
                await world.BackUp(id);
            await world.BackUp("next");
            await using (var repository = await world.Open())
            {
                await World.Collect(repository, afterCrash: true);
                foreach (string id in there.Where(id => id != operation.Vanishing).Union([.. operation.Appearing, "next"]))
                    await World.AssertRestores(repository, id);
                await AssertSound(repository);
                Assert.DoesNotContain(store.Names, name => name.Contains("/sessions/", StringComparison.Ordinal));

                // Void ones, a header each, stay.
                Assert.All(store.Names.Where(name => name.Contains("/collections/", StringComparison.Ordinal)), name => Assert.Equal(32, store.Peek(name)!.Length));
                var statistics = await RepositoryStatistics.CollectAsync(repository.Repository, [repository.Domain], default);
                Assert.Equal(
                    store.Names.Sum(name => (long)store.Peek(name)!.Length),
                    statistics.Backups.Sum(backup => backup.OwnBytes) + statistics.SharedBytes + statistics.ReclaimableBytes);
            }
        }

        private static async Task AssertSound(TestRepository repository)
        {
            var report = await RepositoryCheck.RunAsync(
                repository.Repository, [repository.Domain], new CheckOptions { ReadData = true, Workers = 1 }, null, default);
            Assert.True(report.IsSound, string.Join('\n', report.Damages));
        }
    }
}
