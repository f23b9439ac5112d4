using System.Runtime.CompilerServices;
using Microsoft.Win32.SafeHandles;
using Strongroom.ObjectStores.Local;

namespace Strongroom.ObjectStores.Tests.Local;

/// <summary>One successful change of the disk, or a mark of the test's between them.</summary>
internal abstract record DiskStep
{
    public sealed record MakeDirectory(string Path) : DiskStep;

    public sealed record Create(string Path, int File) : DiskStep;

    public sealed record Write(int File, byte[] Bytes) : DiskStep;

    public sealed record Truncate(int File, long SizeBytes) : DiskStep;

    public sealed record Sync(int File) : DiskStep;

    public sealed record SyncDirectory(string Path) : DiskStep;

    public sealed record Link(string From, string To) : DiskStep;

    public sealed record Move(string From, string To) : DiskStep;

    public sealed record Remove(string Path) : DiskStep;

    /// <summary>The store reported an operation as done.</summary>
    public sealed record Reported : DiskStep;
}

/// <summary>The real calls, one at a time however many threads make them, with a record of what each did.</summary>
internal sealed class RecordingFileCalls : FileCalls
{
    private readonly ConditionalWeakTable<SafeFileHandle, object> _files = [];
    private readonly Lock _oneCall = new();
    private int _fileCount;

    public List<DiskStep> Steps { get; } = [];

    /// <summary>As on a file system that cannot refuse to replace while renaming.</summary>
    public bool LacksMoveNew { get; init; }

    public override int MakeDirectory(string path) => Record(() => base.MakeDirectory(path), () => new DiskStep.MakeDirectory(path));

    public override int CreateLocked(string path, out SafeFileHandle file)
    {
        lock (_oneCall)
        {
            int error = base.CreateLocked(path, out file);
            int number = ++_fileCount;
            _files.Add(file, number);
            return Record(() => error, () => new DiskStep.Create(path, number));
        }
    }

    public override int Write(SafeFileHandle file, ReadOnlySpan<byte> bytes)
    {
        byte[] written = bytes.ToArray();
        return Record(() => base.Write(file, written), () => new DiskStep.Write(Number(file), written));
    }

    public override int Truncate(SafeFileHandle file, long sizeBytes) =>
        Record(() => base.Truncate(file, sizeBytes), () => new DiskStep.Truncate(Number(file), sizeBytes));

    public override int Sync(SafeFileHandle file) =>
        // The base's sync of a directory comes by here too, with a handle that is not a file's.
        _files.TryGetValue(file, out _) ? Record(() => base.Sync(file), () => new DiskStep.Sync(Number(file))) : base.Sync(file);

    public override int SyncDirectory(string path) => Record(() => base.SyncDirectory(path), () => new DiskStep.SyncDirectory(path));

    public override int Link(string from, string to) => Record(() => base.Link(from, to), () => new DiskStep.Link(from, to));

    public override int Move(string from, string to) => Record(() => base.Move(from, to), () => new DiskStep.Move(from, to));

    public override int MoveNew(string from, string to) =>
        LacksMoveNew ? Errno.InvalidArgument : Record(() => base.MoveNew(from, to), () => new DiskStep.Move(from, to));

    public override int Remove(string path) => Record(() => base.Remove(path), () => new DiskStep.Remove(path));

    private int Number(SafeFileHandle file) => _files.TryGetValue(file, out object? number) ? (int)number : 0;

    private int Record(Func<int> call, Func<DiskStep> step)
    {
        lock (_oneCall)
        {
            int error = call();
            if (error == 0)
                Steps.Add(step());
            return error;
        }
    }
}
