using Strongroom.ObjectStores;
using Strongroom.Repository.Crypto;
using Strongroom.Repository.Format;

namespace Strongroom.Repository.Maintenance;

/// <summary>
/// The packs a new backup may refer to: those that exist and are not about to be collected. To be asked after the
/// backup's session object was put (docs/repository-format.md, section 10).
/// </summary>
internal static class UsablePacks
{
    private const int MaxCollectionBytes = 256 << 20;
    private const string KeyInfo = "strongroom/collection";

    private static ReadOnlySpan<byte> Magic => "STRGCOLL"u8;

    public static async ValueTask<IReadOnlySet<ObjectId>> ListAsync(RepositoryDomain domain, CancellationToken cancellationToken)
    {
        var condemned = new List<ObjectId>();
        await foreach (var stat in domain.Store.ListAsync(domain.Names.Collections, cancellationToken))
        {
            if (DomainNames.IdOf(stat.Name) is { } id)
                condemned.AddRange(await ReadAsync(domain, id, cancellationToken));
        }

        var packs = new HashSet<ObjectId>();
        await foreach (var stat in domain.Store.ListAsync(domain.Names.Packs, cancellationToken))
        {
            if (DomainNames.IdOf(stat.Name) is { } id)
                packs.Add(id);
        }

        packs.ExceptWith(condemned);
        return packs;
    }

    /// <exception cref="RepositoryException">The collection object is damaged.</exception>
    public static async ValueTask CheckAsync(RepositoryDomain domain, ObjectId collection, CancellationToken cancellationToken) =>
        await ReadAsync(domain, collection, cancellationToken);

    public static byte[] Write(ObjectId id, IReadOnlyCollection<ObjectId> packs, DomainKeys keys)
    {
        var plain = new ByteWriter();
        plain.U32((uint)packs.Count);
        foreach (var pack in packs)
            pack.Write(plain.Append(ObjectId.Size));

        var output = new ByteWriter();
        output.Raw(Magic);
        output.U16(FormatVersion.Current);
        output.Zeros(6);
        id.Write(output.Append(ObjectId.Size));
        byte[] header = output.Written.ToArray();
        using var cipher = Sealing.CipherFor(keys.SealingKey, id, KeyInfo);
        Sealing.Seal(cipher, 0, plain.Written, header, output.Append(plain.Length + Sealing.TagBytes));
        return output.Written.ToArray();
    }

    /// <summary>Nothing when the collection has ended meanwhile: then its packs are gone, and the listing of packs says so.</summary>
    private static async ValueTask<ObjectId[]> ReadAsync(RepositoryDomain domain, ObjectId id, CancellationToken cancellationToken)
    {
        string name = domain.Names.Collection(id);
        return await domain.Store.GetAllAsync(name, MaxCollectionBytes, cancellationToken) is { } content ? Read(content, id, name, domain.Keys) : [];
    }

    private static ObjectId[] Read(byte[] content, ObjectId id, string name, DomainKeys keys)
    {
        try
        {
            var reader = new ByteReader(content);
            reader.Magic(Magic);
            FormatVersion.Check(reader.U16(), name);
            reader.Zeros(6);
            if (ObjectId.Read(reader.Take(ObjectId.Size)) != id)
                throw new InvalidDataException("It names another collection.");
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
            list.End();
            return packs;
        }
        catch (InvalidDataException e)
        {
            throw new RepositoryException(RepositoryFailure.Damaged, name, e.Message, e);
        }
    }
}
