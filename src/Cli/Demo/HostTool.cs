using System.Diagnostics;

namespace Strongroom.Cli.Demo;

/// <summary>A program of the machine. Standard input is closed; what it says on standard error becomes the failure's message.</summary>
internal static class HostTool
{
    // An ordinary user's PATH leaves these out, although the programs work for files of one's own.
    private static readonly string[] SystemDirectories = ["/usr/sbin", "/sbin", "/usr/bin", "/bin"];

    /// <summary>The program's path, or null when it is not installed.</summary>
    public static string? Find(string name) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries)
            .Concat(SystemDirectories)
            .Select(directory => Path.Combine(directory, name))
            .FirstOrDefault(File.Exists);

    /// <exception cref="CommandException">It ended with another code than 0.</exception>
    public static Task RunAsync(string path, IEnumerable<string> arguments, CancellationToken cancellationToken) =>
        RunAsync(path, arguments, static (output, token) => output.CopyToAsync(Stream.Null, token), cancellationToken);

    /// <param name="path">The program.</param>
    /// <param name="arguments">Passed as they are, without a shell.</param>
    /// <param name="readOutput">Given its standard output, as bytes, to its end.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="CommandException">It ended with another code than 0.</exception>
    public static async Task RunAsync(
        string path, IEnumerable<string> arguments, Func<Stream, CancellationToken, Task> readOutput, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo(path, arguments)
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["LC_ALL"] = "C" },
        };
        using Process process = Process.Start(start) ?? throw new CommandException(ExitCode.Failed, $"{path} could not be started.");
        try
        {
            process.StandardInput.Close();
            Task<string> errors = process.StandardError.ReadToEndAsync(cancellationToken);
            await readOutput(process.StandardOutput.BaseStream, cancellationToken);
            await process.WaitForExitAsync(cancellationToken);
            if (process.ExitCode != 0)
                throw new CommandException(ExitCode.Failed, $"{Path.GetFileName(path)} failed with code {process.ExitCode}: {(await errors).Trim()}");
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }
    }

    /// <summary>Removes a directory with all that is in it, whatever the names: the platform's own call stumbles over those that are not UTF-8.</summary>
    public static Task RemoveAsync(string directory, CancellationToken cancellationToken) =>
        RunAsync("/bin/rm", ["-rf", "--one-file-system", "--", directory], cancellationToken);
}
