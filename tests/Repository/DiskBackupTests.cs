using Strongroom.ObjectStores.Testing;

namespace Strongroom.Repository.Tests;

/// <summary>What holds for every hash; one derived class for each.</summary>
public abstract class DiskBackupTests(ChunkHash hash)
{
    private const int Chunk = TestDisk.Chunk;

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(Chunk - 1)]
    [InlineData(Chunk)]
    [InlineData((64 * Chunk) + 1)]
    public async Task A_disk_of_any_size_comes_back_bit_exact(int sizeBytes)
    {
        await using var repository = await Create();
        byte[] disk = TestDisk.Make(sizeBytes, sizeBytes);

        var backup = await repository.BackUp(disk);

        Assert.Equal(disk, await repository.Restore(backup));
        Assert.Equal(sizeBytes, backup.Members[0].SizeBytes);
    }

    [Fact]
    public async Task A_disk_whose_map_is_three_pages_high_comes_back()
    {
        await using var repository = await Create();
        byte[] disk = new byte[(65 * 64 * Chunk) + 12345];
        foreach (int region in new[] { 0, 1, 31, 63, 64 })
            Bytes.Of(region, 3 * Chunk).CopyTo(disk.AsSpan((region * 64 * Chunk) + (5 * Chunk)));
        Bytes.Of(1, 20_000).CopyTo(disk.AsSpan(disk.Length - 20_000));

        var backup = await repository.BackUp(disk);

        byte[] restored = await repository.Restore(backup);
        Assert.True(disk.AsSpan().SequenceEqual(restored));
    }

    [Fact]
    public async Task A_repository_opened_again_gives_every_backup_back()
    {
        var store = new InMemoryObjectStore();
        byte[] first = TestDisk.Make(1, 30 * Chunk);
        byte[] second = TestDisk.Edit(first, 2);
        await using (var repository = await Create(store))
        {
            await repository.BackUp(first, id: "one");
            await repository.BackUp(second, id: "two");
        }

        await using var again = await TestRepository.Open(store);

        Assert.Equal(first, await again.Restore((await again.Domain.FindBackupAsync("one", default))!));
        Assert.Equal(second, await again.Restore((await again.Domain.FindBackupAsync("two", default))!));
        Assert.Null(await again.Domain.FindBackupAsync("three", default));
    }

    [Fact]
    public async Task Any_place_of_a_disk_can_be_read()
    {
        await using var repository = await Create();
        byte[] disk = TestDisk.Make(3, (70 * Chunk) + 100);
        var backup = await repository.BackUp(disk);
        var reader = repository.Domain.OpenDisk(backup, backup.Id);
        var random = new Random(4);

        for (int i = 0; i < 200; i++)
        {
            int offset = random.Next(disk.Length + 10);
            byte[] buffer = new byte[random.Next(200_000)];
            int read = await reader.ReadAsync(offset, buffer, default);

            Assert.Equal(Math.Clamp(disk.Length - offset, 0, buffer.Length), read);
            Assert.True(disk.AsSpan(Math.Min(offset, disk.Length), read).SequenceEqual(buffer.AsSpan(0, read)));
        }
    }

    [Fact]
    public async Task Extents_cover_exactly_what_is_not_zero()
    {
        await using var repository = await Create();
        byte[] disk = TestDisk.Make(5, (130 * Chunk) + 7);
        var backup = await repository.BackUp(disk);
        byte[] covered = new byte[disk.Length];
        long end = -1;

        await foreach (var extent in repository.Domain.OpenDisk(backup, backup.Id).DataExtentsAsync(default))
        {
            Assert.True(extent.Offset > end);
            end = extent.Offset + extent.LengthBytes;
            disk.AsSpan((int)extent.Offset, (int)extent.LengthBytes).CopyTo(covered.AsSpan((int)extent.Offset));
            for (long chunk = extent.Offset; chunk < end; chunk += Chunk)
                Assert.True(disk.AsSpan((int)chunk, (int)Math.Min(Chunk, end - chunk)).ContainsAnyExcept((byte)0));
        }

        Assert.Equal(disk, covered);
    }

    [Fact]
    public async Task An_unchanged_backup_writes_no_pack_and_no_index()
    {
        await using var repository = await Create();
        byte[] disk = TestDisk.Make(6, 200 * Chunk);
        var first = await repository.BackUp(disk);
        var (packs, indexes) = (repository.Names("packs"), repository.Names("indexes"));

        var compared = await repository.BackUp(disk);
        var looked = await repository.BackUp(disk, incremental: false);

        Assert.Equal(packs, repository.Names("packs"));
        Assert.Equal(indexes, repository.Names("indexes"));
        Assert.Equal((true, 0, 0), (compared.Members[0].Incremental, compared.Members[0].ChangedBytes, compared.Members[0].StoredBytes));
        Assert.Equal((false, 0), (looked.Members[0].Incremental, looked.Members[0].StoredBytes));
        Assert.Equal(first.Members[0].DataBytes, looked.Members[0].ChangedBytes);
        Assert.Equal(disk, await repository.Restore(compared));
        Assert.Equal(disk, await repository.Restore(looked));
    }

    [Fact]
    public async Task A_chunk_seen_before_is_not_stored_again()
    {
        await using var repository = await Create();
        byte[] half = Bytes.Of(7, 40 * Chunk);
        byte[] disk = [.. half, .. half, .. new byte[10 * Chunk], .. half];

        var backup = await repository.BackUp(disk, workers: 3);
        var elsewhere = await repository.BackUp([.. half[(20 * Chunk)..], .. half[..(20 * Chunk)]], resource: "disk-2");

        Assert.InRange(backup.Members[0].StoredBytes, half.Length, half.Length * 1.02);
        Assert.InRange(elsewhere.Members[0].StoredBytes, 0, 10_000);
        Assert.Equal(3 * half.Length, backup.Members[0].DataBytes);
    }

    [Fact]
    public async Task A_change_of_two_per_cent_stores_about_that()
    {
        await using var repository = await Create();
        byte[] disk = Bytes.Of(8, 500 * Chunk);
        await repository.BackUp(disk);
        byte[] changed = [.. disk];
        for (int chunk = 0; chunk < 500; chunk += 50)
            changed[(chunk * Chunk) + 1000] ^= 1;

        var backup = await repository.BackUp(changed);

        Assert.Equal(10 * Chunk, backup.Members[0].ChangedBytes);
        Assert.InRange(backup.Members[0].StoredBytes, 10 * Chunk, 11.5 * Chunk);
        Assert.Equal(changed, await repository.Restore(backup));
    }

    [Theory]
    [InlineData(100, 40)]
    [InlineData(40, 100)]
    [InlineData(700, 10)]
    [InlineData(10, 700)]
    public async Task A_disk_that_grew_or_shrank_is_compared_with_what_it_was(int chunksBefore, int chunksAfter)
    {
        await using var repository = await Create();
        byte[] before = TestDisk.Make(9, (chunksBefore * Chunk) + 5);
        byte[] after = new byte[(chunksAfter * Chunk) - 5];
        before.AsSpan(0, Math.Min(before.Length, after.Length)).CopyTo(after);
        await repository.BackUp(before);

        var backup = await repository.BackUp(after);

        Assert.Equal(after, await repository.Restore(backup));
        Assert.InRange(backup.Members[0].ChangedBytes, 0, Chunk);
    }

    [Fact]
    public async Task Regions_kept_from_the_parent_are_not_read_and_come_back()
    {
        await using var repository = await Create();
        byte[] disk = TestDisk.Make(10, (64 * 5 * Chunk) + 99);
        await repository.BackUp(disk);
        byte[] changed = [.. disk];
        changed[(64 * 2 * Chunk) + 5] ^= 0xFF;

        BackupRecord backup;
        await using (var session = await repository.Domain.BeginBackupAsync(await repository.Describe("kept"), default))
        {
            var writer = session.OpenDisk(new MemberDescription("kept", "disk-1", "disk", "/d"), disk.Length, session.Previous!.Members[0]);
            await using (var worker = writer.CreateWorker())
            {
                for (long region = 0; region < writer.RegionCount; region++)
                {
                    if (region == 2)
                        await worker.WriteAsync(2L * writer.RegionBytes, changed.AsMemory(2 * writer.RegionBytes, writer.RegionBytes), default);
                    else
                        await worker.KeepAsync(region, default);
                }

                await worker.FinishAsync(default);
            }

            await writer.FinishAsync(default);
            backup = await session.CommitAsync(null, default);
        }

        Assert.Equal(changed, await repository.Restore(backup));
        Assert.Equal(Chunk, backup.Members[0].ChangedBytes);
        Assert.Equal((await repository.BackUp(changed)).Members[0].DataBytes, backup.Members[0].DataBytes);
    }

    [Fact]
    public async Task Disks_of_one_server_are_members_of_one_backup()
    {
        await using var repository = await Create();
        byte[][] disks = [TestDisk.Make(11, 33 * Chunk), TestDisk.Make(12, 70 * Chunk), new byte[500]];
        BackupRecord backup;
        await using (var session = await repository.Domain.BeginBackupAsync(await repository.Describe("server", "server-1"), default))
        {
            for (int i = 0; i < disks.Length; i++)
            {
                var writer = session.OpenDisk(new MemberDescription($"member-{i}", $"disk-{i}", "disk", "/d"), disks[i].Length, null);
                await TestRepository.Write(writer, disks[i], 2);
                await writer.FinishAsync(default);
            }

            session.ReportProblem("one sector could not be read");
            backup = await session.CommitAsync(null, default);
        }

        var found = await repository.Domain.FindBackupAsync("member-1", default);

        Assert.Equal("server", found?.Id);
        Assert.True(found!.IsPartial);
        Assert.Equal(["one sector could not be read"], found.Problems);
        for (int i = 0; i < disks.Length; i++)
            Assert.Equal(disks[i], await repository.Restore(backup, $"member-{i}"));
    }

    [Fact]
    public async Task Backups_of_a_resource_are_chained_and_any_of_them_can_go()
    {
        await using var repository = await Create();
        byte[][] states = new byte[5][];
        var backups = new BackupRecord[5];
        states[0] = TestDisk.Make(13, 100 * Chunk);
        for (int i = 0; i < 5; i++)
        {
            states[i] = i == 0 ? states[0] : TestDisk.Edit(states[i - 1], 100 + i);
            backups[i] = await repository.BackUp(states[i]);
        }

        await repository.Domain.DeleteBackupAsync(backups[0].Id, default);
        await repository.Domain.DeleteBackupAsync(backups[2].Id, default);
        await repository.Domain.DeleteBackupAsync(backups[2].Id, default);

        Assert.Equal([1, 2, 3, 4, 5], backups.Select(backup => backup.Sequence));
        Assert.Equal(new PreviousBackup(backups[3].Id, backups[3].RootSha256), backups[4].Previous);
        Assert.Null(await repository.Domain.FindBackupAsync(backups[2].Id, default));
        foreach (int i in new[] { 1, 3, 4 })
            Assert.Equal(states[i], await repository.Restore(backups[i]));
    }

    [Fact]
    public async Task A_backup_that_was_not_committed_does_not_exist()
    {
        await using var repository = await Create();
        byte[] disk = TestDisk.Make(14, 50 * Chunk);

        await Assert.ThrowsAsync<InvalidOperationException>(
            () => repository.BackUp(disk, id: "refused", beforeCommit: _ => throw new InvalidOperationException("no longer the owner")));

        Assert.Null(await repository.Domain.FindBackupAsync("refused", default));
        Assert.Empty(repository.Names("backups"));
        Assert.Empty(repository.Names("sessions"));
        Assert.Equal(disk, await repository.Restore(await repository.BackUp(disk, id: "refused")));
    }

    [Fact]
    public async Task An_id_is_committed_once()
    {
        await using var repository = await Create();
        await repository.BackUp(TestDisk.Make(15, 10 * Chunk), id: "same");

        var begun = await Assert.ThrowsAsync<RepositoryException>(() => repository.BackUp(TestDisk.Make(16, 10 * Chunk), id: "same"));
        var raced = await Assert.ThrowsAsync<RepositoryException>(() => repository.BackUp(
            TestDisk.Make(17, 10 * Chunk), id: "raced",
            beforeCommit: async _ => await repository.BackUp(TestDisk.Make(18, 10 * Chunk), id: "raced")));

        Assert.Equal((RepositoryFailure.Conflict, RepositoryFailure.Conflict), (begun.Failure, raced.Failure));
        Assert.Equal(TestDisk.Make(18, 10 * Chunk), await repository.Restore((await repository.Domain.FindBackupAsync("raced", default))!));
    }

    [Fact]
    public async Task A_region_left_open_or_written_twice_is_refused()
    {
        await using var repository = await Create();
        await using var session = await repository.Domain.BeginBackupAsync(await repository.Describe("open"), default);
        var writer = session.OpenDisk(new MemberDescription("open", "disk-1", "disk", "/d"), 3L * 64 * Chunk, null);
        var worker = writer.CreateWorker();
        await worker.WriteAsync(0, Bytes.Of(1, Chunk), default);

        await Assert.ThrowsAsync<InvalidOperationException>(async () => await writer.FinishAsync(default));
        await worker.WriteAsync(64L * Chunk, Bytes.Of(2, Chunk), default);
        await worker.WriteAsync(0, Bytes.Of(3, Chunk), default);
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await worker.FinishAsync(default));
        await Assert.ThrowsAsync<ArgumentException>(async () => await worker.WriteAsync(100, new byte[Chunk], default));
        await Assert.ThrowsAsync<ArgumentException>(async () => await worker.WriteAsync(0, new byte[100], default));
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await session.CommitAsync(null, default));
    }

    [Fact]
    public async Task A_huge_hole_costs_nothing()
    {
        await using var repository = await Create();
        await using var session = await repository.Domain.BeginBackupAsync(await repository.Describe("sparse"), default);
        long size = 100L << 40;
        var writer = session.OpenDisk(new MemberDescription("sparse", "disk-1", "disk", "/d"), size, null);
        byte[] data = Bytes.Of(1, Chunk);

        await writer.WriteZerosAsync(writer.RegionBytes, size / 2, default);
        await using (var worker = writer.CreateWorker())
        {
            await worker.WriteAsync(size - (200 * writer.RegionBytes), data, default);
            await worker.WriteAsync(0, data, default);
            await worker.FinishAsync(default);
        }

        await writer.FinishAsync(default);
        var backup = await session.CommitAsync(null, default);
        var reader = repository.Domain.OpenDisk(backup, "sparse");
        byte[] read = new byte[2 * Chunk];

        Assert.Equal(2 * Chunk, await reader.ReadAsync(size - (200 * writer.RegionBytes), read, default));
        Assert.Equal((byte[])[.. data, .. new byte[Chunk]], read);
        Assert.Equal(2L * Chunk, backup.Members[0].DataBytes);
        Assert.InRange(backup.Members[0].StoredBytes, Chunk, Chunk + 20_000);
    }

    private Task<TestRepository> Create(Strongroom.ObjectStores.IObjectStore? store = null) =>
        TestRepository.Create(store, TestRepository.SmallOptions with { Hash = hash });
}

public sealed class DiskBackupTestsWithBlake3() : DiskBackupTests(ChunkHash.Blake3Keyed);

public sealed class DiskBackupTestsWithHmac() : DiskBackupTests(ChunkHash.HmacSha256);
