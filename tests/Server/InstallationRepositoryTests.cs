using Strongroom.Repository;

namespace Strongroom.Server.Tests;

public sealed class InstallationRepositoryTests : IDisposable
{
    private readonly string directory = Directory.CreateTempSubdirectory("strongroom-installation-").FullName;

    private ServerOptions Options => new() { DataDirectory = Path.Combine(directory, "data") };

    public void Dispose() => Directory.Delete(directory, recursive: true);

    [Fact]
    public async Task The_first_start_makes_key_and_repository_and_the_next_opens_them()
    {
        string id;
        await using (InstallationRepository first = await Start())
            id = first.Repository.Id;

        await using InstallationRepository second = await Start();

        Assert.Equal(id, second.Repository.Id);
        Assert.Equal(32, new FileInfo(Path.Combine(Options.DataDirectory, "keys", "master.key")).Length);
        Assert.Equal(
            UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute,
            File.GetUnixFileMode(Path.Combine(Options.DataDirectory, "keys")));
    }

    [Fact]
    public async Task Processes_that_start_at_once_share_one_key_and_one_repository()
    {
        InstallationRepository[] all = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(Start)));

        Assert.Single(all.Select(one => one.Repository.Id).Distinct());
        foreach (InstallationRepository one in all)
            await one.DisposeAsync();
    }

    [Fact]
    public async Task A_repository_without_its_key_is_not_made_anew()
    {
        await (await Start()).DisposeAsync();
        File.Delete(Path.Combine(Options.DataDirectory, "keys", "master.key"));

        StartRefusedException refused = await Assert.ThrowsAsync<StartRefusedException>(Start);

        Assert.Contains("master.key is missing", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Another_installations_key_does_not_open_it()
    {
        await (await Start()).DisposeAsync();
        await File.WriteAllBytesAsync(Path.Combine(Options.DataDirectory, "keys", "master.key"), new byte[32]);

        RepositoryException wrong = await Assert.ThrowsAsync<RepositoryException>(Start);

        Assert.Equal(RepositoryFailure.WrongKey, wrong.Failure);
    }

    [Fact]
    public async Task The_rescue_path_makes_nothing()
    {
        await Assert.ThrowsAsync<StartRefusedException>(() =>
            InstallationRepository.OpenAsync(Options, new RepositoryOptions(), readOnly: true, TimeProvider.System, CancellationToken.None));

        Assert.False(Directory.Exists(Options.DataDirectory));
    }

    private Task<InstallationRepository> Start() =>
        InstallationRepository.OpenOrCreateAsync(Options, new RepositoryOptions(), TimeProvider.System, CancellationToken.None);
}
