using System.Net;
using Strongroom.Contract;
using Strongroom.Server.Database;

namespace Strongroom.Server.Identity;

/// <summary>
/// From credentials to a token. Whoever fails learns nothing about why: an unknown user, a wrong password, a disabled
/// account and a scope without a role give the same answer, and an unknown user takes as long as a wrong password.
/// </summary>
internal sealed class SignIn(
    MetadataDatabase database,
    TokenAuthenticator authenticator,
    TokenIssuer issuer,
    SignInThrottle throttle,
    IdentityOptions options) : IDisposable
{
    // Hashing is the costliest thing an unknown caller can ask for: half of the cores at most, and a bounded queue.
    private const int WaitingMax = 64;
    private readonly SemaphoreSlim hashing = new(Math.Max(1, Environment.ProcessorCount / 2));

    private readonly Lazy<string> hashOfNobody = new(() => PasswordHash.Make("nobody", options.PasswordIterations));
    private int waiting;

    /// <exception cref="RefusedException">401: not these credentials, or not for this scope. 429: too many attempts.</exception>
    public async Task<IssuedToken> AuthenticateAsync(SignInRequest request, IPAddress address, CancellationToken cancellationToken)
    {
        (string userId, TokenOrigin origin) = request.TokenText is { } text
            ? await ProveByTokenAsync(text, cancellationToken)
            : await ProveByPasswordAsync(request.User!, request.Password!, address, cancellationToken);
        (ScopeKind scope, string? scopeId) = await FindScopeAsync(request.Scope, cancellationToken);
        IssuedToken? issued = scopeId is null ? null : await issuer.IssueAsync(userId, scope, scopeId, origin, cancellationToken);
        return issued ?? throw new RefusedException(
            IdentityErrorCodes.Unauthorized,
            "The user has no role in the project or domain that the token is wanted for, or there is none of this name.");
    }

    public void Dispose() => hashing.Dispose();

    private async Task<(string UserId, TokenOrigin Origin)> ProveByTokenAsync(string text, CancellationToken cancellationToken)
    {
        Token token = await authenticator.FindAsync(text, cancellationToken)
            ?? throw new RefusedException(IdentityErrorCodes.Unauthorized, "The token to authenticate with is unknown, revoked or expired.");
        string[] methods = [.. token.Methods.Prepend("token").Distinct(StringComparer.Ordinal)];
        return (token.UserId, new TokenOrigin(methods, token.AuditIds[^1], token.ExpiresAt));
    }

    private async Task<(string UserId, TokenOrigin Origin)> ProveByPasswordAsync(
        OwnedReference user,
        string password,
        IPAddress address,
        CancellationToken cancellationToken)
    {
        string attempted = user.Id ?? $"{user.Domain.Id}/{user.Domain.Name}/{user.Name}";
        if (throttle.Wait(attempted, address) is var wait && wait > TimeSpan.Zero)
        {
            throw new RefusedException(
                ErrorCodes.Throttled, $"Too many failed log-ins for this user from here: wait {Math.Ceiling(wait.TotalSeconds)} s.");
        }

        (User? found, string? passwordHash) = await FindUserAsync(user, cancellationToken);
        bool matches = await MatchesAsync(passwordHash ?? hashOfNobody.Value, password, cancellationToken);
        if (found is not { Enabled: true } || !matches)
        {
            throttle.Failed(attempted, address);
            throw new RefusedException(IdentityErrorCodes.Unauthorized, "The user name or password is wrong.");
        }

        throttle.Succeeded(attempted, address);
        return (found.Id, new TokenOrigin(["password"]));
    }

    private async Task<bool> MatchesAsync(string passwordHash, string password, CancellationToken cancellationToken)
    {
        if (Interlocked.Increment(ref waiting) > WaitingMax)
        {
            Interlocked.Decrement(ref waiting);
            throw new RefusedException(ErrorCodes.Throttled, "Too many log-ins at once: try again in a moment.");
        }

        try
        {
            await hashing.WaitAsync(cancellationToken);
            try
            {
                return PasswordHash.Matches(passwordHash, password);
            }
            finally
            {
                hashing.Release();
            }
        }
        finally
        {
            Interlocked.Decrement(ref waiting);
        }
    }

    private Task<(User? User, string? PasswordHash)> FindUserAsync(OwnedReference reference, CancellationToken cancellationToken) =>
        database.ReadAsync<(User?, string?)>(
            async session =>
            {
                User? user = null;
                if (reference.Id is not null)
                    user = await UserTable.FindAsync(session, reference.Id, cancellationToken);
                else if (await FindDomainAsync(session, reference.Domain, cancellationToken) is { } domain)
                    user = await UserTable.FindByNameAsync(session, domain.Id, reference.Name!, cancellationToken);
                return (user, user is null ? null : await UserTable.FindPasswordHashAsync(session, user.Id, cancellationToken));
            },
            cancellationToken);

    /// <summary>A null id: there is no such scope.</summary>
    private Task<(ScopeKind Scope, string? Id)> FindScopeAsync(ScopeReference reference, CancellationToken cancellationToken) =>
        database.ReadAsync<(ScopeKind, string?)>(
            async session =>
            {
                if (reference.Domain is not null)
                    return (ScopeKind.Domain, (await FindDomainAsync(session, reference.Domain, cancellationToken))?.Id);
                if (reference.Project is not { } project)
                    return (ScopeKind.None, "");
                if (project.Id is not null)
                    return (ScopeKind.Project, project.Id);
                return await FindDomainAsync(session, project.Domain, cancellationToken) is { } owner
                    ? (ScopeKind.Project, (await ProjectTable.FindByNameAsync(session, owner.Id, project.Name!, cancellationToken))?.Id)
                    : (ScopeKind.Project, null);
            },
            cancellationToken);

    private static ValueTask<Domain?> FindDomainAsync(DbSession session, DomainReference reference, CancellationToken cancellationToken) =>
        reference.Id is not null
            ? DomainTable.FindAsync(session, reference.Id, cancellationToken)
            : DomainTable.FindByNameAsync(session, reference.Name!, cancellationToken);
}
