using Strongroom.Server.Database;

namespace Strongroom.Server.Resources;

/// <summary>Of a server, a disk or a file system.</summary>
public readonly record struct ResourceId(string Value) : IStoredAsText
{
    public string StoredText => Value;

    public static ResourceId New() => new(Guid.NewGuid().ToString());

    public override string ToString() => Value;
}
