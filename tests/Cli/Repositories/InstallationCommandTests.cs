using System.Security.Cryptography;
using System.Text.Json;
using Strongroom.Drivers;
using Strongroom.Protection;
using Strongroom.Repository;
using Strongroom.Server;

namespace Strongroom.Cli.Tests.Repositories;

/// <summary><c>repo … --data</c> on the repository and keys of an installation whose service does not run.</summary>
public sealed class InstallationCommandTests : IDisposable
{
    private readonly string directory = Directory.CreateTempSubdirectory("strongroom-installation-").FullName;

    private string Data => Path.Combine(directory, "data");

    public void Dispose() => Directory.Delete(directory, recursive: true);

    [Fact]
    public async Task One_damaged_project_does_not_keep_the_others_from_being_listed_and_restored()
    {
        string sound = await MakeAsync("sound");
        await MakeAsync("damaged");
        string key = Path.Combine(Data, "repository", "domains", "damaged", "key");
        File.SetUnixFileMode(key, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        await File.WriteAllTextAsync(key, "no key");

        using ShellDouble list = await Run(ExitCode.Partial, "list", "-f", "json");
        using ShellDouble only = await Run(ExitCode.Done, "list", "--domain", "sound", "-f", "json");
        using ShellDouble restore = await Run(ExitCode.Partial, "restore", sound, "--to", Path.Combine(directory, "restored"));
        using ShellDouble unknown = await Run(ExitCode.Failed, "restore", "00000000-1111-4222-8333-444444444444", "--to", Path.Combine(directory, "x"));

        Assert.Equal(sound, Assert.Single(JsonDocument.Parse(list.Output).RootElement.EnumerateArray()).GetProperty("id").GetString());
        Assert.Contains("domain damaged is left out", list.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("left out", only.Error, StringComparison.Ordinal);
        Assert.Equal(await File.ReadAllBytesAsync(Path.Combine(directory, "sound")), await File.ReadAllBytesAsync(Path.Combine(directory, "restored")));
        Assert.Contains("damaged", unknown.Error, StringComparison.Ordinal);
        Assert.NotEmpty(restore.Error);
    }

    [Fact]
    public async Task The_key_file_of_an_installation_is_put_in_the_place_of_the_old_one()
    {
        string id = await MakeAsync("project");
        string file = Path.Combine(Data, "keys", "master.key");
        byte[] old = await File.ReadAllBytesAsync(file);
        byte[] key = RandomNumberGenerator.GetBytes(48);
        await File.WriteAllBytesAsync(Path.Combine(directory, "new"), key);
        await File.WriteAllBytesAsync(Path.Combine(directory, "old"), old);
        await File.WriteAllBytesAsync(Path.Combine(directory, "short"), new byte[20]);

        using ShellDouble none = await Run(ExitCode.Usage, "key", "rotate", "--new-password-file", Path.Combine(directory, "new"));
        using ShellDouble tooShort = await Run(ExitCode.Failed, "key", "rotate", "--new-key-file", Path.Combine(directory, "short"));
        using ShellDouble rotated = await Run(ExitCode.Done, "key", "rotate", "--new-key-file", Path.Combine(directory, "new"), "-f", "json");

        Assert.Equal(key, await File.ReadAllBytesAsync(file));
        using ShellDouble keys = await Run(ExitCode.Done, "key", "list", "-f", "json");
        Assert.Equal(
            JsonDocument.Parse(rotated.Output).RootElement.GetProperty("id").GetString(),
            Assert.Single(JsonDocument.Parse(keys.Output).RootElement.EnumerateArray()).GetProperty("id").GetString());
        using ShellDouble list = await Run(ExitCode.Done, "list");
        Assert.Contains(id, list.Output, StringComparison.Ordinal);
        using var stale = new ShellDouble();
        Assert.Equal(ExitCode.Failed, await stale.Run("repo", "list", "--repo", Path.Combine(Data, "repository"), "--key-file", Path.Combine(directory, "old")));
    }

    [Fact]
    public async Task A_project_is_not_destroyed_when_nobody_can_say_what_locked_vaults_hold_of_it()
    {
        string id = await MakeAsync("project");

        using ShellDouble refused = await Run(ExitCode.Failed, "key", "destroy", "project", "--yes");

        Assert.Contains("locked vaults", refused.Error, StringComparison.Ordinal);
        using ShellDouble list = await Run(ExitCode.Done, "list");
        Assert.Contains(id, list.Output, StringComparison.Ordinal);
    }

    /// <summary>A project with one backup.</summary>
    private async Task<string> MakeAsync(string project)
    {
        string image = Path.Combine(directory, project);
        await File.WriteAllBytesAsync(image, RandomNumberGenerator.GetBytes(1 << 20));
        await using InstallationRepository installation = await InstallationRepository.OpenOrCreateAsync(
            new ServerOptions { DataDirectory = Data }, new RepositoryOptions(), TimeProvider.System, default);
        await using RepositoryDomain domain = await installation.Repository.OpenDomainAsync(project, create: true, default);
        string id = Guid.NewGuid().ToString();
        var request = new BackupRequest
        {
            DomainId = project,
            BackupId = id,
            ResourceId = id,
            ResourceName = project,
            ResourceType = "OS::Cinder::Volume",
            Members = [new BackupMember(id, id, project, image)],
            CreatedAt = DateTimeOffset.UnixEpoch.AddYears(56),
        };
        await new BackupRun(domain, DriverCatalog.CreateDefault(), new ProtectionOptions(), TimeProvider.System).RunAsync(request, null, default);
        return id;
    }

    private async Task<ShellDouble> Run(ExitCode expected, params string[] arguments)
    {
        var shell = new ShellDouble();
        ExitCode code = await shell.Run(["repo", .. arguments, "--data", Data]);
        Assert.True(code == expected, $"{code} instead of {expected}: {shell.Error}");
        return shell;
    }
}
