using System.Collections.Concurrent;
using System.Text;

namespace Strongroom.ObjectStores.Local;

/// <summary>A store in a directory of a local or network file system: one plain file per object, under the object's name.</summary>
/// <remarks>
/// <para><b>Put.</b> The bytes go to a temporary file under <c>.uploads</c>, which is synced, then renamed to its name in one
/// step, then the directory that holds the name is synced. The temporary file's own directory is not: a temporary name
/// that a loss of power brings back is only litter.</para>
/// <para><b>Litter.</b> A process that dies leaves temporary files. Every one is locked by whoever writes it, so the next
/// opening removes exactly those that can be locked; no clock and no process id is compared, and a store shared by
/// several machines is safe wherever the file system's locks are.</para>
/// <para><b>Foreign entries</b>, whatever is no regular file or directory of a possible name, are neither listed nor read;
/// symbolic links below the store's directory are not followed.</para>
/// <para>An object cannot have the name of a directory: after a put of <c>a/b</c>, a put of <c>a</c> fails as
/// <see cref="ObjectStoreFailure.Invalid"/>.</para>
/// </remarks>
public sealed class LocalObjectStore : IObjectStore
{
    /// <summary>Where temporary files are; no object's name begins with a dot.</summary>
    internal const string UploadsDirectory = ".uploads";

    private const int KnownDirectoriesMax = 65_536; // then they are looked at anew; a bound on memory, about 10 MiB

    private readonly string _root;
    private readonly byte[] _rootBytes;
    private readonly FileCalls _calls;
    private readonly ConcurrentDictionary<string, byte> _durableDirectories = new(StringComparer.Ordinal);

    internal LocalObjectStore(string directory, FileCalls calls)
    {
        if (directory.Length == 0 || directory.Contains('\0', StringComparison.Ordinal))
            throw new ObjectStoreException(ObjectStoreFailure.Invalid, $"'{directory}' is no path of a directory.");
        _root = Path.TrimEndingDirectorySeparator(Path.GetFullPath(directory));
        if (_root == "/")
            throw new ObjectStoreException(ObjectStoreFailure.Invalid, $"'{directory}': the root of the file system cannot be a store.");
        _rootBytes = Encoding.UTF8.GetBytes(_root + "/");
        if (_rootBytes.Length + ObjectName.MaxLength + 1 > NativeFile.MaxPathBytes)
            throw new ObjectStoreException(ObjectStoreFailure.Invalid, $"'{directory}': the path is too long for a store.");
        _calls = calls;
    }

    public string Address => "file:" + _root;

    /// <summary>The bytes are with the system by then; only the sync is waited for.</summary>
    public int CommitsAtOnce => 4;

    /// <summary>
    /// Opens the store in <paramref name="directory"/>. A directory that does not exist is an empty store; the first put
    /// makes it.
    /// </summary>
    /// <param name="removeLitter">Whether to remove what dead processes left of their uploads.</param>
    /// <exception cref="ObjectStoreException">
    /// <see cref="ObjectStoreFailure.Invalid"/>: the path is empty, the root of the file system, or longer than about 3,500 bytes.
    /// </exception>
    public static LocalObjectStore Open(string directory, bool removeLitter = true)
    {
        var store = new LocalObjectStore(directory, new FileCalls());
        if (removeLitter)
            store.RemoveLitter();
        return store;
    }

    public async ValueTask<ObjectUpload> PutAsync(string name, PutMode mode, long sizeHintBytes, CancellationToken cancellationToken)
    {
        ObjectName.Check(name);
        ArgumentOutOfRangeException.ThrowIfNegative(sizeHintBytes);
        cancellationToken.ThrowIfCancellationRequested();
        EnsureDirectory(UploadsDirectory, name);
        return LocalUpload.Begin(this, _calls, name, mode, sizeHintBytes);
    }

    public ValueTask<int> GetAsync(string name, long offset, Memory<byte> destination, CancellationToken cancellationToken)
    {
        ObjectName.Check(name);
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        if (cancellationToken.IsCancellationRequested)
            return ValueTask.FromCanceled<int>(cancellationToken);
        // Synchronous on purpose: .NET's asynchronous file reads cost 10 to 70 % more and are the same call on a pool thread.
        int error = NativeFile.Read(PathWithZero(name, stackalloc byte[NativeFile.MaxPathBytes]), offset, destination.Span, out int read);
        return error == 0
            ? ValueTask.FromResult(read)
            : ValueTask.FromException<int>(Errno.WhileReading(error, $"cannot read {name} in {Address}"));
    }

    public async ValueTask<ObjectStat?> StatAsync(string name, CancellationToken cancellationToken)
    {
        ObjectName.Check(name);
        cancellationToken.ThrowIfCancellationRequested();
        int error = NativeFile.Look(PathWithZero(name, stackalloc byte[NativeFile.MaxPathBytes]), out var kind, out long sizeBytes);
        if (error is Errno.NoEntry or Errno.NotDirectory)
            return null;
        if (error != 0)
            throw Errno.WhileReading(error, $"cannot look at {name} in {Address}");
        return kind == EntryKind.File ? new ObjectStat(name, sizeBytes) : null;
    }

    public IAsyncEnumerable<ObjectStat> ListAsync(string prefix, CancellationToken cancellationToken)
    {
        ObjectName.CheckPrefix(prefix);
        return new LocalListing(_root, Address, prefix).EnumerateAsync(cancellationToken);
    }

    public async ValueTask DeleteAsync(string name, CancellationToken cancellationToken)
    {
        ObjectName.Check(name);
        cancellationToken.ThrowIfCancellationRequested();
        await Task.Run(() => Delete(name), CancellationToken.None);
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    /// <param name="name">Of an object or a directory; empty: the store's own.</param>
    internal string FullPath(string name) => name.Length == 0 ? _root : $"{_root}/{name}";

    internal static string DirectoryOf(string name) => name.LastIndexOf('/') is var slash and > 0 ? name[..slash] : "";

    /// <summary>Makes the directory and all above it, down from the store's root; on return their entries are durable.</summary>
    /// <param name="directory">Below the root; empty: the root.</param>
    /// <param name="name">The object it is needed for, for messages.</param>
    internal void EnsureDirectory(string directory, string name)
    {
        if (_durableDirectories.ContainsKey(directory))
            return;
        if (directory.Length == 0)
        {
            EnsureRoot(_root, name);
        }
        else
        {
            string parent = DirectoryOf(directory);
            EnsureDirectory(parent, name);
            string path = FullPath(directory);
            int error = _calls.MakeDirectory(path);
            if (error == Errno.Exists && NativeFile.Look(path, out var kind, out _) == 0 && kind != EntryKind.Directory)
                error = Errno.NotDirectory;
            if (error is not (0 or Errno.Exists))
                throw WriteFailure(error, name);
            // Also when it was there: whoever made it a moment ago may not have come this far yet.
            error = _calls.SyncDirectory(FullPath(parent));
            if (error != 0)
                throw WriteFailure(error, name);
        }

        if (_durableDirectories.Count >= KnownDirectoriesMax)
            _durableDirectories.Clear();
        _durableDirectories[directory] = 0;
    }

    /// <summary>Someone took a directory away: what was known of them is not.</summary>
    internal void ForgetDirectories() => _durableDirectories.Clear();

    internal ObjectStoreException WriteFailure(int error, string name) => Errno.WhileWriting(error, $"cannot write {name} in {Address}");

    private void EnsureRoot(string path, string name)
    {
        string parent = Path.GetDirectoryName(path)!;
        int made = _calls.MakeDirectory(path);
        if (made == Errno.NoEntry)
        {
            EnsureRoot(parent, name);
            made = _calls.MakeDirectory(path);
        }

        if (made is not (0 or Errno.Exists))
            throw WriteFailure(made, name);
        int error = _calls.SyncDirectory(parent);
        // A directory that an administrator made below one we may not read has long been durable.
        if (error != 0 && !(made == Errno.Exists && error is Errno.AccessDenied or Errno.NotPermitted))
            throw WriteFailure(error, name);
    }

    private void Delete(string name)
    {
        int error = _calls.Remove(FullPath(name));
        // A directory of that name is no object; nor is anything below a file.
        if (error is Errno.IsDirectory or Errno.NotDirectory)
            return;
        if (error is not (0 or Errno.NoEntry))
            throw Errno.WhileWriting(error, $"cannot delete {name} in {Address}");
        // Also when it was gone already: whoever removed it may not have come this far yet.
        string directory = DirectoryOf(name);
        error = _calls.SyncDirectory(FullPath(directory));
        if (error is not (0 or Errno.NoEntry or Errno.NotDirectory))
            throw Errno.WhileWriting(error, $"cannot make the deletion of {name} in {Address} durable");
    }

    private void RemoveLitter()
    {
        string uploads = FullPath(UploadsDirectory);
        try
        {
            foreach (string path in Directory.EnumerateFiles(uploads))
            {
                // Opening, locking and removing may each fail because the file is in use, or not ours to remove: then it stays.
                if (!LocalUpload.IsTemporaryName(Path.GetFileName(path)) || NativeFile.Open(path, NativeFile.ReadWrite, out var file) != 0)
                    continue;
                using (file)
                {
                    if (NativeFile.TryLock(file) == 0)
                        _ = _calls.Remove(path);
                }
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // No store yet, or one that may only be read: there is nothing to clean, or nobody allowed to.
        }
    }

    private ReadOnlySpan<byte> PathWithZero(string name, Span<byte> buffer)
    {
        _rootBytes.CopyTo(buffer);
        int length = _rootBytes.Length + Encoding.ASCII.GetBytes(name, buffer[_rootBytes.Length..]);
        buffer[length] = 0;
        return buffer[..(length + 1)];
    }
}
