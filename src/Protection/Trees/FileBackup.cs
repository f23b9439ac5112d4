using System.Collections.Concurrent;
using Strongroom.Drivers;
using Strongroom.Repository;

namespace Strongroom.Protection.Trees;

/// <summary>Takes single files: decides whether one is unchanged, reads it, and tells when what was read is not of one state.</summary>
internal sealed class FileBackup(ITreeSource source, Action<TreePath, string> report, MemberTracker tracker, TimeProvider time)
{
    /// <summary>A file that changed while it was read is read once more, unless that takes long; a log will have grown again anyway.</summary>
    private const long ReadAgainMaxBytes = 64 << 20;

    /// <summary>Files of several names whose content is remembered, so that it is read once. Some 100 bytes to 2 KiB each.</summary>
    private const int RememberedMax = 1 << 16;

    /// <summary>
    /// The coarsest clock of common file systems (FAT: two seconds). A file changed so lately may change again without its
    /// times telling, so that its times are no evidence in the next backup.
    /// </summary>
    private static readonly long DoubtNs = 2_000_000_000;

    private readonly ConcurrentDictionary<(ulong Device, ulong Inode), StoredEntry> severalNames = new();

    /// <summary>True when the file is as the backup before has it, so that it need not be opened.</summary>
    internal static bool IsUnchanged(TreeEntry entry, StoredEntry? before) =>
        before is { Type: StoredEntryType.File, Content: { IsComplete: true } content }
        && before.ChangedNs != 0
        && before.ChangedNs == entry.ChangedNs
        && before.ModifiedNs == entry.ModifiedNs
        && before.Inode == entry.Inode
        && before.SizeBytes == entry.SizeBytes
        && content.LengthBytes == entry.SizeBytes;

    /// <summary>The content of another name of the same file, taken a moment ago; null when there is none.</summary>
    internal FileContent? FindOtherName(TreeEntry entry) =>
        entry.LinkCount > 1
        && severalNames.TryGetValue((entry.Device, entry.Inode), out StoredEntry? other)
        && IsUnchanged(entry, other)
            ? other.Content
            : null;

    /// <summary>Of a file that has several names: its content, complete, is that of the others too.</summary>
    internal void Remember(StoredEntry? entry)
    {
        if (entry is { Type: StoredEntryType.File, LinkCount: > 1 } && severalNames.Count < RememberedMax)
            severalNames.TryAdd((entry.Device, entry.Inode), entry);
    }

    /// <summary>
    /// Reads a file and stores what is new of it. Null when it cannot be read at all, which is reported. The content may be
    /// complete only after <see cref="TreeWorker.CompleteAsync"/>.
    /// </summary>
    internal async Task<StoredEntry?> StoreAsync(
        TreeWorker worker, TreePath path, StoredEntry? before, CancellationToken cancellationToken)
    {
        try
        {
            for (int attempt = 0; ; attempt++)
            {
                using ITreeFile file = source.OpenFile(path);
                TreeEntry entry = file.EntryAtOpen;
                var reading = new FileReading(file, tracker, cancellationToken);
                FileContent content = await worker.StoreAsync(reading, entry.SizeBytes, before, cancellationToken);
                bool isWhole = file.IsUnchanged();
                if (!isWhole && attempt == 0 && entry.SizeBytes <= ReadAgainMaxBytes)
                    continue;
                if (file.Problem is not null)
                    report(path, file.Problem);
                if (!isWhole)
                    report(path, "it changed while it was read, so what was taken is not of one state");
                tracker.Advance(Math.Max(0, entry.SizeBytes - reading.ReadBytes));
                return EntryShape.ToStored(entry, path, report) with
                {
                    Content = content,
                    ChangedNs = isWhole && IsOld(entry.ChangedNs) ? entry.ChangedNs : 0,
                };
            }
        }
        catch (DriverException e)
        {
            report(path, e.Failure == DriverFailure.Missing ? "it vanished before it was read" : $"it is not in the backup: {e.Message}");
            return null;
        }
    }

    private bool IsOld(long changedNs) =>
        changedNs < ((time.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks * 100) - DoubtNs;
}
