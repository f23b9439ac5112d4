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

    /// <exception cref="RefusedException">401: not these credentials. 429: too many attempts.</exception>
    public Task<ProvenUser> ProveAsync(SignInRequest request, IPAddress address, CancellationToken cancellationToken) => request.TokenText is { } text
        ? ProveByTokenAsync(text, address, cancellationToken)
        : ProveByPasswordAsync(request.User!, request.Password!, address, cancellationToken);

    /// <exception cref="RefusedException">401: not for this scope.</exception>
    public async Task<IssuedToken> IssueAsync(ProvenUser user, ScopeReference wanted, CancellationToken cancellationToken)
    {
        (ScopeKind scope, string? scopeId) = await FindScopeAsync(wanted, cancellationToken);
        IssuedToken? issued = scopeId is null ? null : await issuer.IssueAsync(user.Id, scope, scopeId, user.Origin, cancellationToken);
        return issued ?? throw new RefusedException(
            IdentityErrorCodes.Unauthorized,
            "The user has no role in the project or domain that the token is wanted for, or there is none of this name.");
    }

    public void Dispose() => hashing.Dispose();

    /// <summary>A good token is never turned away, however many bad ones came from its address before.</summary>
    private async Task<ProvenUser> ProveByTokenAsync(string text, IPAddress address, CancellationToken cancellationToken)
    {
        if (await authenticator.FindAsync(text, cancellationToken) is not { } token)
        {
            RefuseThrottled(SignInRequest.NameOfTokens, address);
            throttle.Failed(SignInRequest.NameOfTokens, address);
            throw new RefusedException(IdentityErrorCodes.Unauthorized, "The token to authenticate with is unknown, revoked or expired.");
        }

        throttle.Succeeded(SignInRequest.NameOfTokens, address);
        string[] methods = [.. token.Methods.Prepend("token").Distinct(StringComparer.Ordinal)];
        return new ProvenUser(token.UserId, token.UserName, new TokenOrigin(methods, token.AuditIds[^1], token.ExpiresAt));
    }

    private async Task<ProvenUser> ProveByPasswordAsync(
        OwnedReference user,
        string password,
        IPAddress address,
        CancellationToken cancellationToken)
    {
        string attempted = user.Id ?? $"{user.Domain.Id}/{user.Domain.Name}/{user.Name}";
        RefuseThrottled(attempted, address);
        (User? found, string? passwordHash) = await FindUserAsync(user, cancellationToken);
        bool matches = await MatchesAsync(passwordHash ?? hashOfNobody.Value, password, cancellationToken);
        if (found is not { Enabled: true } || !matches)
        {
            throttle.Failed(attempted, address);
            throw new RefusedException(IdentityErrorCodes.Unauthorized, "The user name or password is wrong.");
        }

        throttle.Succeeded(attempted, address);
        return new ProvenUser(found.Id, found.Name, new TokenOrigin(["password"]));
    }

    private void RefuseThrottled(string attempted, IPAddress address)
    {
        TimeSpan wait = throttle.Wait(attempted, address);
        if (wait > TimeSpan.Zero)
            throw new RefusedException(ErrorCodes.Throttled, $"Too many failed log-ins for this user from here: wait {Math.Ceiling(wait.TotalSeconds)} s.");
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

/// <summary>Somebody whose password or token was right.</summary>
internal sealed record ProvenUser(string Id, string Name, TokenOrigin Origin);
