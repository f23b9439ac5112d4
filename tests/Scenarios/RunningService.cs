using System.Diagnostics;
using System.Text;
using Strongroom.Contract;

namespace Strongroom.Scenarios;

/// <summary>A running <c>strongroom serve</c> on a data directory, its log, and a client that is logged in.</summary>
internal sealed class RunningService : IAsyncDisposable
{
    private const string Password = "scenario-password";
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(60);

    private readonly Process process;
    private readonly StringBuilder log = new();
    private readonly HttpClient http = new();

    private RunningService(Process process) => this.process = process;

    public string Address { get; private set; } = "";

    public CbrClient Cbr { get; private set; } = null!;

    /// <summary>What client commands need to reach it.</summary>
    public Dictionary<string, string> Variables => new()
    {
        ["OS_AUTH_URL"] = Address + "/v3",
        ["OS_USERNAME"] = "admin",
        ["OS_PASSWORD"] = Password,
        ["OS_PROJECT_NAME"] = "demo",
    };

    public string Log
    {
        get
        {
            lock (log)
                return log.ToString();
        }
    }

    public static async Task<RunningService> Start(string dataDirectory, params (string Name, string Value)[] settings)
    {
        Dictionary<string, string> variables = settings.ToDictionary(setting => setting.Name, setting => setting.Value);
        variables["STRONGROOM_ADMIN_PASSWORD"] = Password;
        Process process = Process.Start(StrongroomBinary.StartInfo(["serve", "--data", dataDirectory, "--url", "http://127.0.0.1:0"], variables))!;
        var service = new RunningService(process);
        var listening = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        process.ErrorDataReceived += (_, line) => service.Hear(line.Data, listening);
        process.BeginErrorReadLine();
        process.BeginOutputReadLine();
        try
        {
            service.Address = await listening.Task.WaitAsync(StartLimit);
            service.Cbr = await CbrClient.LogInAsync(
                service.http,
                new Uri(service.Address),
                new IdentityCredentials { UserName = "admin", Password = Password, ProjectName = "demo" },
                CancellationToken.None);
            return service;
        }
        catch
        {
            await service.DisposeAsync();
            throw;
        }
    }

    /// <summary>kill -9: no handler runs, nothing is flushed.</summary>
    public async Task Kill()
    {
        process.Kill();
        await process.WaitForExitAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (!process.HasExited)
            await Kill();
        process.Dispose();
        http.Dispose();
    }

    private void Hear(string? line, TaskCompletionSource<string> listening)
    {
        const string Announcement = "Strongroom listens on ";
        if (line is null)
        {
            listening.TrySetException(new InvalidOperationException($"The service ended before it listened: {Log}"));
            return;
        }

        lock (log)
            log.AppendLine(line);
        int at = line.IndexOf(Announcement, StringComparison.Ordinal);
        if (at >= 0)
            listening.TrySetResult(line[(at + Announcement.Length)..].Split(';')[0]);
    }
}
