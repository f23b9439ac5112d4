using Strongroom.Server.Database;

namespace Strongroom.Server.Identity;

/// <summary>Tells what a token stands for; a revoked one is honoured no longer than <see cref="IdentityCache{TKey,TValue}"/> promises.</summary>
internal sealed class TokenAuthenticator(MetadataDatabase database, TimeProvider time, KnownRevision known)
{
    private readonly IdentityCache<TokenHash, Token> tokens = new(database, time, known);

    /// <summary>Null when the token is unknown, ended or expired.</summary>
    public ValueTask<Token?> FindAsync(string text, CancellationToken cancellationToken)
    {
        if (!TokenHash.TryOf(text, out TokenHash hash))
            return ValueTask.FromResult<Token?>(null);
        ValueTask<Token?> finding = tokens.FindAsync(hash, TokenTable.FindAsync, cancellationToken);
        return finding.IsCompletedSuccessfully
            ? ValueTask.FromResult(UnlessExpired(finding.Result))
            : WaitAsync(finding);
    }

    private async ValueTask<Token?> WaitAsync(ValueTask<Token?> finding) => UnlessExpired(await finding);

    private Token? UnlessExpired(Token? token) => token is not null && time.GetUtcNow() < token.ExpiresAt ? token : null;
}
