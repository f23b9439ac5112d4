using System.Diagnostics;

namespace Strongroom.Scenarios;

/// <summary>The built command line, run as its users run it: a process of its own.</summary>
internal static class StrongroomBinary
{
    /// <summary>The root of the working copy.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>What ./strongroom runs: published, compiled ahead. Missing until it was run once.</summary>
    public static string Published { get; } = Path.Combine(Root, "artifacts", "strongroom", "strongroom");

    /// <summary>Built together with these tests, so never older than the sources they test.</summary>
    public static string Built { get; } = Path.Combine(AppContext.BaseDirectory, "strongroom");

    public static ProcessStartInfo StartInfo(IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? variables = null)
    {
        var start = new ProcessStartInfo(Built, arguments)
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (string name in start.Environment.Keys.Where(name => name.StartsWith("OS_", StringComparison.Ordinal)).ToArray())
            start.Environment.Remove(name);
        foreach ((string name, string value) in variables ?? new Dictionary<string, string>())
            start.Environment[name] = value;
        return start;
    }

    /// <summary>Runs a command to its end.</summary>
    public static async Task<CommandResult> Run(IReadOnlyDictionary<string, string>? variables, TimeSpan limit, params string[] arguments)
    {
        using Process process = Process.Start(StartInfo(arguments, variables))!;
        process.StandardInput.Close();
        using var timeout = new CancellationTokenSource(limit);
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        try
        {
            await process.WaitForExitAsync(timeout.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"strongroom {string.Join(' ', arguments)} took longer than {limit}: {await error}");
        }

        return new CommandResult(process.ExitCode, await output, await error);
    }

    /// <summary>Runs a command that must succeed.</summary>
    public static async Task<string> Do(IReadOnlyDictionary<string, string>? variables, params string[] arguments)
    {
        CommandResult result = await Run(variables, TimeSpan.FromMinutes(5), arguments);
        Assert.True(result.ExitCode == 0, $"strongroom {string.Join(' ', arguments)} ended with {result.ExitCode}: {result.Error}");
        return result.Output;
    }

    private static string FindRoot()
    {
        for (DirectoryInfo? at = new(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            if (File.Exists(Path.Combine(at.FullName, "Strongroom.slnx")))
                return at.FullName;
        }

        throw new InvalidOperationException("Run from a build inside the working copy.");
    }
}

internal sealed record CommandResult(int ExitCode, string Output, string Error);
