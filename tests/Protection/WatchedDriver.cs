using Strongroom.Drivers;

namespace Strongroom.Protection.Tests;

/// <summary>A real driver that tells a test what is done with its sources and lets it interfere.</summary>
internal sealed class WatchedDriver(IResourceDriver inner) : IResourceDriver
{
    private int opened;

    public string Name => inner.Name;

    /// <summary>Files opened so far.</summary>
    public int FilesOpened => opened;

    /// <summary>How often a disk was asked where its data is.</summary>
    public int ExtentQuestions { get; private set; }

    /// <summary>Bytes read so far, of files and disks.</summary>
    public long BytesRead;

    public Action<TreePath>? BeforeList { get; set; }

    public Action<TreePath>? BeforeOpen { get; set; }

    /// <summary>After something of the file or disk (an empty path) was read.</summary>
    public Action<TreePath>? AfterRead { get; set; }

    public ValueTask<ResourceState> InspectAsync(string location, CancellationToken cancellationToken) =>
        inner.InspectAsync(location, cancellationToken);

    public async ValueTask<ISource> OpenSourceAsync(string location, CancellationToken cancellationToken)
    {
        ISource source = await inner.OpenSourceAsync(location, cancellationToken);
        return source is ITreeSource tree ? new Tree(this, tree) : new Disk(this, (IDiskSource)source);
    }

    public ValueTask<ITarget> OpenTargetAsync(string location, TargetRequest request, CancellationToken cancellationToken) =>
        inner.OpenTargetAsync(location, request, cancellationToken);

    private void CountRead(TreePath path, int bytes)
    {
        Interlocked.Add(ref BytesRead, bytes);
        AfterRead?.Invoke(path);
    }

    private sealed class Disk(WatchedDriver driver, IDiskSource source) : IDiskSource
    {
        public ContentKind Kind => source.Kind;

        public string Location => source.Location;

        public long SizeBytes => source.SizeBytes;

        public IEnumerable<DiskExtent> DataExtents(long fromOffset, long toOffset)
        {
            driver.ExtentQuestions++;
            return source.DataExtents(fromOffset, toOffset);
        }

        public void Read(long offset, Span<byte> destination)
        {
            source.Read(offset, destination);
            driver.CountRead(TreePath.Root, destination.Length);
        }

        public string? ChangeSinceOpen() => source.ChangeSinceOpen();

        public string? StateMark => source.StateMark;

        public ValueTask DisposeAsync() => source.DisposeAsync();
    }

    private sealed class Tree(WatchedDriver driver, ITreeSource source) : ITreeSource
    {
        public ContentKind Kind => source.Kind;

        public string Location => source.Location;

        public TreeEntry Root => source.Root;

        public IEnumerable<TreeEntry> List(TreePath directory, ICollection<TreeProblem> problems)
        {
            driver.BeforeList?.Invoke(directory);
            return source.List(directory, problems);
        }

        public ITreeFile OpenFile(TreePath file)
        {
            Interlocked.Increment(ref driver.opened);
            driver.BeforeOpen?.Invoke(file);
            return new WatchedFile(driver, file, source.OpenFile(file));
        }

        public ValueTask DisposeAsync() => source.DisposeAsync();
    }

    private sealed class WatchedFile(WatchedDriver driver, TreePath path, ITreeFile file) : ITreeFile
    {
        public TreeEntry EntryAtOpen => file.EntryAtOpen;

        public string? Problem => file.Problem;

        public DiskExtent? NextData(long offset) => file.NextData(offset);

        public int Read(long offset, Span<byte> destination)
        {
            int length = file.Read(offset, destination);
            driver.CountRead(path, length);
            return length;
        }

        public bool IsUnchanged() => file.IsUnchanged();

        public void Dispose() => file.Dispose();
    }
}
