using System.Buffers;

namespace Strongroom.Repository.Format;

/// <summary>Names of stored objects (docs/repository-format.md, section 2).</summary>
internal static class ObjectNames
{
    public const string Config = "config";
    public const string Keys = "keys/";
    public const string Domains = "domains/";

    private static readonly SearchValues<char> IdCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789-");

    public static bool IsValidId(string id) => id.Length is > 0 and <= 64 && !id.AsSpan().ContainsAnyExcept(IdCharacters);

    /// <exception cref="ArgumentException">It is not 1 to 64 characters of <c>[a-z0-9-]</c>.</exception>
    public static void CheckId(string id, string parameter)
    {
        if (!IsValidId(id))
            throw new ArgumentException($"'{id}' is not an id: 1 to 64 of the characters a-z, 0-9 and -.", parameter);
    }
}

/// <summary>Names of one domain's objects.</summary>
internal sealed class DomainNames(string domainId)
{
    private readonly string prefix = $"domains/{domainId}/";

    public string All => prefix;

    public string Key => prefix + "key";

    public string Packs => prefix + "packs/";

    public string Parities => prefix + "parity/";

    public string Indexes => prefix + "indexes/";

    public string Backups => prefix + "backups/";

    public string Sessions => prefix + "sessions/";

    public string Damaged => prefix + "damaged/";

    public string Collections => prefix + "collections/";

    public string Pack(ObjectId id)
    {
        string hex = id.ToString();
        return $"{prefix}packs/{hex.AsSpan(0, 2)}/{hex}";
    }

    public string Parity(ObjectId id)
    {
        string hex = id.ToString();
        return $"{prefix}parity/{hex.AsSpan(0, 2)}/{hex}";
    }

    /// <summary>The id of the pack that has this name; null for others.</summary>
    public ObjectId? PackOf(string name) =>
        name.StartsWith(prefix, StringComparison.Ordinal) && IdOf(name) is { } id && name == Pack(id) ? id : null;

    /// <summary>The id of the pack whose parity has this name; null for others.</summary>
    public ObjectId? PackOfParity(string name) =>
        name.StartsWith(prefix, StringComparison.Ordinal) && IdOf(name) is { } id && name == Parity(id) ? id : null;

    public string Index(ObjectId id) => Indexes + id;

    public string Session(ObjectId id) => Sessions + id;

    public string Collection(ObjectId id) => Collections + id;

    public string Backup(string backupId) => Backups + backupId;

    public string DamagedBackup(string backupId) => Damaged + backupId;

    /// <summary>The id that ends the name of a pack, run, session or collection; null for a name the format does not know.</summary>
    public static ObjectId? IdOf(string name) => ObjectId.TryParse(name.AsSpan(name.LastIndexOf('/') + 1));
}
