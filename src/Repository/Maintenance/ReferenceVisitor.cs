using System.Runtime.InteropServices;
using Strongroom.Repository.Indexes;
using Strongroom.Repository.Manifests;

namespace Strongroom.Repository.Maintenance;

/// <summary>
/// Meets everything that backups refer to, each page's inside once. Chunks are gathered and looked up in order of their ids, so that
/// every index block is read about once per batch however much larger than memory the index is.
/// </summary>
internal abstract class ReferenceVisitor(bool acceptDamage) : IManifestVisitor
{
    /// <summary>16 bytes each.</summary>
    private const int BatchChunks = 1 << 20;

    private readonly List<ChunkPrefix> batch = [];

    /// <summary>Pages that could not be read, the first of them in words.</summary>
    public List<string> Accepted { get; } = [];

    public ValueTask<bool> EnterAsync(ReadOnlyMemory<byte> pageId, CancellationToken cancellationToken) =>
        MeetAsync(ChunkPrefix.Of(pageId.Span), cancellationToken);

    public void Leave(ReadOnlyMemory<byte> pageId)
    {
    }

    public void Broken(ReadOnlyMemory<byte> pageId, RepositoryException damage) => Accept(damage);

    public async ValueTask ChunkAsync(ReadOnlyMemory<byte> chunkId, long lengthBytes, CancellationToken cancellationToken)
    {
        batch.Add(ChunkPrefix.Of(chunkId.Span));
        if (batch.Count == BatchChunks)
            await FlushAsync(cancellationToken);
    }

    /// <summary>Looks up what is still gathered.</summary>
    public async ValueTask FlushAsync(CancellationToken cancellationToken)
    {
        CollectionsMarshal.AsSpan(batch).Sort();
        for (int i = 0; i < batch.Count; i++)
        {
            if (i == 0 || batch[i] != batch[i - 1])
                await MeetAsync(batch[i], cancellationToken);
        }

        batch.Clear();
    }

    /// <exception cref="RepositoryException">
    /// The damage, unless it was accepted beforehand. What is only unreadable never is: all it leads to would be deleted, and could yet be read.
    /// </exception>
    public void Accept(RepositoryException damage)
    {
        if (!acceptDamage || damage.Failure != RepositoryFailure.Damaged)
            throw damage;
        if (Accepted.Count < 100)
            Accepted.Add(damage.Message);
    }

    /// <returns>False when it was met before, with all below it.</returns>
    protected abstract ValueTask<bool> MeetAsync(ChunkPrefix prefix, CancellationToken cancellationToken);
}
