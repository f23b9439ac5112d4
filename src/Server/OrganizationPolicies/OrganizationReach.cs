using Strongroom.Contract;
using Strongroom.Server.Database;
using Strongroom.Server.Http;
using Strongroom.Server.Identity;

namespace Strongroom.Server.OrganizationPolicies;

/// <summary>
/// How far a caller's word goes in the domain of its project. An organization here is a domain. An administrator, and whoever
/// has a role on the domain that allows it, speaks for the whole of it; everybody else for those projects in which a role of
/// theirs allows both the organization action and the same one on policies. Nobody can do through an organization policy
/// what they could not do in each of its projects.
/// </summary>
/// <param name="DomainId">The domain of the caller's project.</param>
/// <param name="IsWhole">Every project of it, those to come too.</param>
/// <param name="Projects">The projects, by name; the caller's own is among them.</param>
internal sealed record OrganizationReach(string DomainId, bool IsWhole, IReadOnlyList<Project> Projects)
{
    /// <summary>The scope that is a whole domain.</summary>
    public const string Everything = "all";

    public IEnumerable<string> ProjectIds => Projects.Select(project => project.Id);

    /// <param name="session">Of the request.</param>
    /// <param name="policy">What roles may do.</param>
    /// <param name="token">The caller's.</param>
    /// <param name="verb">Of both actions: <c>create</c>, <c>list</c> …</param>
    /// <param name="cancellationToken">Stops asking.</param>
    /// <exception cref="RefusedException">403: not even in the caller's own project.</exception>
    public static async ValueTask<OrganizationReach> FindAsync(
        DbSession session, ActionPolicy policy, Token token, string verb, CancellationToken cancellationToken)
    {
        if (!Allows(token.Roles))
            throw new RefusedException(ErrorCodes.NotAllowed, $"Policy doesn't allow cbr:policies:{verb} to be performed.");
        string domainId = token.ScopeDomainId;
        if (token.IsForOneProject)
            return new OrganizationReach(domainId, IsWhole: false, [(await ProjectTable.FindAsync(session, token.ProjectId, cancellationToken))!]);
        bool isWhole = token.IsAdmin || Allows(await RoleTable.ListAsync(session, token.UserId, ScopeKind.Domain, domainId, cancellationToken));
        IEnumerable<Project> projects = isWhole
            ? await ProjectTable.ListAsync(session, cancellationToken)
            : (await RoleTable.ListProjectRolesOfAsync(session, token.UserId, cancellationToken))
                .Where(project => Allows(project.Roles)).Select(project => project.Project);
        return new OrganizationReach(domainId, isWhole, [.. projects.Where(project => project.DomainId == domainId)]);

        bool Allows(IReadOnlyList<string> roles) =>
            policy.Allows(roles, "cbr:organizationPolicies:" + verb) && policy.Allows(roles, "cbr:policies:" + verb);
    }

    /// <summary>The projects a scope names.</summary>
    /// <param name="scope">Null or empty: as far as the caller's word goes by itself, the domain or the own project.</param>
    /// <param name="ownProjectId">The caller's project.</param>
    /// <exception cref="RefusedException">403: all, and the caller may not. 400: a project that is not in reach, or not there.</exception>
    public OrganizationScope Resolve(string? scope, string ownProjectId)
    {
        if (string.IsNullOrWhiteSpace(scope))
            scope = IsWhole ? Everything : ownProjectId;
        if (scope == Everything)
        {
            return IsWhole
                ? new OrganizationScope(scope, CoversDomain: true, [.. ProjectIds])
                : throw new RefusedException(
                    ErrorCodes.NotPermitted, $"policy.effective_scope is {Everything}: that takes a role on the domain. Name the projects instead.");
        }

        string[] names = scope.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        if (names.Length == 0)
            throw BodyReader.Refused($"policy.effective_scope names no project: it is {ShownText.Quoted(scope)}.");
        return new OrganizationScope(scope, CoversDomain: false, [.. names.Select(IdOf).Distinct(StringComparer.Ordinal)]);
    }

    private string IdOf(string nameOrId) =>
        (Projects.FirstOrDefault(project => project.Id == nameOrId) ?? Projects.FirstOrDefault(project => project.Name == nameOrId))?.Id
        ?? throw BodyReader.Refused(
            $"policy.effective_scope must be {Everything}, or names or ids of projects in which you may manage policies, with commas: {ShownText.Quoted(nameOrId)} is none.");
}

/// <summary>A scope and the projects it stands for now.</summary>
internal sealed record OrganizationScope(string Text, bool CoversDomain, IReadOnlyList<string> ProjectIds);
