using Strongroom.Server.Database;

namespace Strongroom.Server.Checkpoints;

public readonly record struct CheckpointId(string Value) : IStoredAsText
{
    public string StoredText => Value;

    public static CheckpointId New() => new(Guid.NewGuid().ToString());

    public override string ToString() => Value;
}
