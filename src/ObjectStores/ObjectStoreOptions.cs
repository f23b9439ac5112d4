namespace Strongroom.ObjectStores;

/// <summary>Which store to open; the settings section <c>ObjectStore</c>.</summary>
public sealed class ObjectStoreOptions
{
    /// <summary><c>file:DIRECTORY</c>, a plain path, or <c>s3://BUCKET/PREFIX</c>.</summary>
    public string Url { get; set; } = "";

    /// <summary>Refuses every put and delete.</summary>
    public bool ReadOnly { get; set; }

    /// <summary>How many calls of one process may be under way at once.</summary>
    public int CallsMax { get; set; } = 64;

    public RetryOptions Retry { get; set; } = new();
}
