namespace Strongroom.Drivers;

/// <summary>
/// How one kind of resource is listed, read and written back. A driver knows nothing of repositories, databases or the wire.
/// </summary>
public interface IResourceDriver
{
    /// <summary>The name it is registered by in <c>DriverCatalog</c>, such as <c>disk-image</c>.</summary>
    string Name { get; }

    /// <summary>What is at <paramref name="location"/> now: kind and size.</summary>
    /// <exception cref="DriverException">There is nothing there, or it is not of this driver's kind.</exception>
    ValueTask<ResourceState> InspectAsync(string location, CancellationToken cancellationToken);

    /// <summary>Opens the resource for reading, at one instant where the system offers it. The caller disposes it, which drops any snapshot made.</summary>
    /// <exception cref="DriverException">It is not there or cannot be read.</exception>
    ValueTask<ISource> OpenSourceAsync(string location, CancellationToken cancellationToken);

    /// <summary>
    /// Checks the target (size, kind, in use) and only then opens it for writing. A missing image or directory is made, the
    /// directory it is to lie in is not; a missing device is a <see cref="DriverException"/>. An image file that is there is
    /// written in place and gets the size of the request with the first write; a device may be larger, and what lies beyond
    /// is left alone. Opening changes nothing of what is there.
    /// </summary>
    ValueTask<ITarget> OpenTargetAsync(string location, TargetRequest request, CancellationToken cancellationToken);
}

/// <summary>The two shapes of content: bytes with holes, or a tree of files.</summary>
public enum ContentKind
{
    Disk,
    Tree,
}

/// <param name="Kind">What a source of it reads as.</param>
/// <param name="SizeBytes">A disk's size; for a tree the sum of its files' sizes as last counted, 0 when not counted.</param>
/// <param name="IsDevice">A block device or a volume: never made anew when it is gone.</param>
public readonly record struct ResourceState(ContentKind Kind, long SizeBytes, bool IsDevice);

/// <param name="SizeBytes">What will be written: a disk's size; ignored for trees.</param>
public readonly record struct TargetRequest(long SizeBytes);

/// <summary>Something opened for reading: an <see cref="IDiskSource"/> or an <see cref="ITreeSource"/>.</summary>
public interface ISource : IAsyncDisposable
{
    ContentKind Kind { get; }

    /// <summary>The location it was opened from.</summary>
    string Location { get; }
}

/// <summary>Something opened for writing: an <see cref="IDiskTarget"/> or an <see cref="ITreeTarget"/>. Disposing without <see cref="CompleteAsync"/> leaves it unfinished; an image that was not there before is removed.</summary>
public interface ITarget : IAsyncDisposable
{
    ContentKind Kind { get; }

    string Location { get; }

    /// <summary>Makes all that was written durable, names included. Called once, last.</summary>
    ValueTask CompleteAsync(CancellationToken cancellationToken);
}
