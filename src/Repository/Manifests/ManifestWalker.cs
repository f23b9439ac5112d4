using Strongroom.Repository.Crypto;
using Strongroom.Repository.Packs;

namespace Strongroom.Repository.Manifests;

/// <summary>What a <see cref="ManifestWalker"/> meets.</summary>
internal interface IManifestVisitor
{
    /// <summary>A page, before it is read.</summary>
    /// <returns>False to pass over it and all below it.</returns>
    ValueTask<bool> EnterAsync(ReadOnlyMemory<byte> pageId, CancellationToken cancellationToken);

    /// <summary>Everything below a page that was entered has been met.</summary>
    void Leave(ReadOnlyMemory<byte> pageId);

    /// <summary>A page that was entered cannot be read; <see cref="Leave"/> follows.</summary>
    void Broken(ReadOnlyMemory<byte> pageId, RepositoryException damage);

    ValueTask ChunkAsync(ReadOnlyMemory<byte> chunkId, long lengthBytes, CancellationToken cancellationToken);
}

/// <summary>
/// Goes through everything a backup refers to, pages and chunks, without recursion: memory is one page per level, however
/// deep a damaged tree pretends to be.
/// </summary>
internal sealed class ManifestWalker(RepositoryDomain domain, IManifestVisitor visitor)
{
    private readonly Stack<Frame> path = new();
    private readonly OwnerNames owners = new();
    private string owner = "";

    /// <exception cref="RepositoryException">The root itself does not lead anywhere; damage below it goes to the visitor.</exception>
    public async ValueTask WalkAsync(BackupRecord backup, MemberRecord member, CancellationToken cancellationToken)
    {
        owner = domain.Names.Backup(backup.Id);
        path.Clear();
        if (member.Kind == MemberKind.Disk)
        {
            var geometry = new MapGeometry(member.SizeBytes, domain.Parameters.DiskChunkBytes);
            if (member.Height != geometry.Height)
                throw new RepositoryException(RepositoryFailure.Damaged, owner, $"A map of height {member.Height} does not fit {member.SizeBytes} bytes.");
            byte[] top = RootFormat.RootBytes(member);
            if (IsData(top))
                await PushAsync(top, page => new MapFrame(top, page, geometry, geometry.Height, 0, owner), cancellationToken);
        }
        else
        {
            var root = TreeReader.ReadRoot(domain, backup, member);
            await PushDirectoryAsync(root, cancellationToken);
        }

        while (path.TryPeek(out var frame))
        {
            cancellationToken.ThrowIfCancellationRequested();
            try
            {
                if (await StepAsync(frame, cancellationToken))
                    continue;
            }
            catch (RepositoryException e) when (e.Failure is RepositoryFailure.Damaged or RepositoryFailure.Unreadable)
            {
                visitor.Broken(frame.Id, e);
            }

            // A frame that is done, or cannot be read further. Those pushed on top of it are done already.
            while (path.Pop() is var popped)
            {
                if (!popped.Id.IsEmpty)
                    visitor.Leave(popped.Id);
                if (popped == frame)
                    break;
            }
        }
    }

    /// <returns>False when the frame has nothing left.</returns>
    private ValueTask<bool> StepAsync(Frame frame, CancellationToken cancellationToken) => frame switch
    {
        MapFrame map => StepMapAsync(map, cancellationToken),
        DirectoryFrame directory => StepDirectoryAsync(directory, cancellationToken),
        _ => StepContentAsync((ContentFrame)frame, cancellationToken),
    };

    private async ValueTask<bool> StepMapAsync(MapFrame frame, CancellationToken cancellationToken)
    {
        if (frame.Next * ChunkHasher.IdBytes >= frame.Page.Length)
            return false;
        int slot = frame.Next++;
        var id = frame.Page.Slice(slot * ChunkHasher.IdBytes, ChunkHasher.IdBytes);
        long child = (frame.Index * MapGeometry.FanOut) + slot;
        if (!IsData(id))
            return true;
        if (frame.Height == 1)
            await visitor.ChunkAsync(id, frame.Geometry.ChunkLength(child), cancellationToken);
        else
            await PushAsync(id, page => new MapFrame(id, page, frame.Geometry, frame.Height - 1, child, owner), cancellationToken);
        return true;
    }

    private async ValueTask<bool> StepDirectoryAsync(DirectoryFrame frame, CancellationToken cancellationToken)
    {
        if (frame.Page.IsAtEnd)
            return false;
        if (frame.Page.Level > 0)
        {
            var id = frame.Page.ReadChild();
            await PushAsync(id, page => new DirectoryFrame(id, new DirectoryPage(id, page, frame.Page.Level - 1, owner), frame.Depth), cancellationToken);
            return true;
        }

        var entry = frame.Page.ReadEntry(frame.Depth, owners, frame.Last);
        frame.Last = entry.Name;
        if (entry.Type == StoredEntryType.Directory)
            await PushDirectoryAsync(entry, cancellationToken);
        else if (entry.Content is { } content)
            path.Push(new ContentFrame(ReadOnlyMemory<byte>.Empty, ContentPage.Of(content)));
        return true;
    }

    private async ValueTask<bool> StepContentAsync(ContentFrame frame, CancellationToken cancellationToken)
    {
        if (frame.Page.IsAtEnd)
            return false;
        var (id, length) = frame.Page.Read();
        if (id.IsEmpty)
            return true;
        if (frame.Page.Level == 0)
            await visitor.ChunkAsync(id, length, cancellationToken);
        else
            await PushAsync(id, page => new ContentFrame(id, ContentPage.Parse(page, frame.Page.Level - 1, length, id.Span, owner)), cancellationToken);
        return true;
    }

    private async ValueTask PushDirectoryAsync(StoredEntry directory, CancellationToken cancellationToken)
    {
        if (directory.Depth >= EntryCodec.MaxDepth)
            throw new RepositoryException(RepositoryFailure.Damaged, owner, $"Its directories are more than {EntryCodec.MaxDepth} deep.");
        ReadOnlyMemory<byte> id = directory.Children!.Id;
        if (IsData(id))
            await PushAsync(id, page => new DirectoryFrame(id, new DirectoryPage(id, page, -1, owner), directory.Depth + 1), cancellationToken);
    }

    private async ValueTask PushAsync(ReadOnlyMemory<byte> id, Func<ReadOnlyMemory<byte>, Frame> make, CancellationToken cancellationToken)
    {
        if (!await visitor.EnterAsync(id, cancellationToken))
            return;
        try
        {
            path.Push(make(await domain.Source.ReadPageAsync(id, cancellationToken)));
        }
        catch (RepositoryException e) when (e.Failure is RepositoryFailure.Damaged or RepositoryFailure.Unreadable)
        {
            visitor.Broken(id, e);
            visitor.Leave(id);
        }
    }

    private static bool IsData(ReadOnlyMemory<byte> id) => id.Span.ContainsAnyExcept((byte)0);

    /// <summary>A page on the way down.</summary>
    private abstract class Frame(ReadOnlyMemory<byte> id)
    {
        /// <summary>Empty for a content list inside an entry.</summary>
        public ReadOnlyMemory<byte> Id => id;
    }

    private sealed class MapFrame : Frame
    {
        public MapFrame(ReadOnlyMemory<byte> id, ReadOnlyMemory<byte> page, MapGeometry geometry, int height, long index, string owner)
            : base(id)
        {
            MapReader.CheckPage(page.Span, geometry.ChildrenOf(height, index), id.Span, owner);
            Page = page;
            Geometry = geometry;
            Height = height;
            Index = index;
        }

        public ReadOnlyMemory<byte> Page { get; }

        public MapGeometry Geometry { get; }

        public int Height { get; }

        public long Index { get; }

        public int Next { get; set; }
    }

    private sealed class DirectoryFrame(ReadOnlyMemory<byte> id, DirectoryPage page, int depth) : Frame(id)
    {
        public DirectoryPage Page => page;

        public int Depth => depth;

        public byte[]? Last { get; set; }
    }

    private sealed class ContentFrame(ReadOnlyMemory<byte> id, ContentPage page) : Frame(id)
    {
        public ContentPage Page => page;
    }
}
