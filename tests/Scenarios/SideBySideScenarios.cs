using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;

namespace Strongroom.Scenarios;

/// <summary>
/// Backups, restores, deletions, collections and checks of one repository, each a process of its own, side by side, and many of them
/// killed with no warning. All the while, and at the end: what was committed restores bit-exact, what was reported stays, the check is clean.
/// </summary>
[Trait("Category", "Slow")]
public sealed class SideBySideScenarios
{
    private const string Length = "STRONGROOM_TEST_SIDE_BY_SIDE_SECONDS";
    private const string First = "STRONGROOM_TEST_FIRST";
    private const int ImageBytes = 12 << 20;
    private const int Block = 64 << 10;

    /// <summary>A killed session is given up soon; a live one, on a machine that is busy, seldom by mistake, and then it fails.</summary>
    private static readonly string[] _pace = ["--heartbeat", "1"];
    private static readonly string[] _deadAfter = ["--dead-after", "0.15"];

    [Fact]
    public async Task Killed_at_random_beside_each_other_they_keep_every_promise()
    {
        int seconds = Setting(Length, 25);
        int seed = Setting(First, Environment.ProcessId);
        using var directory = new TemporaryDirectory();
        var world = new World(directory, seed);
        await world.Init();

        var end = TimeSpan.FromSeconds(seconds);
        long start = Stopwatch.GetTimestamp();
        bool Goes() => Stopwatch.GetElapsedTime(start) < end && world.Violations.IsEmpty;
        await Task.WhenAll(
            Loop(Goes, () => world.BackUp(0)),
            Loop(Goes, () => world.BackUp(1)),
            Loop(Goes, () => world.Restore()),
            Loop(Goes, () => world.Delete()),
            Loop(Goes, () => world.Collect()),
            Loop(Goes, () => world.Check()));
        string said = $"seed {seed}, {seconds} s: {world.Counts}";
        TestContext.Current.TestOutputHelper?.WriteLine(said);
        Console.Error.WriteLine(said);
        Assert.True(world.Violations.IsEmpty, $"{said}\n{string.Join('\n', world.Violations)}");

        await world.AssertAllIsWell();
    }

    private static async Task Loop(Func<bool> goes, Func<Task> step)
    {
        while (goes())
            await step();
    }

    private static int Setting(string variable, int otherwise) =>
        Environment.GetEnvironmentVariable(variable) is { Length: > 0 } value ? int.Parse(value, CultureInfo.InvariantCulture) : otherwise;

    /// <summary>What is known of the repository from outside. An image begins with the number of its version, which tells a restored one's sum.</summary>
    private sealed class World(TemporaryDirectory directory, int seed)
    {
        private readonly string[] repository =
            ["--repo", directory["repository"], "--key-file", directory["key"], .. _pace];
        private readonly ConcurrentDictionary<long, string> sums = new();
        private readonly ConcurrentDictionary<string, bool> committed = new();
        private readonly ConcurrentDictionary<string, bool> touched = new();
        private readonly ConcurrentDictionary<string, int> counts = new();
        private readonly Random random = new(seed);
        private readonly Lock gate = new();
        private long version;

        public ConcurrentQueue<string> Violations { get; } = new();

        public string Counts => string.Join(", ", counts.OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair => $"{pair.Key} {pair.Value}"));

        public async Task Init()
        {
            await File.WriteAllBytesAsync(directory["key"], RandomNumberGenerator.GetBytes(32));
            await StrongroomBinary.Do(null, "repo", "init", "--repo", directory["repository"], "--key-file", directory["key"]);
        }

        public async Task BackUp(int image)
        {
            string path = directory[$"image-{image}"];
            WriteNext(path, image);
            if (await Run("backup", mayFail: true, [path, "--level", "1", "-f", "json"]) is not { } output)
                return;
            using var made = JsonDocument.Parse(output);
            committed[made.RootElement[0].GetProperty("id").GetString()!] = true;
        }

        public async Task Restore()
        {
            if (Choose() is not { } id)
                return;
            string target = directory[$"restored-{Guid.NewGuid():N}"];
            string? output = await Run("restore", mayFail: touched.ContainsKey(id), [id, "--to", target], () => touched.ContainsKey(id));
            if (output is not null)
                await Compare(id, target);
            File.Delete(target);
        }

        public async Task Delete()
        {
            // One in a while: there has to be something to restore, and something to collect.
            await Task.Delay(TimeSpan.FromSeconds(1));
            if (committed.Count < 6 || Choose() is not { } id)
                return;
            touched[id] = true;
            committed.TryRemove(id, out _);
            await Run("delete", mayFail: false, [id]);
        }

        public Task Collect() => Run("gc", mayFail: true, [.. _deadAfter, "--rewrite-above", "0.05"]);

        public async Task Check() => await Run("check", mayFail: false, [Next(2) == 0 ? "--read-data" : "-fjson"]);

        /// <summary>Everything has stopped: what was killed is taken for dead and collected, and every backup there is, reported or not, restores.</summary>
        public async Task AssertAllIsWell()
        {
            await StrongroomBinary.Do(null, ["repo", "gc", .. _deadAfter, .. repository]);
            await StrongroomBinary.Do(null, ["repo", "gc", .. repository]);
            string listed = await StrongroomBinary.Do(null, ["repo", "list", "-f", "json", .. repository]);
            using var list = JsonDocument.Parse(listed);
            var ids = list.RootElement.EnumerateArray().Select(row => row.GetProperty("id").GetString()!).ToHashSet();
            Assert.Empty(committed.Keys.Except(ids));
            string target = directory["last"];
            foreach (string id in ids)
            {
                await StrongroomBinary.Do(null, ["repo", "restore", id, "--to", target, .. repository]);
                await Compare(id, target);
                File.Delete(target);
            }

            Assert.True(Violations.IsEmpty, string.Join('\n', Violations));
            await StrongroomBinary.Do(null, ["repo", "check", "--read-data", .. repository]);
            Assert.Empty(Directory.GetFiles(Path.Combine(directory["repository"], "domains", "default", "sessions")));
            TestContext.Current.TestOutputHelper?.WriteLine($"{ids.Count} backups at the end, all bit-exact");
            Console.Error.WriteLine($"{ids.Count} backups at the end, all bit-exact");
        }

        private int Next(int below)
        {
            lock (gate)
                return random.Next(below);
        }

        private string? Choose()
        {
            string[] all = [.. committed.Keys];
            return all.Length == 0 ? null : all[Next(all.Length)];
        }

        /// <summary>A new version of an image: some blocks noise, some text, some holes, mostly those it had.</summary>
        private void WriteNext(string path, int image)
        {
            byte[] bytes = File.Exists(path) ? File.ReadAllBytes(path) : new byte[ImageBytes];
            int changes = bytes[0] == 0 ? ImageBytes / Block : Next(20);
            for (int i = 0; i < changes; i++)
            {
                int at = bytes[0] == 0 ? i : Next(ImageBytes / Block);
                var block = bytes.AsSpan(at * Block, Block);
                var noise = new Random(Next(40)); // few of them, so that chunks that died come back
                switch (Next(3))
                {
                    case 0:
                        noise.NextBytes(block);
                        break;
                    case 1:
                        block.Fill((byte)noise.Next(256));
                        noise.NextBytes(block[..64]);
                        break;
                    default:
                        block.Clear();
                        break;
                }
            }

            long number = (Interlocked.Increment(ref version) << 8) | (uint)(image + 1);
            BitConverter.TryWriteBytes(bytes, number);
            File.WriteAllBytes(path, bytes);
            sums[number] = Convert.ToHexString(SHA256.HashData(bytes));
        }

        private async Task Compare(string id, string path)
        {
            byte[] bytes = await File.ReadAllBytesAsync(path);
            long number = BitConverter.ToInt64(bytes);
            if (!sums.TryGetValue(number, out string? sum) || sum != Convert.ToHexString(SHA256.HashData(bytes)))
                Violations.Enqueue($"backup {id} restores as other bytes");
        }

        /// <summary>Runs a command, and kills it in four of ten cases.</summary>
        /// <param name="excuse">Asked after a failure: whether something happened meanwhile that allows it.</param>
        /// <returns>Its output; null when it was killed, or failed as it may.</returns>
        private async Task<string?> Run(string verb, bool mayFail, string[] arguments, Func<bool>? excuse = null)
        {
            bool kills = Next(10) < 4;
            var moment = TimeSpan.FromMilliseconds(Next(verb == "gc" ? 6000 : 1500));
            using Process process = Process.Start(StrongroomBinary.StartInfo(["repo", verb, .. arguments, .. repository]))!;
            process.StandardInput.Close();
            Task<string> output = process.StandardOutput.ReadToEndAsync();
            Task<string> error = process.StandardError.ReadToEndAsync();
            using var timer = new CancellationTokenSource(kills ? moment : TimeSpan.FromMinutes(5));
            try
            {
                await process.WaitForExitAsync(timer.Token);
            }
            catch (OperationCanceledException)
            {
                process.Kill();
                await process.WaitForExitAsync();
                counts.AddOrUpdate($"{verb} killed", 1, (_, count) => count + 1);
                if (!kills)
                    Violations.Enqueue($"repo {verb} hung: {await error}");
                return null;
            }

            if (process.ExitCode == 0)
            {
                counts.AddOrUpdate(verb, 1, (_, count) => count + 1);
                return await output;
            }

            counts.AddOrUpdate($"{verb} refused", 1, (_, count) => count + 1);
            string said = await error;
            bool isAllowed = (mayFail && (said.Contains("took it for dead", StringComparison.Ordinal) || said.Contains("collection", StringComparison.Ordinal)))
                || excuse?.Invoke() == true;
            if (!isAllowed)
                Violations.Enqueue($"repo {verb} {string.Join(' ', arguments)} ended with {process.ExitCode}: {said} {await output}");
            return null;
        }
    }
}
