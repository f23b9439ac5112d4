using Strongroom.Server.Database;

namespace Strongroom.Server.Policies;

public readonly record struct PolicyId(string Value) : IStoredAsText
{
    public string StoredText => Value;

    public static PolicyId New() => new(Guid.NewGuid().ToString());

    public override string ToString() => Value;
}
