using Strongroom.Drivers;
using Strongroom.Repository;

namespace Strongroom.Protection.Trees;

/// <summary>
/// Writes one restored file to its target. What goes wrong with this file is reported and the others go on, unless the
/// target has no room left, which no other file would survive either.
/// </summary>
internal sealed class FileTargetSink : IFileSink
{
    private readonly TreeRestore restore;
    private readonly TreePath path;
    private readonly TreeEntry entry;
    private readonly ITreeTargetFile? file;
    private long writtenBytes;
    private int failures;

    internal FileTargetSink(TreeRestore restore, ITreeTarget target, TreePath path, StoredEntry stored)
    {
        this.restore = restore;
        this.path = path;
        entry = EntryShape.ToTree(stored);
        try
        {
            file = target.CreateFile(path, entry);
        }
        catch (DriverException e) when (e.Failure != DriverFailure.Full)
        {
            Fail(e);
        }
    }

    public void Write(long offset, ReadOnlySpan<byte> bytes)
    {
        Interlocked.Add(ref writtenBytes, bytes.Length);
        restore.Tracker.Advance(bytes.Length);
        if (Volatile.Read(ref failures) > 0)
            return;
        try
        {
            file!.Write(offset, bytes);
        }
        catch (DriverException e) when (e.Failure != DriverFailure.Full)
        {
            Fail(e);
        }
    }

    public void Complete()
    {
        restore.Tracker.Advance(entry.SizeBytes - writtenBytes);
        if (failures > 0)
            return;
        try
        {
            file!.Complete();
            restore.CountWritten(writtenBytes);
        }
        catch (DriverException e) when (e.Failure != DriverFailure.Full)
        {
            Fail(e);
        }
    }

    /// <summary>Without <see cref="Complete"/>, or after a failure, the target removes what was written.</summary>
    public void Dispose() => file?.Dispose();

    /// <summary>Several threads may fail on one file; it is one problem.</summary>
    private void Fail(DriverException cause)
    {
        if (Interlocked.Increment(ref failures) == 1)
            restore.ReportFile(path, entry, $"it is not restored: {cause.Message}");
    }
}
