using System.Globalization;

namespace Strongroom.Repository.Tests;

/// <summary>
/// Tests that try many cases, each made from its own number: how many is set from outside, and a case that fails prints
/// the line that repeats it alone.
/// </summary>
internal static class Campaign
{
    /// <summary>The first case's number; set together with a count of 1 it repeats one case.</summary>
    private const string First = "STRONGROOM_TEST_FIRST";

    /// <summary>A long campaign tells how far it is.</summary>
    private const int Progress = 2500;

    /// <summary>Runs cases side by side until all are done or one has failed.</summary>
    /// <param name="variable">Sets how many cases are tried.</param>
    /// <param name="count">How many without it.</param>
    /// <param name="run">One case; its number is its seed.</param>
    public static async Task Run(string variable, int count, Func<int, Task> run)
    {
        int first = Setting(First, 0);
        count = Setting(variable, count);
        int done = 0;
        long start = TimeProvider.System.GetTimestamp();
        await Parallel.ForEachAsync(Enumerable.Range(first, count), async (number, cancellationToken) =>
        {
            try
            {
                await run(number).WaitAsync(TimeSpan.FromMinutes(5), cancellationToken);
                if (Interlocked.Increment(ref done) % Progress == 0)
                    Say($"{done} of {count} cases");
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                throw new CampaignException($"Case {number} failed; repeat it with {First}={number} {variable}=1: {e.Message}", e);
            }
        });
        Say($"{count} cases from {first} on in {TimeProvider.System.GetElapsedTime(start).TotalSeconds:F0} s");
    }

    /// <summary>Shown with the test's result, and at once where the output is watched.</summary>
    public static void Say(string line)
    {
        TestContext.Current.TestOutputHelper?.WriteLine(line);
        Console.Error.WriteLine($"{TestContext.Current.TestMethod?.MethodName}: {line}");
    }

    private static int Setting(string variable, int otherwise) =>
        Environment.GetEnvironmentVariable(variable) is { Length: > 0 } value ? int.Parse(value, CultureInfo.InvariantCulture) : otherwise;
}

internal sealed class CampaignException(string message, Exception inner) : Exception(message, inner);
