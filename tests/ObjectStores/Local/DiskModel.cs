using Strongroom.ObjectStores.Local;

namespace Strongroom.ObjectStores.Tests.Local;

/// <summary>
/// What a loss of power may leave of recorded steps, by the weakest reading of the rules: an entry of a directory is safe once
/// that directory was synced, a file's bytes once the file was; of the rest any part may be there in any combination, a
/// rename by halves included.
/// </summary>
/// <param name="forgetsLitter">
/// Takes what becomes of temporary files as settled: no reader sees them, and their states would double those of every later step.
/// </param>
internal sealed class DiskModel(bool forgetsLitter = false)
{
    private const int Directory = 0;

    /// <summary>Sizes that disks write in one piece: what is torn is torn between two of them.</summary>
    private static readonly int[] Sectors = [512, 4096];

    private readonly Dictionary<string, int> _live = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _durable = new(StringComparer.Ordinal);
    private readonly List<(string Path, int? File)> _pending = [];
    private readonly Dictionary<int, byte[]> _contents = [];
    private readonly HashSet<int> _unsynced = [];

    public void Apply(DiskStep step)
    {
        switch (step)
        {
            case DiskStep.MakeDirectory made:
                Enter(made.Path, Directory);
                break;
            case DiskStep.Create created:
                _contents[created.File] = [];
                _unsynced.Add(created.File);
                Enter(created.Path, created.File);
                break;
            case DiskStep.Write written:
                _contents[written.File] = [.. _contents[written.File], .. written.Bytes];
                _unsynced.Add(written.File);
                break;
            case DiskStep.Truncate truncated:
                _contents[truncated.File] = _contents[truncated.File][..(int)truncated.SizeBytes];
                _unsynced.Add(truncated.File);
                break;
            case DiskStep.Sync synced:
                _unsynced.Remove(synced.File);
                break;
            case DiskStep.SyncDirectory synced:
                Settle(directory => directory == synced.Path);
                break;
            case DiskStep.Reported:
                // Nobody syncs the temporary names. What they may leave was tried during their own operation; to try it in every
                // later one as well would double the states with each.
                Settle(directory => directory.EndsWith(LocalObjectStore.UploadsDirectory, StringComparison.Ordinal));
                break;
            case DiskStep.Link linked:
                Enter(linked.To, _live[linked.From]);
                break;
            case DiskStep.Move moved:
                Enter(moved.To, _live[moved.From]);
                Enter(moved.From, null);
                break;
            case DiskStep.Remove removed:
                Enter(removed.Path, null);
                break;
        }
    }

    /// <summary>As after a sync of everything.</summary>
    public void SettleAll()
    {
        Settle(_ => true);
        _unsynced.Clear();
    }

    /// <summary>Every tree that may be found afterwards: paths with their bytes, null for a directory.</summary>
    public IEnumerable<SortedDictionary<string, byte[]?>> Images()
    {
        for (int subset = 0; subset < 1 << _pending.Count; subset++)
        {
            var entries = new Dictionary<string, int>(_durable, StringComparer.Ordinal);
            for (int i = 0; i < _pending.Count; i++)
            {
                if ((subset & (1 << i)) != 0)
                    Set(entries, _pending[i].Path, _pending[i].File);
            }

            for (int part = 0; part < (entries.Values.Any(_unsynced.Contains) ? TornParts : 1); part++)
                yield return Image(entries, part);
        }
    }

    private SortedDictionary<string, byte[]?> Image(Dictionary<string, int> entries, int part)
    {
        var image = new SortedDictionary<string, byte[]?>(StringComparer.Ordinal);
        foreach (var (path, file) in entries.OrderBy(entry => entry.Key, StringComparer.Ordinal))
        {
            // What lies in a directory that itself was lost is lost.
            string parent = Path.GetDirectoryName(path)!;
            if (Recorded(parent) && !image.ContainsKey(parent))
                continue;
            image[path] = file == Directory ? null : _unsynced.Contains(file) ? Torn(_contents[file], part) : _contents[file];
        }

        return image;
    }

    private static int TornParts => 2 + (3 * Sectors.Length);

    /// <summary>
    /// Nothing of it; all of it; and for each size of a sector: cut at the last whole one, its second half never written, or its
    /// first sector written after all the others, which is to say not at all.
    /// </summary>
    private static byte[] Torn(byte[] content, int part)
    {
        if (part < 2)
            return part == 0 ? [] : content;
        int sector = Sectors[(part - 2) / 3];
        int middle = content.Length / 2 / sector * sector;
        int first = Math.Min(sector, content.Length);
        return ((part - 2) % 3) switch
        {
            0 => content[..(Math.Max(0, content.Length - 1) / sector * sector)],
            1 => [.. content[..middle], .. new byte[content.Length - middle]],
            _ => [.. new byte[first], .. content[first..]],
        };
    }

    private bool Recorded(string directory) => _live.TryGetValue(directory, out int file) && file == Directory;

    private void Settle(Predicate<string> directories)
    {
        foreach (var (path, file) in _pending.Where(entry => directories(Path.GetDirectoryName(entry.Path)!)))
            Set(_durable, path, file);
        _pending.RemoveAll(entry => directories(Path.GetDirectoryName(entry.Path)!));
    }

    private void Enter(string path, int? file)
    {
        Set(_live, path, file);
        if (forgetsLitter && Path.GetDirectoryName(path)!.EndsWith(LocalObjectStore.UploadsDirectory, StringComparison.Ordinal))
            Set(_durable, path, file);
        else
            _pending.Add((path, file));
    }

    private static void Set(Dictionary<string, int> entries, string path, int? file)
    {
        if (file is { } number)
            entries[path] = number;
        else
            entries.Remove(path);
    }
}
