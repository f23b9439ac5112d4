using Strongroom.ObjectStores.Local;
using Strongroom.ObjectStores.Testing;

namespace Strongroom.ObjectStores.Tests.Local;

/// <summary>
/// Stops after every single change of the disk, in every state that a loss of power may leave, and opens the store again: what
/// was reported is there, what was not is there whole or not at all.
/// </summary>
public sealed class LocalCrashTests : IDisposable
{
    private static readonly CancellationToken _none = CancellationToken.None;
    private readonly TemporaryDirectory _directory = new(inMemory: true);
    private int _imageCount;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task After_every_step_the_store_is_as_before_or_after_the_operation(bool lacksMoveNew)
    {
        var recorded = await RecordAsync(lacksMoveNew);

        Assert.Null(await FirstViolationAsync(recorded));
        Assert.True(recorded.Steps.Count > 50 && _imageCount > 200, $"{recorded.Steps.Count} steps, {_imageCount} images");
        TestContext.Current.TestOutputHelper?.WriteLine($"{recorded.Steps.Count} steps, {_imageCount} images");
    }

    [Fact]
    public async Task The_check_itself_finds_a_sync_that_is_missing()
    {
        var recorded = await RecordAsync(lacksMoveNew: false);

        var needless = new List<DiskStep>();
        foreach (var sync in recorded.Steps.Where(step => step is DiskStep.Sync or DiskStep.SyncDirectory))
        {
            if (await FirstViolationAsync(recorded, without: sync) is null)
                needless.Add(sync);
        }

        // The sync that follows the making of .uploads, once in a process, is the only one that could be spared.
        Assert.Equal([new DiskStep.SyncDirectory(recorded.Root)], needless);
    }

    public void Dispose() => _directory.Dispose();

    private sealed record Recorded(string Root, List<DiskStep> Steps, List<SortedDictionary<string, byte[]>> States);

    /// <summary>Runs every kind of operation and records the steps, with the contents to expect after each operation.</summary>
    private async Task<Recorded> RecordAsync(bool lacksMoveNew)
    {
        string root = Path.Combine(_directory.Path, "made", "store");
        var calls = new RecordingFileCalls { LacksMoveNew = lacksMoveNew };
        await using var store = new LocalObjectStore(root, calls);
        var now = new SortedDictionary<string, byte[]>(StringComparer.Ordinal);
        var states = new List<SortedDictionary<string, byte[]>> { new(now, StringComparer.Ordinal) };

        await PutAsync("packs/ab/one", 1, PutMode.CreateOnly);
        await PutAsync("packs/ab/two", 2, PutMode.CreateOnly);
        await PutAsync("packs/cd/one", 3, PutMode.Replace);
        await PutAsync("root", 4, PutMode.Replace);
        await PutAsync("root", 5, PutMode.Replace);
        await DeleteAsync("packs/ab/one");
        await PutAsync("packs/ab/one", 6, PutMode.CreateOnly);
        await DeleteAsync("root");
        return new Recorded(root, calls.Steps, states);

        async Task PutAsync(string name, int seed, PutMode mode)
        {
            byte[] content = Bytes.Of(seed, 4000);
            await using (var upload = await store.PutAsync(name, mode, 2 << 20, _none))
            {
                await upload.AppendAsync(content.AsMemory(0, 1000), _none);
                await upload.AppendAsync(content.AsMemory(1000), _none);
                await upload.CommitAsync(_none);
            }

            now[name] = content;
            Report();
        }

        async Task DeleteAsync(string name)
        {
            await store.DeleteAsync(name, _none);
            now.Remove(name);
            Report();
        }

        void Report()
        {
            calls.Steps.Add(new DiskStep.Reported());
            states.Add(new SortedDictionary<string, byte[]>(now, StringComparer.Ordinal));
        }
    }

    /// <summary>The first state that is neither that before nor that after the operation under way; null when there is none.</summary>
    private async Task<string?> FirstViolationAsync(Recorded recorded, DiskStep? without = null)
    {
        var model = new DiskModel();
        int reported = 0;
        for (int i = 0; i <= recorded.Steps.Count; i++)
        {
            var before = recorded.States[reported];
            var after = recorded.States[Math.Min(reported + 1, recorded.States.Count - 1)];
            foreach (var image in model.Images())
            {
                var found = await ReadAsync(recorded.Root, image);
                if (!Same(found, before) && !Same(found, after))
                    return $"after step {i}: {string.Join(", ", found.Keys)}";
            }

            if (i == recorded.Steps.Count)
                break;
            if (recorded.Steps[i] is DiskStep.Reported)
                reported++;
            if (!ReferenceEquals(recorded.Steps[i], without))
                model.Apply(recorded.Steps[i]);
        }

        return null;
    }

    /// <summary>Lays the image out on the disk and reads it as the next process would.</summary>
    private async Task<SortedDictionary<string, byte[]>> ReadAsync(string root, SortedDictionary<string, byte[]?> image)
    {
        _imageCount++;
        string place = Path.Combine(_directory.Path, $"image-{_imageCount}");
        Directory.CreateDirectory(place);
        foreach (var (path, content) in image)
        {
            string there = Path.Combine(place, Path.GetRelativePath(_directory.Path, path));
            if (content is null)
                Directory.CreateDirectory(there);
            else
                await File.WriteAllBytesAsync(there, content);
        }

        string storePath = Path.Combine(place, Path.GetRelativePath(_directory.Path, root));
        await using var store = LocalObjectStore.Open(storePath);
        var found = new SortedDictionary<string, byte[]>(StringComparer.Ordinal);
        await foreach (var one in store.ListAsync("", _none))
            found[one.Name] = (await store.GetAllAsync(one.Name, 1 << 20, _none))!;
        string uploads = Path.Combine(storePath, LocalObjectStore.UploadsDirectory);
        Assert.False(Directory.Exists(uploads) && Directory.EnumerateFileSystemEntries(uploads).Any(), "litter was left");
        Directory.Delete(place, recursive: true);
        return found;
    }

    private static bool Same(SortedDictionary<string, byte[]> one, SortedDictionary<string, byte[]> other) =>
        one.Count == other.Count && one.All(entry => other.TryGetValue(entry.Key, out byte[]? content) && content.AsSpan().SequenceEqual(entry.Value));
}
