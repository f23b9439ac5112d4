namespace Strongroom.Server.Idempotency;

/// <summary>A request that came with a key: whose, what it asked for, and what became of it.</summary>
/// <param name="Key">As sent.</param>
/// <param name="ProjectId">Of the caller; keys of others are other keys.</param>
/// <param name="UserId">The same.</param>
/// <param name="RequestId">Of the request that made the change.</param>
/// <param name="RequestHash">Of method, path, query and body.</param>
/// <param name="ExpiresAt">From then on the key is new again.</param>
internal sealed record KeyedRequest(string Key, string ProjectId, string UserId, string RequestId, string RequestHash, DateTimeOffset ExpiresAt)
{
    /// <summary>What was made, where that is one thing with an id.</summary>
    public string? ResourceId { get; init; }

    /// <summary>Null: not answered yet.</summary>
    public KeyedAnswer? Answer { get; init; }
}

/// <param name="Body">Empty for 204.</param>
internal sealed record KeyedAnswer(int Status, string Body);

/// <summary>Another request with this key made its change first: this one's transaction is rolled back.</summary>
internal sealed class KeyTakenException : Exception;
