using System.Collections.Concurrent;
using Strongroom.Contract;
using Strongroom.Contract.Vaults;
using Strongroom.Server.Database;

namespace Strongroom.Server.Vaults;

/// <summary>
/// Vaults as they go out, ready-made. Every look at a vault asks the database for its version, so nothing stale is ever
/// shown, whichever process changed it; only what is the same is not put together again. Two generations bound the memory:
/// when the younger is full, the older goes.
/// </summary>
internal sealed class RenderedVaults(VaultOptions options)
{
    private Generation younger = new();
    private Generation older = new();

    /// <summary>The vault as JSON, or null when it is not there. One round trip when it is known, two when not.</summary>
    public async ValueTask<byte[]?> FindAsync(DbSession session, string projectId, VaultId id, CancellationToken cancellationToken)
    {
        if (await VaultTable.FindVersionAsync(session, projectId, id, cancellationToken) is not { } version)
            return null;
        if (Find(new VaultVersion(id, version)) is { } known)
            return known;
        Vault? vault = await VaultTable.FindAsync(session, projectId, id, cancellationToken);
        return vault is null ? null : Render(vault);
    }

    public async ValueTask<VaultListing> ListAsync(DbSession session, string projectId, VaultFilter filter, CancellationToken cancellationToken)
    {
        VaultPage page = await VaultTable.ListAsync(session, projectId, filter, cancellationToken);
        return new VaultListing(await FindManyAsync(session, projectId, page.Vaults, cancellationToken), page.Count);
    }

    /// <summary>
    /// A page of vaults as JSON, in its order; a vault deleted since it was listed is left out. One round trip when all are
    /// known, two when not.
    /// </summary>
    private async ValueTask<List<byte[]>> FindManyAsync(
        DbSession session, string projectId, IReadOnlyList<VaultVersion> page, CancellationToken cancellationToken)
    {
        var rendered = new List<byte[]>(page.Count);
        List<VaultId> missing = [];
        foreach (VaultVersion version in page)
        {
            if (Find(version) is { } known)
                rendered.Add(known);
            else
                missing.Add(version.Id);
        }

        if (missing.Count == 0)
            return rendered;
        List<Vault> read = await VaultTable.FindManyAsync(session, projectId, missing, cancellationToken);
        Dictionary<VaultId, byte[]> made = read.ToDictionary(vault => vault.Id, Render);
        rendered.Clear();
        foreach (VaultVersion version in page)
        {
            if ((made.TryGetValue(version.Id, out byte[]? json) ? json : Find(version)) is { } shown)
                rendered.Add(shown);
        }

        return rendered;
    }

    private byte[]? Find(VaultVersion version)
    {
        if (younger.Find(version) is { } fresh)
            return fresh;
        if (older.Find(version) is not { } known)
            return null;
        Keep(version, known);
        return known;
    }

    private byte[] Render(Vault vault)
    {
        byte[] json = WireJson.Bytes(vault.ToShape(), VaultJson.Default.VaultShape);
        Keep(new VaultVersion(vault.Id, vault.Version), json);
        return json;
    }

    private void Keep(VaultVersion version, byte[] json)
    {
        Generation current = younger;
        if (current.Keep(version, json) <= options.CacheBytesMax / 2)
            return;

        // Two threads may both see it full; the second then only ages the first one's new generation a little early.
        older = current;
        younger = new Generation();
    }

    private sealed class Generation
    {
        private readonly ConcurrentDictionary<VaultId, (long Version, byte[] Json)> vaults = new();
        private long bytes;

        public byte[]? Find(VaultVersion version) =>
            vaults.TryGetValue(version.Id, out var kept) && kept.Version == version.Version ? kept.Json : null;

        /// <returns>About how many bytes are kept by now.</returns>
        public long Keep(VaultVersion version, byte[] json)
        {
            vaults[version.Id] = (version.Version, json);
            return Interlocked.Add(ref bytes, json.Length);
        }
    }
}

/// <param name="Vaults">One page, each as JSON.</param>
/// <param name="Count">Vaults matching, not only those of this page.</param>
internal sealed record VaultListing(IReadOnlyList<byte[]> Vaults, long Count);
