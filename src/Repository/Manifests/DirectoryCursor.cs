using Strongroom.Repository.Packs;

namespace Strongroom.Repository.Manifests;

/// <summary>Reads the entries of a stored directory in order, one page of each level in memory. One user at a time.</summary>
internal sealed class DirectoryCursor(ChunkSource source, StoredEntry directory, string owner)
{
    private readonly Stack<DirectoryPage> path = new();
    private readonly OwnerNames owners = new();
    private byte[]? lastName;
    private bool started;

    /// <summary>The next entry, or null at the end.</summary>
    /// <exception cref="RepositoryException">Damaged.</exception>
    public async ValueTask<StoredEntry?> NextAsync(CancellationToken cancellationToken)
    {
        if (!started)
        {
            started = true;
            if (directory.Depth >= EntryCodec.MaxDepth)
                throw new RepositoryException(RepositoryFailure.Damaged, owner, $"Its directories are more than {EntryCodec.MaxDepth} deep.");
            if (directory.Children is { } children && children.Id.AsSpan().ContainsAnyExcept((byte)0))
                await PushAsync(children.Id, -1, cancellationToken);
        }

        while (path.TryPeek(out var page))
        {
            if (page.IsAtEnd)
            {
                path.Pop();
            }
            else if (page.Level > 0)
            {
                await PushAsync(page.ReadChild(), page.Level - 1, cancellationToken);
            }
            else
            {
                var entry = page.ReadEntry(directory.Depth + 1, owners, lastName);
                lastName = entry.Name;
                return entry;
            }
        }

        return null;
    }

    private async ValueTask PushAsync(ReadOnlyMemory<byte> id, int level, CancellationToken cancellationToken) =>
        path.Push(new DirectoryPage(id, await source.ReadPageAsync(id, cancellationToken), level, owner));
}
