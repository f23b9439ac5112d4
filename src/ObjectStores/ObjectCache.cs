using System.Globalization;

namespace Strongroom.ObjectStores;

/// <summary>
/// Bytes of objects that never change, on the local disk, as far as a bound allows: the least recently used go first. It keeps
/// what the store holds, sealed as it is there, and promises nothing: whoever reads from it checks what came, as if a stranger
/// had sent it, and drops what does not fit (<see cref="Forget"/>). Any number of processes may share one.
/// </summary>
/// <remarks>
/// One file per piece, <c>OWNER/OBJECT NAME/OFFSET-LENGTH</c>, or <c>whole</c> for all of an object; written beside and renamed,
/// never synced. A disk that is full, broken or not ours costs the cache and nothing else.
/// </remarks>
public sealed class ObjectCache
{
    private const string Whole = "whole";
    private const string Unfinished = ".tmp";

    /// <summary>No single object may push out everything else.</summary>
    private const int ShareOfOne = 8;

    /// <summary>Uses are noted in the files' times no more often than this.</summary>
    private static readonly TimeSpan _useGrain = TimeSpan.FromHours(1);
    private static readonly TimeSpan _abandonedAfter = TimeSpan.FromDays(1);

    private readonly string _root;
    private readonly string _own;
    private readonly long _maxBytes;
    private readonly TimeProvider _time;
    private long _grownBytes;
    private volatile bool _isBroken;

    /// <param name="directory">Made when missing, readable by its owner only; shared with other owners, who are bounded together.</param>
    /// <param name="owner">Whose objects they are: equal names of equal owners are equal objects. One segment of an object name.</param>
    /// <param name="maxBytes">Of all owners' files. Passed by an eighth at most while nobody trims.</param>
    public ObjectCache(string directory, string owner, long maxBytes, TimeProvider time)
    {
        ObjectName.Check(owner);
        ArgumentOutOfRangeException.ThrowIfLessThan(maxBytes, 1 << 20);
        (_root, _own, _maxBytes, _time) = (directory, Path.Combine(directory, owner), maxBytes, time);
    }

    /// <summary>Objects larger than this are kept in pieces only.</summary>
    public long WholeBytesMax => _maxBytes / ShareOfOne;

    /// <summary>Fills <paramref name="destination"/> with what the object holds from <paramref name="offset"/>, or says that it is not here.</summary>
    public bool TryRead(string name, long offset, Span<byte> destination) =>
        TryReadFile(PathOf(name, Whole), offset, destination) || TryReadFile(PathOf(name, PieceOf(offset, destination.Length)), 0, destination);

    /// <summary>Keeps a piece of an object.</summary>
    public void Keep(string name, long offset, ReadOnlySpan<byte> bytes)
    {
        using var copy = Begin(name, PieceOf(offset, bytes.Length));
        copy?.Append(bytes);
        copy?.Complete();
    }

    /// <summary>Begins to keep an object as a whole; null when the cache cannot be written.</summary>
    public Copy? BeginWhole(string name) => Begin(name, Whole);

    /// <summary>Drops all of an object.</summary>
    /// <returns>True when there was something: then the store may give other bytes.</returns>
    public bool Forget(string name)
    {
        try
        {
            string path = Path.Combine(_own, name);
            if (!Directory.Exists(path))
                return false;
            Directory.Delete(path, recursive: true);
            return true;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // What cannot be dropped must not be read again.
            bool wasRead = !_isBroken;
            _isBroken = true;
            return wasRead;
        }
    }

    /// <summary>Brings the files of all owners within the bound, when this process has added any.</summary>
    public void Trim()
    {
        if (Interlocked.Exchange(ref _grownBytes, 0) == 0)
            return;
        try
        {
            var now = _time.GetUtcNow().UtcDateTime;
            var files = new List<(FileInfo File, long Bytes, DateTime UsedAt)>();
            foreach (var file in new DirectoryInfo(_root).EnumerateFiles("*", SearchOption.AllDirectories))
            {
                if (file.Extension == Unfinished && now - file.LastWriteTimeUtc > _abandonedAfter)
                    file.Delete();
                else
                    files.Add((file, file.Length, file.LastWriteTimeUtc));
            }

            long bytes = files.Sum(one => one.Bytes);
            foreach (var (file, size, _) in files.OrderBy(one => one.UsedAt))
            {
                if (bytes <= _maxBytes)
                    break;
                file.Delete();
                bytes -= size;
                RemoveEmpty(file.Directory);
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // Another process trims at the same time, or the disk is not ours: the next one will do it.
        }
    }

    private static string PieceOf(long offset, long length) => string.Create(CultureInfo.InvariantCulture, $"{offset}-{length}");

    private string PathOf(string name, string piece) => Path.Combine(_own, name, piece);

    private bool TryReadFile(string path, long offset, Span<byte> destination)
    {
        if (_isBroken)
            return false;
        try
        {
            // Most are not here: asking first is a hundred times cheaper than an exception.
            if (!File.Exists(path))
                return false;
            using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            if (offset + destination.Length > RandomAccess.GetLength(file))
                return false;
            for (int filled = 0; filled < destination.Length;)
            {
                int read = RandomAccess.Read(file, destination[filled..], offset + filled);
                if (read == 0)
                    return false;
                filled += read;
            }

            var now = _time.GetUtcNow().UtcDateTime;
            if (now - File.GetLastWriteTimeUtc(file) > _useGrain)
                File.SetLastWriteTimeUtc(path, now);
            return true;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private Copy? Begin(string name, string piece)
    {
        if (_isBroken)
            return null;
        try
        {
            Directory.CreateDirectory(_root, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            Directory.CreateDirectory(Path.Combine(_own, name));
            return new Copy(this, PathOf(name, piece));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            _isBroken = true;
            return null;
        }
    }

    private void Grow(long bytes)
    {
        if (Interlocked.Add(ref _grownBytes, bytes) > _maxBytes / ShareOfOne)
            Trim();
    }

    private static void RemoveEmpty(DirectoryInfo? directory)
    {
        if (directory is not null && !directory.EnumerateFileSystemInfos().Any())
            directory.Delete();
    }

    /// <summary>A file of the cache being written; disposed without <see cref="Complete"/> nothing of it stays. One user at a time.</summary>
    public sealed class Copy : IDisposable
    {
        private readonly ObjectCache _cache;
        private readonly string _path;
        private readonly string _unfinished;
        private FileStream? _file;

        internal Copy(ObjectCache cache, string path)
        {
            (_cache, _path, _unfinished) = (cache, path, $"{path}-{Guid.NewGuid():N}{Unfinished}");
            _file = new FileStream(_unfinished, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 0);
        }

        public void Append(ReadOnlySpan<byte> bytes)
        {
            try
            {
                _file?.Write(bytes);
                if (_file?.Length > _cache.WholeBytesMax)
                    Dispose();
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                _cache._isBroken = true;
                Dispose();
            }
        }

        public void Complete()
        {
            if (_file is null)
                return;
            try
            {
                long bytes = _file.Length;
                _file.Dispose();
                _file = null;
                File.Move(_unfinished, _path, overwrite: true);
                _cache.Grow(bytes);
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                // Forgotten or trimmed meanwhile, directory and all.
            }
        }

        public void Dispose()
        {
            if (_file is null)
                return;
            _file.Dispose();
            _file = null;
            try
            {
                File.Delete(_unfinished);
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                // A later trim removes it.
            }
        }
    }
}
