using Strongroom.Repository.Format;
using Strongroom.Repository.Indexes;

namespace Strongroom.Repository.Maintenance;

/// <summary>
/// The second look of a collection: what backups need that were committed since the first. A chunk without a copy in a pack
/// that stays saves one that was to go.
/// </summary>
/// <param name="staying">Packs that exist and that no collection names.</param>
/// <param name="condemned">Packs that this collection is about to delete; those that are needed leave it for <paramref name="staying"/>.</param>
internal sealed class LastMinuteNeeds(IndexSet index, HashSet<ObjectId> staying, HashSet<ObjectId> condemned, bool acceptDamage)
    : ReferenceVisitor(acceptDamage)
{
    private readonly HashSet<ChunkPrefix> met = [];
    private readonly List<IndexHit> hits = [];

    public long MissingChunks { get; private set; }

    protected override async ValueTask<bool> MeetAsync(ChunkPrefix prefix, CancellationToken cancellationToken)
    {
        if (!met.Add(prefix))
            return false;
        await index.FindAllAsync(prefix, hits, cancellationToken);
        if (hits.Exists(hit => staying.Contains(hit.Pack)))
            return true;
        if (hits.Find(hit => condemned.Contains(hit.Pack)) is { Run: not null } needed)
        {
            condemned.Remove(needed.Pack);
            staying.Add(needed.Pack);
        }
        else
        {
            MissingChunks++;
        }

        return true;
    }
}
