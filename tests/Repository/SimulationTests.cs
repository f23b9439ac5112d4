using Strongroom.ObjectStores.Testing;

namespace Strongroom.Repository.Tests;

/// <summary>Random histories against a model: all that was kept comes back bit-exact, and the bytes in the store add up.</summary>
public sealed class SimulationTests
{
    [Theory]
    [InlineData(1, 25)]
    [InlineData(2, 25)]
    [InlineData(3, 25)]
    public Task Random_backups_edits_and_deletions_leave_the_survivors_bit_exact(int seed, int steps) => Run(seed, steps);

    [Fact]
    [Trait("Category", "Slow")]
    public async Task Very_many_random_histories_leave_the_survivors_bit_exact()
    {
        for (int seed = 100; seed < 120; seed++)
            await Run(seed, 60);
    }

    private static async Task Run(int seed, int steps)
    {
        var random = new Random(seed);
        var store = new InMemoryObjectStore { CommitsAtOnce = random.Next(1, 5), ReadAheadBytes = random.Next(4) * 150_000 };
        var options = TestRepository.SmallOptions with
        {
            Hash = seed % 2 == 0 ? ChunkHash.Blake3Keyed : ChunkHash.HmacSha256,
            SegmentBytes = random.Next(64, 400) << 10,
            PackBytes = random.Next(100, 2000) << 10,
            SessionIndexEntries = random.Next(64, 400),
            CompressionLevel = random.Next(1, 4),
            Parity = seed % 3 == 0,
        };
        await (await TestRepository.Create(store, options)).DisposeAsync();
        var disks = new Dictionary<string, byte[]>();
        var trees = new Dictionary<string, TestTree>();
        var expected = new Dictionary<string, object>();

        var repository = await TestRepository.Open(store, options);
        for (int step = 0; step < steps; step++)
        {
            string id = $"b-{seed}-{step}";
            switch (random.Next(10))
            {
                case < 5:
                    string disk = $"disk-{random.Next(3)}";
                    disks[disk] = NextDisk(random, disks.GetValueOrDefault(disk));
                    await repository.BackUp(disks[disk], disk, id, incremental: random.Next(4) > 0, workers: random.Next(1, 4));
                    expected[id] = disks[disk];
                    break;
                case < 7:
                    string tree = $"tree-{random.Next(2)}";
                    trees[tree] = NextTree(random, trees.GetValueOrDefault(tree));
                    await trees[tree].BackUp(repository, tree, trustParent: random.Next(2) == 0, id);
                    expected[id] = trees[tree];
                    break;
                case 7 when expected.Count > 0:
                    string victim = expected.Keys.ElementAt(random.Next(expected.Count));
                    await repository.Domain.DeleteBackupAsync(victim, default);
                    expected.Remove(victim);
                    break;
                case 8:
                    await IndexRebuild.RunAsync(repository.Domain, null, default);
                    break;
                default:
                    await repository.DisposeAsync();
                    repository = await TestRepository.Open(store, options);
                    break;
            }
        }

        await using (repository)
        {
            foreach (var (id, content) in expected)
                await AssertRestores(repository, id, content, $"seed {seed}");
            Assert.Equal(expected.Keys.Order(), await repository.Domain.ListBackupsAsync(default).Select(backup => backup.Id).OrderBy(id => id).ToListAsync());

            var statistics = await RepositoryStatistics.CollectAsync(repository.Repository, [repository.Domain], default);
            Assert.Equal(
                store.Names.Sum(name => (long)store.Peek(name)!.Length),
                statistics.Backups.Sum(backup => backup.OwnBytes) + statistics.SharedBytes + statistics.ReclaimableBytes);
            var report = await RepositoryCheck.RunAsync(repository.Repository, [repository.Domain], new CheckOptions { ReadData = true }, null, default);
            Assert.True(report.IsSound && report.Notes.Count == 0, $"seed {seed}: {string.Join('\n', report.Damages)}{string.Join('\n', report.Notes)}");
        }
    }

    private static async Task AssertRestores(TestRepository repository, string id, object content, string context)
    {
        var backup = await repository.Domain.FindBackupAsync(id, default);
        Assert.True(backup is not null, $"{context}: {id} is gone");
        if (content is byte[] disk)
            {
            byte[] restored = await repository.Restore(backup!);
            Assert.True(disk.AsSpan().SequenceEqual(restored), $"{context}: {id}");
        }
        else
        {
            ((TestTree)content).AssertEquals(await TestTree.Read(repository.Domain.OpenTree(backup!, id)));
        }
    }

    private static byte[] NextDisk(Random random, byte[]? before)
    {
        if (before is null || random.Next(8) == 0)
            return TestDisk.Make(random.Next(), random.Next(80 * TestDisk.Chunk));
        byte[] edited = TestDisk.Edit(before, random.Next(), random.Next(6));
        return random.Next(6) == 0 ? edited[..random.Next(edited.Length + 1)] : edited;
    }

    private static TestTree NextTree(Random random, TestTree? before)
    {
        if (before is null || random.Next(6) == 0)
            return TestTree.Make(random.Next(), random.Next(120), 150_000);
        var next = new TestTree();
        foreach (var (path, node) in before.Nodes)
        {
            bool rewritten = node.Entry.Type == StoredEntryType.File && random.Next(10) == 0;
            bool removed = node.Entry.Type == StoredEntryType.File && random.Next(20) == 0;
            if (!removed)
                next.Nodes[path] = new TestNode(rewritten ? node.Entry with { ModifiedNs = node.Entry.ModifiedNs + 1 } : node.Entry, rewritten ? Bytes.Of(random.Next(), random.Next(100_000)) : node.Content);
        }

        return next;
    }
}
