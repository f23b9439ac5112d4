using System.IO.Enumeration;
using System.Runtime.CompilerServices;

namespace Strongroom.ObjectStores.Local;

/// <summary>
/// Lists a directory tree in ordinal order of names. Memory is bounded whatever the size of a directory: each level keeps
/// one page of names, the smallest beyond those it has yielded, and reads its directory again for the next page.
/// </summary>
internal sealed class LocalListing(string root, string address, string prefix, int pageNames = LocalListing.DefaultPageNames)
{
    private const int DefaultPageNames = 32_768; // about 5 MiB; a directory up to this size is read once

    public IAsyncEnumerable<ObjectStat> EnumerateAsync(CancellationToken cancellationToken) =>
        EnumerateAsync(LocalObjectStore.DirectoryOf(prefix), cancellationToken);

    private async IAsyncEnumerable<ObjectStat> EnumerateAsync(string directory, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        string last = "";
        for (bool more = true; more;)
        {
            cancellationToken.ThrowIfCancellationRequested();
            (var names, more) = await Task.Run(() => ReadPage(directory, last), cancellationToken);
            foreach (string name in names)
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (name[^1] == '/')
                {
                    await foreach (var below in EnumerateAsync(name[..^1], cancellationToken))
                        yield return below;
                }
                else if (TryLook($"{root}/{name}", out var kind, out long sizeBytes) && kind == EntryKind.File)
                {
                    yield return new ObjectStat(name, sizeBytes);
                }

                last = name;
            }
        }
    }

    /// <summary>The smallest names beyond <paramref name="last"/>, in order; directories end in a slash, which is how they sort.</summary>
    private (List<string> Names, bool More) ReadPage(string directory, string last)
    {
        string path = directory.Length == 0 ? root : $"{root}/{directory}";
        var names = new List<string>();
        if (!TryLook(path, out var kind, out _) || (kind != EntryKind.Directory && directory.Length > 0))
            return (names, false);
        string above = directory.Length == 0 ? "" : directory + "/";
        string? limit = null;
        bool more = false;
        try
        {
            foreach (string? name in new FileSystemEnumerable<string?>(path, (ref entry) => NameOf(ref entry, above), _everything))
            {
                if (name is null || string.CompareOrdinal(name, last) <= 0 || (limit is not null && string.CompareOrdinal(name, limit) > 0))
                    continue;
                names.Add(name);
                if (names.Count < 2 * pageNames)
                    continue;
                KeepSmallest(names);
                limit = names[^1];
                more = true;
            }
        }
        catch (DirectoryNotFoundException)
        {
            return ([], false);
        }
        catch (UnauthorizedAccessException exception)
        {
            throw new ObjectStoreException(ObjectStoreFailure.Denied, $"cannot list {path} in {address}: {exception.Message}", exception);
        }
        catch (IOException exception)
        {
            throw Errno.WhileReading(exception.HResult, $"cannot list {path} in {address}");
        }

        more |= names.Count > pageNames;
        KeepSmallest(names);
        return (names, more);
    }

    /// <returns>False when nothing is there any more.</returns>
    /// <exception cref="ObjectStoreException">It may be there: a listing without it would make others take it for gone.</exception>
    private bool TryLook(string path, out EntryKind kind, out long sizeBytes)
    {
        int error = NativeFile.Look(path, out kind, out sizeBytes);
        if (error == 0)
            return true;
        var failure = Errno.WhileReading(error, $"cannot list {path} in {address}");
        return failure.Failure == ObjectStoreFailure.NotFound ? false : throw failure;
    }

    private static readonly EnumerationOptions _everything = new()
    {
        AttributesToSkip = FileAttributes.None,
        IgnoreInaccessible = false,
        RecurseSubdirectories = false,
    };

    /// <summary>The entry's name in the store; null when it is foreign or outside the prefix.</summary>
    private string? NameOf(ref FileSystemEntry entry, string above)
    {
        if (!ObjectName.IsSegment(entry.FileName))
            return null;
        string name = entry.IsDirectory ? $"{above}{entry.FileName}/" : $"{above}{entry.FileName}";
        if (name.Length > ObjectName.MaxLength)
            return null;
        // A directory counts when the prefix leads into it, or to it.
        return name.StartsWith(prefix, StringComparison.Ordinal) ? name : null;
    }

    private void KeepSmallest(List<string> names)
    {
        names.Sort(StringComparer.Ordinal);
        if (names.Count > pageNames)
            names.RemoveRange(pageNames, names.Count - pageNames);
    }
}
