using System.Diagnostics;
using System.Globalization;

namespace Strongroom.Scenarios;

public sealed class StartScenarios
{
    [Fact]
    public async Task The_service_is_healthy_within_five_seconds_of_its_first_start()
    {
        using var data = new TemporaryDirectory();
        long startedAt = Stopwatch.GetTimestamp();
        await using RunningService service = await RunningService.Start(data["data"]);
        using var http = new HttpClient();

        using HttpResponseMessage answer = await http.GetAsync(service.Address + "/healthcheck");
        TimeSpan took = Stopwatch.GetElapsedTime(startedAt);

        Assert.Equal(200, (int)answer.StatusCode);
        Assert.True(took < TimeSpan.FromSeconds(5), $"It took {took}.");
    }

    [Fact]
    public async Task A_service_that_is_asked_to_stop_stops_and_says_done()
    {
        using var data = new TemporaryDirectory();
        ProcessStartInfo start = StrongroomBinary.StartInfo(["serve", "--data", data["data"], "--url", "http://127.0.0.1:0"]);
        using Process process = Process.Start(start)!;
        string? line;
        do
            line = await process.StandardError.ReadLineAsync();
        while (line is not null && !line.Contains("listens on", StringComparison.Ordinal));

        using (Process.Start("kill", ["-TERM", process.Id.ToString()]))
            await process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(30));

        Assert.Equal(0, process.ExitCode);
    }

    [Fact]
    public async Task A_taken_port_is_one_line_that_says_what_to_do()
    {
        using var data = new TemporaryDirectory();
        await using RunningService service = await RunningService.Start(data["one"]);

        CommandResult second = await StrongroomBinary.Run(
            variables: null, TimeSpan.FromSeconds(60), "serve", "--data", data["two"], "--url", service.Address);

        Assert.Equal(1, second.ExitCode);
        Assert.Contains($"The service cannot listen on {service.Address}", second.Error, StringComparison.Ordinal);
        Assert.Contains("--url", second.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Help_costs_less_than_150_ms_of_processor_time()
    {
        Assert.SkipUnless(File.Exists(StrongroomBinary.Published), "needs what './strongroom --version' builds");
        var costs = new List<double>();

        for (int run = 0; run < 5; run++)
        {
            // A process's times are gone when it has ended, except for the shell that waited for it.
            using Process process = Process.Start(
                new ProcessStartInfo("bash", ["-c", "TIMEFORMAT='%U %S'; time \"$1\" --help >/dev/null", "bash", StrongroomBinary.Published])
                {
                    RedirectStandardError = true,
                })!;
            string times = await process.StandardError.ReadToEndAsync();
            await process.WaitForExitAsync();
            costs.Add(times.Split(' ').Sum(seconds => double.Parse(seconds, CultureInfo.InvariantCulture)) * 1000);
        }

        // The least of five: what is above it is the machine's other work.
        Assert.True(costs.Min() < 150, $"It took {costs.Min()} ms.");
    }
}
