using System.Globalization;
using Strongroom.Contract.Identity;

namespace Strongroom.Server.Identity;

internal static class IdentityShapes
{
    public static TokenReply ToReply(this Token token, IReadOnlyList<ServiceShape>? catalog)
    {
        bool scoped = token.Scope != ScopeKind.None;
        var scopeDomain = new NamedShape(token.ScopeDomainId, token.ScopeDomainName);
        return new TokenReply(new TokenShape(
            token.Methods,
            new TokenUserShape(token.UserId, token.UserName, new NamedShape(token.UserDomainId, token.UserDomainName), PasswordExpiresAt: null),
            token.AuditIds,
            Instant(token.ExpiresAt),
            Instant(token.IssuedAt),
            token.Scope == ScopeKind.Project ? new ScopedProjectShape(token.ProjectId, token.ProjectName, scopeDomain) : null,
            token.Scope == ScopeKind.Project ? false : null,
            token.Scope == ScopeKind.Domain ? scopeDomain : null,
            scoped ? [.. token.Roles.Select(role => new NamedShape(role, role))] : null,
            scoped ? catalog : null));
    }

    public static ProjectShape ToShape(this Project project, string baseUrl) =>
        new(
            project.Id,
            project.Name,
            project.DomainId,
            ParentId: project.DomainId,
            project.Description,
            project.Enabled,
            IsDomain: false,
            new SelfLinkShape($"{baseUrl}/v3/projects/{project.Id}"));

    public static DomainShape ToShape(this Domain domain, string baseUrl) =>
        new(domain.Id, domain.Name, "", domain.Enabled, new SelfLinkShape($"{baseUrl}/v3/domains/{domain.Id}"));

    // Keystone's form, which differs from CBR's by the Z.
    private static string Instant(DateTimeOffset instant) =>
        instant.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.ffffffZ", CultureInfo.InvariantCulture);
}
