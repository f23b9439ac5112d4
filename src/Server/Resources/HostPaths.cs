using Strongroom.Contract.Resources;
using Strongroom.Drivers;
using Strongroom.Server.Http;

namespace Strongroom.Server.Resources;

/// <summary>
/// Paths of this host as they may be registered: they exist, are of the kind the resource needs, and neither lie in the
/// service's own data nor hold it. Who could back that up could read every project's keys.
/// </summary>
internal sealed class HostPaths(DriverCatalog drivers, string dataDirectory)
{
    // Like the kernel's own limit.
    private const int LinkCountMax = 40;

    private readonly string ownData = Resolve(Path.GetFullPath(dataDirectory), LinkCountMax);

    /// <summary>What is at <paramref name="path"/>, and who reads it.</summary>
    /// <exception cref="Contract.RefusedException">It cannot be registered as <paramref name="type"/>.</exception>
    public async ValueTask<MeasuredPath> MeasureAsync(string type, string path, CancellationToken cancellationToken)
    {
        string full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        try
        {
            string real = Resolve(full, LinkCountMax);
            if (Holds(ownData, real) || Holds(real, ownData))
                throw BodyReader.Refused($"{ShownText.Quoted(path)} holds the service's own data or lies in it: it cannot be registered.");
            IResourceDriver driver = drivers.ForSource(full);
            ResourceState state = await driver.InspectAsync(full, cancellationToken);
            ContentKind wanted = type == ResourceTypes.FileSystem ? ContentKind.Tree : ContentKind.Disk;
            if (state.Kind != wanted)
            {
                string needed = wanted == ContentKind.Tree ? "a directory" : "an image file or a block device";
                throw BodyReader.Refused($"{ShownText.Quoted(path)} must be {needed} to be registered as {type}.");
            }

            long sizeBytes = state is { Kind: ContentKind.Tree, SizeBytes: 0 }
                ? await TreeBytesAsync(driver, full, cancellationToken)
                : state.SizeBytes;
            return new MeasuredPath(full, driver.Name, sizeBytes);
        }
        catch (Exception error) when (error is DriverException or IOException or UnauthorizedAccessException)
        {
            throw BodyReader.Refused($"{ShownText.Quoted(path)} cannot be registered: {error.Message}.");
        }
    }

    /// <summary>The files of a tree added up, by the driver, which knows names that are not UTF-8; what cannot be looked into counts nothing.</summary>
    private static async ValueTask<long> TreeBytesAsync(IResourceDriver driver, string directory, CancellationToken cancellationToken)
    {
        await using var tree = (ITreeSource)await driver.OpenSourceAsync(directory, cancellationToken);
        long bytes = 0;
        var problems = new List<TreeProblem>();
        var directories = new Stack<TreePath>([TreePath.Root]);
        while (directories.TryPop(out TreePath at))
        {
            cancellationToken.ThrowIfCancellationRequested();
            problems.Clear();
            try
            {
                foreach (TreeEntry entry in tree.List(at, problems))
                {
                    bytes += entry.SizeBytes;
                    if (entry.Type == TreeEntryType.Directory)
                        directories.Push(at.Append(entry.Name));
                }
            }
            catch (DriverException)
            {
                // Gone or closed to us: a backup will say so.
            }
        }

        return bytes;
    }

    private static bool Holds(string directory, string path) =>
        path == directory || path.StartsWith(directory.EndsWith('/') ? directory : directory + "/", StringComparison.Ordinal);

    /// <summary>The path with every symbolic link on it followed; what does not exist stays as it is.</summary>
    private static string Resolve(string path, int linksLeft)
    {
        string resolved = "/";
        foreach (string part in path.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            string next = Path.Combine(resolved, part);
            string? target = Directory.ResolveLinkTarget(next, returnFinalTarget: false)?.FullName;
            if (target is not null && linksLeft == 0)
                throw new IOException($"{path} runs through too many symbolic links");
            resolved = target is null ? next : Resolve(Path.GetFullPath(target), linksLeft - 1);
        }

        return resolved;
    }
}

/// <param name="Path">Absolute, without dots and trailing slash.</param>
internal sealed record MeasuredPath(string Path, string Driver, long SizeBytes);
