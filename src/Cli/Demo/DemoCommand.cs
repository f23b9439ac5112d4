using System.CommandLine;
using System.Security.Cryptography;
using Strongroom.Cli.Installation;
using Strongroom.Cli.Output;
using Strongroom.Cli.Progress;
using Strongroom.Cli.Repositories;
using Strongroom.Contract;
using Strongroom.Repository;
using Strongroom.Server;

namespace Strongroom.Cli.Demo;

/// <summary><c>demo</c>: the whole story on real data of this machine, with a service of its own.</summary>
internal static class DemoCommand
{
    // Originals, copies of them, and the repository.
    private const long RoomBytes = 2L << 30;

    public static void AddTo(Command command, Shell shell)
    {
        var exit = new Option<bool>("--exit") { Description = "Stop after the story; otherwise the service stays up until Ctrl-C." };
        var data = new Option<string?>("--data") { Description = "Keep everything in this new directory; a temporary one otherwise.", HelpName = "directory" };
        var url = new Option<string>("--url") { Description = "Where the service listens; port 0 takes a free one.", DefaultValueFactory = _ => "http://127.0.0.1:0" };
        command.Add(exit);
        command.Add(data);
        command.Add(url);
        var output = new OutputOptions<DemoRow>(command, DemoRow.Columns);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using var directory = DemoDirectory.Make(parsed.GetValue(data));
            RequireRoom(directory.Path);
            var options = new ServerOptions { DataDirectory = Path.Combine(directory.Path, "data"), Url = parsed.GetValue(url)! };
            options.Identity.AdminPassword = RandomNumberGenerator.GetHexString(16, lowercase: true);

            DemoOriginals originals = await MakeOriginalsAsync(shell, directory.Path, cancellationToken);
            await using var service = new DemoService(options);
            await service.StartAsync(cancellationToken);
            shell.Say($"demo: the service listens on {service.Address}");

            DemoStory story = await TellAsync(shell, service, originals, cancellationToken);
            (DemoRow check, List<string> damages) = await CheckAsync(shell, service.Options, cancellationToken);
            output.WriteList(shell, parsed, [.. story.Rows, check]);
            List<string> failures = [.. story.Failures, .. damages];
            foreach (string failure in failures)
                shell.Say($"demo: {failure}");
            if (failures.Count > 0)
            {
                shell.Say($"demo: failed; everything is kept in {directory.Path}");
                directory.Keep();
                return (int)ExitCode.Failed;
            }

            shell.Say("demo: both points came back identical, by SHA-256 of the disks and of the tree with all its metadata");
            if (parsed.GetValue(exit))
            {
                shell.Say($"demo: the API was at {service.Address}/v3 and ends with this command; without --exit it stays up to be tried");
                return (int)ExitCode.Done;
            }

            SayWhatToTry(shell, service.Address, options.Identity.AdminPassword);
            shell.Say("The service stays up until Ctrl-C.");
            await service.WaitForShutdownAsync(cancellationToken);
            return (int)ExitCode.Done;
        });
    }

    private static async Task<DemoOriginals> MakeOriginalsAsync(Shell shell, string directory, CancellationToken cancellationToken)
    {
        DiskTools tools = await DiskTools.FindAsync(shell, cancellationToken);
        shell.Say("demo: making two disks and a directory from files of this machine");
        string originalsDirectory = Directory.CreateDirectory(Path.Combine(directory, "originals")).FullName;
        DemoOriginals originals = await ProgressBoard.RunAsync(
            shell,
            board => DemoOriginals.MakeAsync(tools, originalsDirectory, board.Add("originals", countsBytes: true), cancellationToken),
            cancellationToken);
        shell.Say($"demo: {originals.FileCount} files are on disks of {new ByteSize(DemoOriginals.SystemDiskBytes)} and {new ByteSize(DemoOriginals.DataDiskBytes)} (ext4) and in a directory");
        return originals;
    }

    private static async Task<DemoStory> TellAsync(Shell shell, DemoService service, DemoOriginals originals, CancellationToken cancellationToken)
    {
        using var http = new HttpClient();
        CbrClient cbr = await CbrClient.LogInAsync(http, new Uri(service.Address), service.Credentials, cancellationToken);
        var story = new DemoStory(shell, cbr, originals);
        await story.RunAsync(
            async token =>
            {
                await originals.DropStagingAsync(token);
                DemoDamage.Inflict(shell, service.Options.DataDirectory);
            },
            cancellationToken);
        return story;
    }

    /// <summary>Every stored byte, read past the service: a restore looks only at what it needs.</summary>
    private static async Task<(DemoRow Row, List<string> Damages)> CheckAsync(Shell shell, ServerOptions options, CancellationToken cancellationToken)
    {
        shell.Say("demo: reading and checking every stored byte, without the service");
        InstallationRepository installation =
            await InstallationRepository.OpenAsync(options, new RepositoryOptions(), readOnly: true, shell.Time, cancellationToken);
        await using var access = new RepositoryAccess(installation.Repository, installation);
        await access.OpenDomainsAsync(domainId: null, create: false, shell, cancellationToken);
        long startedAt = shell.Time.GetTimestamp();
        CheckReport report = await Upkeep.CheckAsync(shell, access, new CheckOptions { ReadData = true }, cancellationToken);
        var row = new DemoRow(
            "check of every byte", $"repository, {report.Packs} packs", report.ReadBytes, StoredBytes: null,
            shell.Time.GetElapsedTime(startedAt).TotalSeconds, report.IsSound ? "sound" : "DAMAGED");
        return (row, [.. report.Damages.Select(damage => $"check: {damage.ObjectName}: {damage.Message} Backups touched: {string.Join(", ", damage.Backups)}.")]);
    }

    private static void RequireRoom(string directory)
    {
        long free = new DriveInfo(directory).AvailableFreeSpace;
        if (free < RoomBytes)
            throw new CommandException(ExitCode.Failed, $"The demo needs {new ByteSize(RoomBytes)} and {directory} has {new ByteSize(free)} free; name another place with --data or TMPDIR.");
    }

    private static void SayWhatToTry(Shell shell, string address, string password)
    {
        shell.Say("");
        shell.Say($"The API: {address}/v3   Three commands to try in another terminal:");
        shell.Say($"  eval \"$(OS_PASSWORD={password} ./strongroom openrc --url {address})\"");
        shell.Say("  ./strongroom backup list");
        shell.Say("  ./strongroom checkpoint create demo-servers --wait");
    }
}
