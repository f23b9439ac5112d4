using System.Buffers.Text;
using System.Security.Cryptography;
using Strongroom.Server.Database;

namespace Strongroom.Server.Identity;

/// <summary>A token just made: the only moment its text is known.</summary>
internal sealed record IssuedToken(string Text, Token Token);

/// <summary>What a new token grows from.</summary>
/// <param name="Methods">How the user proved who they are: <c>password</c>, <c>token</c>.</param>
/// <param name="ParentAuditId">The first audit id of the token it was made from; null after a password.</param>
/// <param name="ExpiresAtMax">A token made from another does not outlive it; null after a password.</param>
internal sealed record TokenOrigin(IReadOnlyList<string> Methods, string? ParentAuditId = null, DateTimeOffset? ExpiresAtMax = null);

internal sealed class TokenIssuer(MetadataDatabase database, TimeProvider time, IdentityOptions options)
{
    /// <summary>
    /// Issues a token; durable on return. Null when the user or scope is gone or disabled, or the user has no role in it:
    /// the caller must not tell which.
    /// </summary>
    /// <param name="userId">Whose token it is; already authenticated.</param>
    /// <param name="scope">What the token is for.</param>
    /// <param name="scopeId">The project's or domain's id; empty for <see cref="ScopeKind.None"/>.</param>
    /// <param name="origin">How the user proved who they are.</param>
    /// <param name="cancellationToken">Stops before the token is stored.</param>
    public Task<IssuedToken?> IssueAsync(string userId, ScopeKind scope, string scopeId, TokenOrigin origin, CancellationToken cancellationToken)
    {
        string text = TokenHash.NewText();
        TokenHash.TryOf(text, out TokenHash hash);
        string auditId = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(16));
        return database.WriteAsync<IssuedToken?>(
            async session =>
            {
                DateTimeOffset now = time.GetStoredNow();
                DateTimeOffset expiresAt = now + options.TokenLifetime;
                if (origin.ExpiresAtMax < expiresAt)
                    expiresAt = origin.ExpiresAtMax.Value;
                var token = new Token(
                    userId,
                    UserName: "",
                    UserDomainId: "",
                    UserDomainName: "",
                    scope,
                    ProjectId: scope == ScopeKind.Project ? scopeId : "",
                    ProjectName: "",
                    ScopeDomainId: scope == ScopeKind.Domain ? scopeId : "",
                    ScopeDomainName: "",
                    Roles: [],
                    origin.Methods,
                    origin.ParentAuditId is null ? [auditId] : [auditId, origin.ParentAuditId],
                    now,
                    expiresAt);
                if (await UserTable.FindAsync(session, userId, cancellationToken) is null)
                    return null;
                await TokenTable.InsertAsync(session, hash, token, cancellationToken);

                // Read back through the very query that will judge it: names, roles, and whether all of it is enabled.
                Token? stored = await TokenTable.FindAsync(session, hash, cancellationToken);
                if (stored is not null && (scope == ScopeKind.None || stored.Roles.Count > 0))
                    return new IssuedToken(text, stored);
                await TokenTable.DeleteAsync(session, hash, cancellationToken);
                return null;
            },
            cancellationToken);
    }
}
