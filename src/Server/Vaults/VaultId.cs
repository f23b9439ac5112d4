using Strongroom.Server.Database;

namespace Strongroom.Server.Vaults;

public readonly record struct VaultId(string Value) : IStoredAsText
{
    public string StoredText => Value;

    public static VaultId New() => new(Guid.NewGuid().ToString());

    public override string ToString() => Value;
}
