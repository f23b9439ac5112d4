using System.Text;
using Strongroom.ObjectStores.Local;

namespace Strongroom.Repository.Tests;

/// <summary>
/// Small repositories of every format version there was, with what they hold. They are kept and read for ever; a new
/// version gets new ones beside them. Written once with STRONGROOM_TEST_WRITE_GOLDEN naming the folder to write to.
/// </summary>
public sealed class GoldenTests
{
    public static TheoryData<string, string> Repositories => new()
    {
        { "v1-blake3", "v1.txt" },
        { "v1-hmac", "v1.txt" },
        { GoldenRepository.WithParity, GoldenRepository.WithParity + ".txt" },
        { GoldenRepository.AllKinds, GoldenRepository.AllKinds + ".txt" },
    };

    [Theory]
    [MemberData(nameof(Repositories))]
    public async Task A_repository_of_this_version_is_read_for_ever(string name, string expected)
    {
        await using var store = LocalObjectStore.Open(GoldenRepository.PathOf(name));
        await using var repository = await BackupRepository.OpenAsync(
            store, GoldenRepository.Key, TestRepository.SmallOptions, TimeProvider.System, default);

        var read = new StringBuilder();
        foreach (string id in await repository.ListDomainsAsync(default).ToListAsync())
        {
            await using var domain = await repository.OpenDomainAsync(id, false, default);
            read.Append(await GoldenRepository.Describe(domain));
            var report = await RepositoryCheck.RunAsync(repository, [domain], new CheckOptions { ReadData = true }, null, default);
            Assert.Empty(report.Damages);
            Assert.All(report.Notes, note => Assert.Contains("/sessions/", note, StringComparison.Ordinal));
        }

        Assert.Equal(await File.ReadAllTextAsync(GoldenRepository.PathOf(expected)), read.ToString());
    }

    [Theory]
    [MemberData(nameof(Repositories))]
    public async Task The_golden_password_still_opens(string name, string expected)
    {
        Assert.NotEmpty(expected);
        await using var store = LocalObjectStore.Open(GoldenRepository.PathOf(name));
        await using var repository = await BackupRepository.OpenAsync(
            store, RepositoryKey.FromPassword(GoldenRepository.Password), TestRepository.SmallOptions, TimeProvider.System, default);

        Assert.NotEmpty(await repository.ListDomainsAsync(default).ToListAsync());
    }

    [Fact]
    public async Task Golden_repositories_are_written()
    {
        string? folder = Environment.GetEnvironmentVariable("STRONGROOM_TEST_WRITE_GOLDEN");
        Assert.SkipUnless(folder is not null, "Only for a new format version: STRONGROOM_TEST_WRITE_GOLDEN names the folder to write to.");

        await GoldenRepository.Write(Path.Combine(folder!, "v1-blake3"), ChunkHash.Blake3Keyed);
        await GoldenRepository.Write(Path.Combine(folder!, "v1-hmac"), ChunkHash.HmacSha256);
        await GoldenRepository.Write(Path.Combine(folder!, GoldenRepository.WithParity), ChunkHash.Blake3Keyed, parity: true);
        await GoldenRepository.WriteAllKinds(Path.Combine(folder!, GoldenRepository.AllKinds));
    }
}
