using System.Security.Cryptography;
using Strongroom.ObjectStores;
using Strongroom.Repository.Crypto;
using Strongroom.Repository.Format;

namespace Strongroom.Repository.Maintenance;

/// <summary>
/// A collection as its object says (docs/repository-format.md, section 10): from its put until it is removed the packs it
/// names do not exist for anyone who begins a backup or another collection.
/// </summary>
/// <param name="Packs">About to be deleted.</param>
/// <param name="Roots">SHA-256, hex, of the roots whose chunks it has seen to; only those may be compared with.</param>
internal sealed record PublishedCollection(ObjectId Id, IReadOnlyList<ObjectId> Packs, IReadOnlySet<string> Roots)
{
    private const int MaxBytes = 256 << 20;
    private const int HeaderBytes = 32;
    private const byte PublishedKind = 0;
    private const byte VoidKind = 1;
    private const string KeyInfo = "strongroom/collection";

    private static ReadOnlySpan<byte> Magic => "STRGCOLL"u8;

    /// <summary>Every collection there is; void ones, which condemn nothing, are left out.</summary>
    /// <exception cref="RepositoryException">One is damaged.</exception>
    public static async ValueTask<IReadOnlyList<PublishedCollection>> ListAsync(RepositoryDomain domain, CancellationToken cancellationToken)
    {
        var collections = new List<PublishedCollection>();
        await foreach (var stat in domain.Store.ListAsync(domain.Names.Collections, cancellationToken))
        {
            if (DomainNames.IdOf(stat.Name) is { } id && await ReadAsync(domain, id, cancellationToken) is { } collection)
                collections.Add(collection);
        }

        return collections;
    }

    /// <summary>
    /// The packs a new backup may refer to: those that exist and are not about to be collected. To be asked after the
    /// backup's session object was put and collections were listed.
    /// </summary>
    public static async ValueTask<IReadOnlySet<ObjectId>> UsablePacksAsync(
        RepositoryDomain domain, IReadOnlyList<PublishedCollection> collections, CancellationToken cancellationToken)
    {
        var packs = new HashSet<ObjectId>();
        await foreach (var stat in domain.Store.ListAsync(domain.Names.Packs, cancellationToken))
        {
            if (DomainNames.IdOf(stat.Name) is { } id)
                packs.Add(id);
        }

        foreach (var collection in collections)
            packs.ExceptWith(collection.Packs);
        return packs;
    }

    /// <exception cref="RepositoryException">The collection object is damaged.</exception>
    public static async ValueTask CheckAsync(RepositoryDomain domain, ObjectId collection, CancellationToken cancellationToken) =>
        await ReadAsync(domain, collection, cancellationToken);

    public byte[] Write(DomainKeys keys)
    {
        var plain = new ByteWriter();
        plain.U32((uint)Packs.Count);
        foreach (var pack in Packs)
            pack.Write(plain.Append(ObjectId.Size));
        plain.U32((uint)Roots.Count);
        foreach (string root in Roots)
            plain.Raw(Convert.FromHexString(root));

        var output = new ByteWriter();
        byte[] header = Header(Id, PublishedKind);
        output.Raw(header);
        using var cipher = Sealing.CipherFor(keys.SealingKey, Id, KeyInfo);
        Sealing.Seal(cipher, 0, plain.Written, header, output.Append(plain.Length + Sealing.TagBytes));
        return output.Written.ToArray();
    }

    /// <summary>The object that makes it impossible to publish a collection under this id: a header and nothing else.</summary>
    public static byte[] WriteVoid(ObjectId id) => Header(id, VoidKind);

    private static byte[] Header(ObjectId id, byte kind)
    {
        var header = new ByteWriter(HeaderBytes);
        header.Raw(Magic);
        header.U16(FormatVersion.Current);
        header.U8(kind);
        header.Zeros(5);
        id.Write(header.Append(ObjectId.Size));
        return header.Written.ToArray();
    }

    /// <summary>Null when it is void, or has ended meanwhile: then its packs are gone, and the listing of packs says so.</summary>
    private static async ValueTask<PublishedCollection?> ReadAsync(RepositoryDomain domain, ObjectId id, CancellationToken cancellationToken)
    {
        string name = domain.Names.Collection(id);
        try
        {
            return await domain.Store.ReadAllAsync(name, MaxBytes, cancellationToken) is { } content ? Read(content, id, name, domain.Keys) : null;
        }
        catch (ObjectStoreException e) when (e.Failure == ObjectStoreFailure.NotFound)
        {
            return null;
        }
    }

    private static PublishedCollection? Read(byte[] content, ObjectId id, string name, DomainKeys keys)
    {
        try
        {
            var reader = new ByteReader(content);
            reader.Magic(Magic);
            FormatVersion.Check(reader.U16(), name);
            byte kind = reader.U8();
            reader.Zeros(5);
            if (ObjectId.Read(reader.Take(ObjectId.Size)) != id)
                throw new InvalidDataException("It names another collection.");
            if (kind == VoidKind && reader.Remaining == 0)
                return null;
            if (kind != PublishedKind)
                throw new InvalidDataException($"A collection of kind {kind} with {reader.Remaining} bytes is not possible.");
            var header = content.AsSpan(0, reader.Position);
            var body = reader.Take(reader.Remaining);
            if (body.Length < Sealing.TagBytes)
                throw new InvalidDataException("It is cut off.");
            byte[] plain = new byte[body.Length - Sealing.TagBytes];
            using var cipher = Sealing.CipherFor(keys.SealingKey, id, KeyInfo);
            if (!Sealing.TryOpen(cipher, 0, body, header, plain))
                throw new InvalidDataException("Its seal is broken.");

            var list = new ByteReader(plain);
            var packs = new ObjectId[list.Count(plain.Length / ObjectId.Size, "packs")];
            for (int i = 0; i < packs.Length; i++)
                packs[i] = ObjectId.Read(list.Take(ObjectId.Size));

            // The first collections written named no roots.
            int rootCount = list.Remaining == 0 ? 0 : list.Count(plain.Length / SHA256.HashSizeInBytes, "roots");
            var roots = new HashSet<string>(rootCount, StringComparer.Ordinal);
            for (int i = 0; i < rootCount; i++)
                roots.Add(Convert.ToHexStringLower(list.Take(SHA256.HashSizeInBytes)));
            list.End();
            return new PublishedCollection(id, packs, roots);
        }
        catch (InvalidDataException e)
        {
            throw new RepositoryException(RepositoryFailure.Damaged, name, e.Message, e);
        }
    }
}
