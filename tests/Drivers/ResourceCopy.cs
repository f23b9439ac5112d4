using Strongroom.Drivers.Testing;

namespace Strongroom.Drivers.Tests;

/// <summary>Copies from a source to a target as a backup and its restore would, without a repository between.</summary>
internal static class ResourceCopy
{
    /// <returns>What the source and then the target reported.</returns>
    internal static async Task<List<TreeProblem>> Copy(
        IResourceDriver driver, string from, string to, bool removeOthers = false)
    {
        await using ISource source = await driver.OpenSourceAsync(from, default);
        await using ITarget target = await driver.OpenTargetAsync(
            to, new TargetRequest((source as IDiskSource)?.SizeBytes ?? 0), default);
        List<TreeProblem> problems = source is IDiskSource disk
            ? CopyDisk(disk, (IDiskTarget)target)
            : CopyTree((ITreeSource)source, (ITreeTarget)target, removeOthers);
        await target.CompleteAsync(default);
        return problems;
    }

    private static List<TreeProblem> CopyDisk(IDiskSource source, IDiskTarget target)
    {
        const int piece = 256 * 1024;
        byte[] buffer = new byte[piece];
        long at = 0;
        foreach (DiskExtent extent in source.DataExtents(0, source.SizeBytes))
        {
            if (!target.StartsZeroed)
                target.WriteZeros(at, extent.Offset - at);
            at = extent.Offset + extent.LengthBytes;
            for (long offset = extent.Offset; offset < at; offset += piece)
            {
                Span<byte> bytes = buffer.AsSpan(0, (int)Math.Min(piece, at - offset));
                source.Read(offset, bytes);
                target.Write(offset, bytes);
            }
        }

        if (!target.StartsZeroed)
            target.WriteZeros(at, source.SizeBytes - at);
        return [];
    }

    private static List<TreeProblem> CopyTree(ITreeSource source, ITreeTarget target, bool removeOthers)
    {
        var problems = new List<TreeProblem>();
        var firstNames = new Dictionary<(ulong, ulong), TreePath>();
        CopyDirectory(TreePath.Root, source.Root);
        problems.AddRange(target.Problems);
        return problems;

        void CopyDirectory(TreePath directory, TreeEntry entry)
        {
            target.CreateDirectory(directory, entry);
            List<TreeEntry> children = [.. source.List(directory, problems)];
            if (removeOthers)
                target.RemoveOthers(directory, [.. children.Select(child => child.Name)]);
            foreach (TreeEntry child in children)
            {
                TreePath path = directory.Append(child.Name);
                if (child.Type == TreeEntryType.Directory)
                    CopyDirectory(path, child);
                else if (child.LinkCount > 1 && firstNames.TryGetValue((child.Device, child.Inode), out TreePath first))
                    target.CreateHardLink(path, first);
                else if (child.Type == TreeEntryType.File)
                    CopyFile(source, target, path);
                else
                    target.CreateSpecial(path, child);
                if (child.LinkCount > 1)
                    firstNames.TryAdd((child.Device, child.Inode), path);
            }

            target.FinishDirectory(directory, entry);
        }
    }

    private static void CopyFile(ITreeSource source, ITreeTarget target, TreePath path)
    {
        using ITreeFile file = source.OpenFile(path);
        using ITreeTargetFile copy = target.CreateFile(path, file.EntryAtOpen);
        byte[] buffer = new byte[128 * 1024];
        for (DiskExtent? next = file.NextData(0); next is { } extent;)
        {
            int got = file.Read(extent.Offset, buffer.AsSpan(0, (int)Math.Min(buffer.Length, extent.LengthBytes)));
            copy.Write(extent.Offset, buffer.AsSpan(0, got));
            next = file.NextData(extent.Offset + got);
        }

        Assert.True(file.IsUnchanged());
        copy.Complete();
    }
}
