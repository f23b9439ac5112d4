using System.Collections.Frozen;
using System.Security.Cryptography;
using System.Text;

namespace Strongroom.Server.Identity;

/// <summary>The roles a user has in one project, both enabled.</summary>
internal sealed record ProjectRoles(Project Project, Domain Domain, IReadOnlyList<string> Roles);

/// <summary>An access key with all it stands for, as of the moment it was read. Immutable: shared by every request it signs.</summary>
internal sealed class SignedIdentity
{
    private const string ProjectHeader = "X-Project-Id";

    private readonly Credential credential;
    private readonly string? securityTokenHash;
    private readonly FrozenDictionary<string, Token> tokens;
    private readonly Token withoutProject;

    public SignedIdentity(
        Credential credential, string? securityTokenHash, string secret, User user, Domain userDomain, IReadOnlyList<ProjectRoles> projects)
    {
        this.credential = credential;
        this.securityTokenHash = securityTokenHash;
        Secret = new SigningSecret(credential.AccessKey, secret);
        withoutProject = new Token(
            user.Id,
            user.Name,
            userDomain.Id,
            userDomain.Name,
            ScopeKind.None,
            ProjectId: "",
            ProjectName: "",
            ScopeDomainId: "",
            ScopeDomainName: "",
            Roles: [],
            Methods: ["aksk"],
            AuditIds: [],
            credential.CreatedAt,
            credential.ExpiresAt ?? DateTimeOffset.MaxValue)
        { AccessKey = credential.AccessKey, IsForOneProject = credential.ProjectId is not null };
        tokens = projects
            .Where(project => credential.ProjectId is null || credential.ProjectId == project.Project.Id)
            .ToFrozenDictionary(project => project.Project.Id, TokenOf, StringComparer.Ordinal);
    }

    public SigningSecret Secret { get; }

    public bool HasExpired(DateTimeOffset now) => now >= credential.ExpiresAt;

    /// <summary>A temporary key needs its own token beside it; a lasting one none.</summary>
    public bool AcceptsSecurityToken(string sent) =>
        securityTokenHash is null
        || CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(HashOf(sent)), Encoding.ASCII.GetBytes(securityTokenHash));

    public static string HashOf(string securityToken) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(securityToken)));

    /// <summary>
    /// What the request may be judged by: as if a token for the project it names had come with it. <c>X-Project-Id</c> names
    /// one, else the path, else the key's own project, else the only one there is. A project in which the user has no role
    /// gives a token without any.
    /// </summary>
    public Token TokenFor(HttpRequest request)
    {
        string named = request.Headers[ProjectHeader].ToString();
        if (named.Length == 0)
            named = request.RouteValues.TryGetValue("project_id", out object? inPath) ? (string?)inPath ?? "" : "";
        if (named.Length == 0)
            return tokens.Count == 1 ? tokens.Values[0] : withoutProject;
        return tokens.GetValueOrDefault(named) ?? withoutProject;
    }

    private Token TokenOf(ProjectRoles project) => withoutProject with
    {
        Scope = ScopeKind.Project,
        ProjectId = project.Project.Id,
        ProjectName = project.Project.Name,
        ScopeDomainId = project.Domain.Id,
        ScopeDomainName = project.Domain.Name,
        Roles = project.Roles,
    };
}
