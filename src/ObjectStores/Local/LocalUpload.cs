using Microsoft.Win32.SafeHandles;

namespace Strongroom.ObjectStores.Local;

/// <summary>An object on its way into the directory; see <see cref="LocalObjectStore"/> for the order of the steps.</summary>
internal sealed class LocalUpload : ObjectUpload
{
    /// <summary>Below this, setting room aside costs more than it saves.</summary>
    private const long ReserveMinBytes = 1 << 20;

    /// <summary>So much is handed to the device at a time, while the caller makes the rest: a tenth off the time of a 32 MiB put.</summary>
    private const long WriteBehindBytes = 8 << 20;

    private readonly LocalObjectStore _store;
    private readonly FileCalls _calls;
    private readonly string _name;
    private readonly PutMode _mode;
    private readonly string _temporaryPath;
    private readonly SafeFileHandle _file;
    private long _reservedBytes;
    private long _sizeBytes;
    private long _handedOverBytes;
    private bool _ended;
    private bool _temporaryNameGone;

    private LocalUpload(LocalObjectStore store, FileCalls calls, string name, PutMode mode, string temporaryPath, SafeFileHandle file)
    {
        (_store, _calls, _name, _mode, _temporaryPath, _file) = (store, calls, name, mode, temporaryPath, file);
    }

    public static LocalUpload Begin(LocalObjectStore store, FileCalls calls, string name, PutMode mode, long sizeHintBytes)
    {
        // More than one is needed only when another process cleans up between the making of the file and its locking, which on a busy
        // machine may take a while.
        for (int attempt = 1; ; attempt++)
        {
            string path = store.FullPath($"{LocalObjectStore.UploadsDirectory}/{Guid.NewGuid():N}");
            int error = calls.CreateLocked(path, out var file);
            if (error == 0)
            {
                var upload = new LocalUpload(store, calls, name, mode, path, file);
                upload.Reserve(sizeHintBytes);
                return upload;
            }

            file.Dispose();
            if (error == Errno.NoEntry)
                store.ForgetDirectories();
            if (error != Errno.Stale || attempt == 100)
                throw store.WriteFailure(error, name);
        }
    }

    public static bool IsTemporaryName(string name) => Guid.TryParseExact(name, "N", out _);

    public override async ValueTask AppendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        End();
        cancellationToken.ThrowIfCancellationRequested();
        Require(_calls.Write(_file, bytes.Span));
        _sizeBytes += bytes.Length;
        if (_sizeBytes - _handedOverBytes >= WriteBehindBytes)
        {
            _calls.BeginWriting(_file, _handedOverBytes, _sizeBytes - _handedOverBytes);
            _handedOverBytes = _sizeBytes;
        }

        _ended = false;
    }

    public override async ValueTask CommitAsync(CancellationToken cancellationToken)
    {
        End();
        cancellationToken.ThrowIfCancellationRequested();
        // On a thread of its own, so that a caller can have several syncs under way. Once begun it runs to its end.
        await Task.Run(Commit, CancellationToken.None);
    }

    public override ValueTask DisposeAsync()
    {
        _ended = true;
        // The name goes before the lock does, so that nobody ever finds it unlocked.
        if (!_temporaryNameGone)
            _ = _calls.Remove(_temporaryPath);
        _temporaryNameGone = true;
        _file.Dispose();
        return ValueTask.CompletedTask;
    }

    private void Commit()
    {
        if (_reservedBytes > _sizeBytes)
            Require(_calls.Truncate(_file, _sizeBytes));
        Require(_calls.Sync(_file));
        string directory = LocalObjectStore.DirectoryOf(_name);
        _store.EnsureDirectory(directory, _name);
        int error = Publish(_store.FullPath(_name));
        if (error == Errno.NoEntry)
            _store.ForgetDirectories();
        if (error is not (0 or Errno.Exists))
            throw _store.WriteFailure(error, _name);
        // Also when the name was taken: who is told so may rely on the object that has it.
        Require(_calls.SyncDirectory(_store.FullPath(directory)));
        if (error == Errno.Exists)
            throw Taken();
        _file.Dispose();
    }

    /// <summary>The one step that makes the object visible.</summary>
    private int Publish(string path)
    {
        int error = _mode == PutMode.Replace ? _calls.Move(_temporaryPath, path) : _calls.MoveNew(_temporaryPath, path);
        // Network and user-space file systems often lack the renaming that refuses to replace.
        if (_mode == PutMode.CreateOnly && error is Errno.InvalidArgument or Errno.NoCall or Errno.NotSupported)
        {
            error = _calls.Link(_temporaryPath, path);
            // NFS may say so of a link it made itself, when the first answer was lost and the call repeated.
            if (error == Errno.Exists && NativeFile.Links(_file) == 2)
                error = 0;
            if (error == 0)
                _ = _calls.Remove(_temporaryPath);
        }

        _temporaryNameGone = error == 0;
        return error;
    }

    private ObjectStoreException Taken() =>
        NativeFile.Look(_store.FullPath(_name), out var kind, out _) == 0 && kind != EntryKind.File
            ? _store.WriteFailure(Errno.IsDirectory, _name)
            : new ObjectStoreException(ObjectStoreFailure.AlreadyExists, $"{_name} in {_store.Address} exists already.");

    private void Reserve(long sizeHintBytes)
    {
        // A hint that does not fit, or a file system that cannot, is no reason to fail: the writes will tell.
        if (sizeHintBytes >= ReserveMinBytes && _calls.Reserve(_file, sizeHintBytes) == 0)
            _reservedBytes = sizeHintBytes;
    }

    /// <summary>Ends the upload, until the step that begins here has succeeded.</summary>
    private void End()
    {
        if (_ended)
            throw new InvalidOperationException($"The upload of {_name} has ended; nothing can be added to it.");
        _ended = true;
    }

    private void Require(int error)
    {
        if (error != 0)
            throw _store.WriteFailure(error, _name);
    }
}
