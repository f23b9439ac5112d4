using Strongroom.ObjectStores;
using Strongroom.ObjectStores.Testing;
using Strongroom.Repository.Format;
using Strongroom.Repository.Maintenance;
using Strongroom.Repository.Packs;
using Strongroom.Repository.Parity;

namespace Strongroom.Repository.Tests.Parity;

/// <summary>What a parity brings back, what it does not, and that it never makes anything worse.</summary>
public sealed class PackHealingTests
{
    private const int Block = ParityFormat.BlockBytes;
    private static readonly RepositoryOptions Options = TestRepository.SmallOptions with { SegmentBytes = 3 * TestDisk.Chunk, PackBytes = 8 * TestDisk.Chunk, Parity = true };

    /// <summary>Blocks of different columns in any number, spread, in a row, or at the end that is missing.</summary>
    [Fact]
    public Task One_block_of_each_column_comes_back() => Campaign.Run("STRONGROOM_TEST_PARITIES", 150, async seed =>
    {
        var random = new Random(seed);
        var sample = await Sample.Make(random);
        int columns = sample.Columns;
        int[] lost;
        byte[] damaged = [.. sample.Pack];
        switch (random.Next(3))
        {
            case 0:
                lost = [.. Enumerable.Range(0, columns).Where(_ => random.Next(3) == 0)
                    .Select(column => column + (columns * random.Next((sample.BlockCount - column + columns - 1) / columns)))];
                break;
            case 1:
                int first = random.Next(Math.Max(1, sample.BlockCount - columns));
                lost = [.. Enumerable.Range(first, Math.Min(columns, sample.BlockCount - first))];
                break;
            default:
                int kept = Math.Max(0, sample.BlockCount - 1 - random.Next(columns));
                lost = [.. Enumerable.Range(kept, sample.BlockCount - kept)];
                damaged = damaged[..(kept * Block)];
                break;
        }

        foreach (int block in lost.Where(block => block * Block < damaged.Length))
            damaged[(block * Block) + random.Next(Math.Min(Block, damaged.Length - (block * Block)))] ^= (byte)random.Next(1, 256);
        if (random.Next(4) == 0 && damaged.Length == sample.Pack.Length)
            damaged = [.. damaged, .. Bytes.Of(seed, random.Next(1, 5000))];
        sample.Put(damaged);

        int at = random.Next(sample.Pack.Length);
        int length = random.Next(sample.Pack.Length - at);
        byte[]? read = await sample.Healer.TryReadAsync(sample.Id, at, length, default);
        bool isHealed = await sample.Healer.HealAsync(sample.Id, default);

        Assert.Equal(!damaged.AsSpan().SequenceEqual(sample.Pack), isHealed);
        Assert.True(sample.Pack.AsSpan().SequenceEqual(sample.Stored), "It is not what it was.");
        if (lost.Length > 0)
            Assert.True(sample.Pack.AsSpan(at, length).SequenceEqual(read), "It was read as something else.");
        Assert.False(await sample.Healer.HealAsync(sample.Id, default));
    });

    [Fact]
    public Task Two_blocks_of_a_column_stay_as_they_are_and_the_rest_is_read_all_the_same() => Campaign.Run("STRONGROOM_TEST_PARITIES", 50, async seed =>
    {
        var random = new Random(seed);
        var sample = await Sample.Make(random, minBlocks: 200);
        int one = random.Next(sample.BlockCount - sample.Columns);
        int other = one + sample.Columns;
        int healable = (one + 1) % sample.Columns;
        byte[] damaged = [.. sample.Pack];
        foreach (int block in sample.Columns > 1 ? [one, other, healable] : new[] { one, other })
            damaged[(block * Block) + 7] ^= 1;
        sample.Put(damaged);

        var found = await sample.Healer.ExamineAsync(sample.Id, default);

        Assert.Equal([one, other], found!.Lost.Order());
        Assert.Equal(sample.Columns > 1 ? 1 : 0, found.Patches.Count);
        Assert.False(await sample.Healer.HealAsync(sample.Id, default));
        Assert.Equal(damaged, sample.Stored);
        Assert.Null(await sample.Healer.TryReadAsync(sample.Id, one * Block, 1, default));
        if (sample.Columns > 1)
            Assert.Equal(sample.Pack[(healable * Block)..((healable * Block) + 100)], await sample.Healer.TryReadAsync(sample.Id, healable * Block, 100, default));
    });

    [Fact]
    public async Task A_parity_that_is_damaged_where_it_is_needed_brings_nothing_back_that_was_not_there()
    {
        var sample = await Sample.Make(new Random(11), minBlocks: 100);
        byte[] damaged = [.. sample.Pack];
        damaged[(2 * Block) + 100] ^= 1;
        sample.Put(damaged);
        sample.Parity[sample.Parity.Length - (sample.Columns * Block) + (2 % sample.Columns * Block) + 5] ^= 1;

        var found = await sample.Healer.ExamineAsync(sample.Id, default);

        Assert.Equal((0, 1), (found!.Patches.Count, found.Lost.Count));
        Assert.Null(await sample.Healer.TryReadAsync(sample.Id, 2 * Block, Block, default));
        Assert.False(await sample.Healer.HealAsync(sample.Id, default));
        Assert.Equal(damaged, sample.Stored);
    }

    /// <summary>The parity as the document has it, made by the slow way.</summary>
    [Fact]
    public async Task A_parity_is_what_the_document_says()
    {
        var sample = await Sample.Make(new Random(3), minBlocks: 100);
        byte[] parity = sample.Parity;
        int head = parity.Length - (sample.Columns * Block);
        byte[] expected = new byte[sample.Columns * Block];
        for (int i = 0; i < sample.Pack.Length; i++)
            expected[(i / Block % sample.Columns * Block) + (i % Block)] ^= sample.Pack[i];

        Assert.Equal(expected, parity[head..]);
        Assert.Equal(48 + (4 * (sample.BlockCount + sample.Columns)) + 32, head);
        Assert.Equal(System.Security.Cryptography.SHA256.HashData(parity.AsSpan(0, head - 32)), parity[(head - 32)..head]);
        Assert.InRange(sample.Columns, sample.BlockCount / 33, (sample.BlockCount / 15) + 1);

        // RFC 3720, appendix B.4.
        Assert.Equal(0x8A9136AAu, ParityFormat.Sum(0, new byte[32]));
        Assert.Equal(0x46DD794Eu, ParityFormat.Sum(0, [.. Enumerable.Range(0, 32).Select(i => (byte)i)]));
    }

    [Theory]
    [InlineData(0, false)]
    [InlineData(1 << 20, true)]
    public async Task Rot_in_every_pack_is_restored_over_named_by_a_check_and_mended_by_a_repair(int readAheadBytes, bool isCached)
    {
        using var cache = new TemporaryDirectory();
        var options = isCached ? Options with { CacheDirectory = cache.Path } : Options;
        var store = new InMemoryObjectStore { ReadAheadBytes = readAheadBytes };
        byte[] disk = Bytes.Of(1, 40 * TestDisk.Chunk);
        await using (var repository = await TestRepository.Create(store, Options))
            await repository.BackUp(disk, id: "hit");
        var packs = Packs(store).ToDictionary(name => name, name => store.Peek(name)!.ToArray());
        var random = new Random(5);
        foreach (var (name, content) in packs)
        {
            // Of pages, which a cache may have, in the first segment: a restore reads it.
            int at = content[10] == (byte)PackKind.Pages ? 40 : random.Next(content.Length);
            store.Peek(name)![at] ^= (byte)random.Next(1, 256);
        }


        await using var again = await TestRepository.Open(store, options);
        Assert.Equal(disk, await again.Restore((await again.Domain.FindBackupAsync("hit", default))!));
        var check = await Check(again);
        var repaired = await Repair(store);
        var after = await Check(again);

        Assert.Equal(packs.Keys.Order(StringComparer.Ordinal), check.Damages.Select(damage => damage.ObjectName).Distinct().Order(StringComparer.Ordinal));
        foreach (string name in packs.Keys)
            Assert.Contains(check.Notes, note => note.StartsWith(name + " can be made whole", StringComparison.Ordinal));
        Assert.Equal(packs.Keys.Order(StringComparer.Ordinal), repaired.HealedPacks.Order(StringComparer.Ordinal));
        Assert.Equal((0, 0, 0), (repaired.ReplacedPacks.Count, repaired.DamagedChunks, repaired.DamagedBackups.Count));
        Assert.True(after.IsSound && after.Notes.Count == 0, string.Join('\n', after.Notes));
        foreach (var (name, content) in packs)
            Assert.Equal(content, store.Peek(name));
    }

    [Fact]
    public async Task A_sector_that_cannot_be_read_is_restored_over_and_a_repair_writes_it_elsewhere()
    {
        var inner = new InMemoryObjectStore();
        await using var store = new FaultyObjectStore(inner);
        byte[] disk = Bytes.Of(1, 20 * TestDisk.Chunk);
        await using var repository = await TestRepository.Create(store, Options);
        var backup = await repository.BackUp(disk, id: "hit", workers: 1);
        string pack = Packs(inner).MaxBy(name => inner.Peek(name)!.Length)!;
        byte[] before = inner.Peek(pack)!;
        var plan = FaultPlans.Unreadable(pack, 3 * Block, Block);

        // Once written, it is on other sectors.
        store.Plan = call => ReferenceEquals(inner.Peek(pack), before) ? plan(call) : null;
        Assert.Equal(disk, await repository.Restore(backup));
        var repaired = await Repair(store);

        Assert.Equal([pack], repaired.HealedPacks);
        Assert.Equal((0, 0L), (repaired.UnreadablePacks.Count, repaired.UnreadableChunks));
        Assert.True(repaired.Remaining.IsSound);
        Assert.Equal(before, inner.Peek(pack));
        Assert.Empty(repository.Domain.Store.ListAsync(repository.Domain.Names.Collections, default).ToBlockingEnumerable());
    }

    [Fact]
    public async Task What_parity_cannot_mend_is_replaced_as_without_it()
    {
        var store = new InMemoryObjectStore();
        await using (var repository = await TestRepository.Create(store, Options))
        {
            await repository.BackUp(Bytes.Of(1, 20 * TestDisk.Chunk), id: "hit", workers: 1);
            await repository.BackUp(Bytes.Of(2, 20 * TestDisk.Chunk), resource: "other", id: "sound");
        }

        string pack = Packs(store).MaxBy(name => store.Peek(name)!.Length)!;
        for (int at = 100; at < store.Peek(pack)!.Length / 2; at += Block)
            store.Peek(pack)![at] ^= 1;

        await using var again = await TestRepository.Open(store, Options);
        var check = await Check(again);
        var repaired = await Repair(store);

        Assert.Contains(check.Notes, note => note.StartsWith(pack + " has more damage", StringComparison.Ordinal));
        Assert.Empty(repaired.HealedPacks);
        Assert.Equal([pack], repaired.ReplacedPacks);
        Assert.Single(repaired.DamagedBackups);
        Assert.DoesNotContain(store.Names, name => name == pack || name == ParityOf(pack));
        Assert.Equal(Packs(store).Select(ParityOf), Parities(store));
    }

    [Fact]
    public async Task A_parity_that_is_gone_or_damaged_is_found_and_written_anew()
    {
        var store = new InMemoryObjectStore();
        await using var repository = await TestRepository.Create(store, Options);
        await repository.BackUp(Bytes.Of(1, 40 * TestDisk.Chunk), id: "hit");
        string[] parities = [.. Parities(store)];
        Assert.Equal(Packs(store).Select(ParityOf), parities);
        Assert.True(parities.Length > 3);
        store.Poke(parities[0], null);
        store.Peek(parities[1])![20] ^= 1;
        store.Peek(parities[2])![^20] ^= 1;
        store.Peek(parities[3])![9] ^= 1;

        var structure = await RepositoryCheck.RunAsync(repository.Repository, [repository.Domain], new CheckOptions(), null, default);
        var data = await Check(repository);
        var repaired = await Repair(store);

        Assert.Equal([parities[1], parities[3]], structure.Damages.Select(damage => damage.ObjectName).Order(StringComparer.Ordinal));
        Assert.Equal(parities[1..4], data.Damages.Select(damage => damage.ObjectName).Order(StringComparer.Ordinal));
        Assert.Contains("has no parity", Assert.Single(data.Notes), StringComparison.Ordinal);
        Assert.Equal(parities[..4], repaired.RewrittenParities.Order(StringComparer.Ordinal));
        Assert.True((await Check(repository)).IsSound);
        foreach (string name in parities)
            store.Peek(PackOf(name))![100] ^= 1;
        Assert.Equal(parities.Select(PackOf), (await Repair(store)).HealedPacks.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_parity_without_its_pack_is_told_counted_and_collected()
    {
        var store = new InMemoryObjectStore();
        await using var repository = await TestRepository.Create(store, Options);
        await repository.BackUp(Bytes.Of(1, 20 * TestDisk.Chunk), id: "kept");
        string left = ParityOf(repository.Domain.Names.Pack(new ObjectId(5)));
        store.Poke(left, new byte[777]);

        var check = await Check(repository);
        var before = await RepositoryStatistics.CollectAsync(repository.Repository, [repository.Domain], default);
        var collected = await GarbageCollection.RunAsync(repository.Domain, new CollectionOptions(), null, default);

        Assert.Contains(left, Assert.Single(check.Notes), StringComparison.Ordinal);
        Assert.Equal((777, 777, 0), (before.ReclaimableBytes, collected.ReclaimableBytesBefore, collected.ReclaimableBytesAfter));
        Assert.Equal(777, collected.FreedBytes);
        Assert.DoesNotContain(left, store.Names);
    }

    [Fact]
    public async Task Without_the_setting_there_is_none()
    {
        var store = new InMemoryObjectStore();
        await using (var repository = await TestRepository.Create(store, Options with { Parity = false }))
            await repository.BackUp(Bytes.Of(1, 20 * TestDisk.Chunk));

        // What counts is what it was made with.
        await using var again = await TestRepository.Open(store, Options);
        await again.BackUp(Bytes.Of(2, 20 * TestDisk.Chunk), id: "another");

        Assert.Empty(Parities(store));
    }

    [Fact]
    public async Task What_a_backup_stored_counts_its_parity_which_is_a_few_per_cent()
    {
        var store = new InMemoryObjectStore();
        await using var repository = await TestRepository.Create(store, TestRepository.SmallOptions with { Parity = true });
        var backup = await repository.BackUp(Bytes.Of(1, 200 * TestDisk.Chunk), workers: 1);

        long parity = Parities(store).Sum(name => store.Peek(name)!.Length);
        long packs = Packs(store).Sum(name => store.Peek(name)!.Length);
        Assert.Equal(packs + parity, backup.Members[0].StoredBytes);
        Assert.InRange(parity, packs * 0.025, packs * 0.065);
    }

    private static IEnumerable<string> Packs(InMemoryObjectStore store) => store.Names.Where(name => name.Contains("/packs/", StringComparison.Ordinal));

    private static IEnumerable<string> Parities(InMemoryObjectStore store) => store.Names.Where(name => name.Contains("/parity/", StringComparison.Ordinal));

    private static string PackOf(string parity) => parity.Replace("/parity/", "/packs/", StringComparison.Ordinal);

    private static string ParityOf(string pack) => pack.Replace("/packs/", "/parity/", StringComparison.Ordinal);

    private static async Task<CheckReport> Check(TestRepository repository) =>
        await RepositoryCheck.RunAsync(repository.Repository, [repository.Domain], new CheckOptions { ReadData = true }, null, default);

    private static async Task<RepairReport> Repair(IObjectStore store)
    {
        await using var repository = await TestRepository.Open(store, Options);
        return await RepositoryRepair.RunAsync(repository.Repository, repository.Domain, new CollectionOptions(), null, default);
    }

    /// <summary>A pack of random bytes, with the parity that the domain's store made of it as it was put in pieces.</summary>
    private sealed class Sample
    {
        private static readonly DomainNames Names = new("project");
        private readonly InMemoryObjectStore store = new();

        public ObjectId Id { get; } = ObjectId.NewRandom();

        public byte[] Pack { get; private init; } = [];

        public PackHealer Healer => new(store, Names);

        public byte[] Parity => store.Peek(Names.Parity(Id))!;

        public byte[] Stored => store.Peek(Names.Pack(Id))!;

        public int BlockCount => ParityFormat.BlockCount(Pack.Length);

        public int Columns => BitConverter.ToInt32(Parity, 40);

        public static async Task<Sample> Make(Random random, int minBlocks = 1)
        {
            byte[] pack = new byte[(random.Next(minBlocks - 1, 600) * Block) + random.Next(1, Block + 1)];
            random.NextBytes(pack);
            var sample = new Sample { Pack = pack };
            long hint = random.Next(2) == 0 ? pack.Length : random.Next(minBlocks * Block, 4 << 20);
            await using var upload = await new ParityStore(sample.store, Names).PutAsync(Names.Pack(sample.Id), PutMode.CreateOnly, hint, default);
            for (int at = 0; at < pack.Length;)
            {
                int length = Math.Min(pack.Length - at, random.Next(1, random.Next(2) == 0 ? 300 : 300_000));
                await upload.AppendAsync(pack.AsMemory(at, length), default);
                at += length;
            }

            await upload.CommitAsync(default);
            return sample;
        }

        public void Put(byte[] content) => store.Poke(Names.Pack(Id), content);
    }
}
