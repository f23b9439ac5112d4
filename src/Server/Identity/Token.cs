using Strongroom.Server.Http;

namespace Strongroom.Server.Identity;

/// <summary>What a token is for.</summary>
public enum ScopeKind
{
    None,
    Project,
    Domain,
}

/// <summary>A valid token with all it stands for, as of the moment it was read. Immutable: shared by every request that uses it.</summary>
internal sealed record Token(
    string UserId,
    string UserName,
    string UserDomainId,
    string UserDomainName,
    ScopeKind Scope,
    string ProjectId,
    string ProjectName,
    string ScopeDomainId,
    string ScopeDomainName,
    IReadOnlyList<string> Roles,
    IReadOnlyList<string> Methods,
    IReadOnlyList<string> AuditIds,
    DateTimeOffset IssuedAt,
    DateTimeOffset ExpiresAt)
{
    /// <summary>Of a signed request, which is judged as if a token had come with it; null for a real token.</summary>
    public string? AccessKey { get; init; }

    /// <summary>Of an access key made for one project: its user's roles elsewhere do not count.</summary>
    public bool IsForOneProject { get; init; }

    public bool IsAdmin => Roles.Contains(ActionPolicy.AdminRole);

    /// <summary>False: whatever roles the user has in that project, this access key was not made for it.</summary>
    public bool Reaches(string projectId) => !IsForOneProject || projectId == ProjectId;

    public Caller ToCaller(string requestId) =>
        new(UserId, UserName, ProjectId, Scope == ScopeKind.None ? UserDomainId : ScopeDomainId, Roles, requestId);
}

internal static class TokenExtensions
{
    /// <summary>The caller's token, with what <see cref="Caller"/> leaves out.</summary>
    public static Token Token(this HttpContext context) =>
        context.Features.Get<Token>() ?? throw new InvalidOperationException("This route is open to all: it has no caller.");
}
