using System.Globalization;

namespace Strongroom.Repository.Tests.Fuzzing;

/// <summary>
/// Feeds one parser for a time. STRONGROOM_TEST_FUZZ_SECONDS sets how long, STRONGROOM_TEST_FIRST the number of the first case,
/// which is its seed.
/// </summary>
internal static class Fuzz
{
    private const string Seconds = "STRONGROOM_TEST_FUZZ_SECONDS";
    private const string First = "STRONGROOM_TEST_FIRST";

    /// <summary>Of processor time: a machine that is busy elsewhere is not the parser's fault.</summary>
    private static readonly TimeSpan Hang = TimeSpan.FromSeconds(30);

    /// <param name="isRefusal">The exceptions the parser's documentation names.</param>
    /// <param name="allocationBound">The most bytes it may allocate for this input; null where several threads work.</param>
    public static async Task Run(
        Func<Random, byte[]> make, Func<byte[], ValueTask> parse, Predicate<Exception> isRefusal, Func<byte[], long>? allocationBound)
    {
        int first = Setting(First, 0);
        var length = TimeSpan.FromSeconds(Setting(Seconds, 2));
        long start = TimeProvider.System.GetTimestamp();
        long accepted = 0;
        long largest = 0;
        int number = first;
        for (; TimeProvider.System.GetElapsedTime(start) < length || number < first + 100; number++)
        {
            byte[] input = make(new Random(number));
            var began = Environment.CpuUsage.TotalTime;
            long before = GC.GetAllocatedBytesForCurrentThread();
            int thread = Environment.CurrentManagedThreadId;
            bool refused = false;
            try
            {
                await parse(input);
                accepted++;
            }
            catch (Exception e) when (isRefusal(e))
            {
                refused = true;
            }
            catch (Exception e)
            {
                throw new CampaignException($"Case {number} ends in {e.GetType().Name}, which is not documented; repeat it with {First}={number} {Seconds}=0: {e.Message}", e);
            }

            // An exception's own memory, with its text and its trace, is not the parser's.
            long allocated = GC.GetAllocatedBytesForCurrentThread() - before - (refused ? 64 << 10 : 0);
            var took = Environment.CpuUsage.TotalTime - began;
            Assert.True(took < Hang, $"Case {number} took {took}.");
            if (allocationBound is not null && thread == Environment.CurrentManagedThreadId)
            {
                Assert.True(allocated <= allocationBound(input), $"Case {number}: {allocated} bytes allocated for {input.Length}, at most {allocationBound(input)} are promised.");
                largest = Math.Max(largest, allocated);
            }
        }

        Assert.True(accepted > 0 || number - first < 1000, "Nothing was ever accepted: the cases are too wild to reach far.");
        Campaign.Say($"{number - first} cases from {first} on, {accepted} accepted, at most {largest} bytes allocated");
    }

    private static int Setting(string variable, int otherwise) =>
        Environment.GetEnvironmentVariable(variable) is { Length: > 0 } value ? int.Parse(value, CultureInfo.InvariantCulture) : otherwise;
}
