using Strongroom.Server.Database;

namespace Strongroom.Server.Identity;

internal static class RoleTable
{
    /// <summary>Repeating it changes nothing.</summary>
    public static ValueTask<int> InsertAsync(
        DbSession session,
        string userId,
        ScopeKind scope,
        string scopeId,
        string role,
        CancellationToken cancellationToken) =>
        session.ExecuteAsync(
            $"""
            insert into role_assignments (user_id, scope_kind, scope_id, role) values ({userId}, {scope.ToWord()}, {scopeId}, {role})
            on conflict do nothing
            """,
            cancellationToken);

    /// <summary>The roles of one user in one scope, in alphabetical order.</summary>
    public static ValueTask<List<string>> ListAsync(
        DbSession session,
        string userId,
        ScopeKind scope,
        string scopeId,
        CancellationToken cancellationToken) =>
        session.QueryAsync(
            $"""
            select role from role_assignments
            where user_id = {userId} and scope_kind = {scope.ToWord()} and scope_id = {scopeId} order by role
            """,
            row => row.GetString(0),
            cancellationToken);

    public static ValueTask<List<RoleAssignment>> ListAllAsync(DbSession session, CancellationToken cancellationToken) =>
        session.QueryAsync(
            $"""
            select a.user_id, u.name, a.scope_kind, a.scope_id, coalesce(p.name, d.name), a.role
            from role_assignments a
            join users u on u.id = a.user_id
            left join projects p on a.scope_kind = 'project' and p.id = a.scope_id
            left join domains d on a.scope_kind = 'domain' and d.id = a.scope_id
            order by u.name, a.user_id, a.scope_kind, a.scope_id, a.role
            """,
            row => new RoleAssignment(
                row.GetString(0), row.GetString(1), ScopeWords.Read(row.GetString(2)), row.GetString(3), row.GetString(4), row.GetString(5)),
            cancellationToken);

    /// <summary>The enabled projects in enabled domains in which the user has a role, by name.</summary>
    public static ValueTask<List<Project>> ListProjectsOfAsync(DbSession session, string userId, CancellationToken cancellationToken) =>
        session.QueryAsync(
            $"""
            select p.id, p.domain_id, p.name, p.description, p.enabled from projects p join domains d on d.id = p.domain_id
            where p.enabled and d.enabled and exists (
                select 1 from role_assignments a where a.user_id = {userId} and a.scope_kind = 'project' and a.scope_id = p.id)
            order by p.name, p.id
            """,
            row => new Project(row.GetString(0), row.GetString(1), row.GetString(2), row.GetString(3), row.GetBoolean(4)),
            cancellationToken);

    /// <summary>The same with the roles, in alphabetical order.</summary>
    public static async ValueTask<List<ProjectRoles>> ListProjectRolesOfAsync(DbSession session, string userId, CancellationToken cancellationToken)
    {
        List<(Project Project, Domain Domain, string Role)> rows = await session.QueryAsync(
            $"""
            select p.id, p.domain_id, p.name, p.description, p.enabled, d.id, d.name, d.enabled, a.role
            from role_assignments a
            join projects p on p.id = a.scope_id and p.enabled
            join domains d on d.id = p.domain_id and d.enabled
            where a.user_id = {userId} and a.scope_kind = 'project'
            order by p.name, p.id, a.role
            """,
            row => (
                new Project(row.GetString(0), row.GetString(1), row.GetString(2), row.GetString(3), row.GetBoolean(4)),
                new Domain(row.GetString(5), row.GetString(6), row.GetBoolean(7)),
                row.GetString(8)),
            cancellationToken);
        return [.. rows.GroupBy(row => row.Project.Id).Select(group => new ProjectRoles(group.First().Project, group.First().Domain, [.. group.Select(row => row.Role)]))];
    }

    /// <summary>The enabled domains in which the user has a role, and the user's own, by name.</summary>
    public static ValueTask<List<Domain>> ListDomainsOfAsync(DbSession session, string userId, CancellationToken cancellationToken) =>
        session.QueryAsync(
            $"""
            select d.id, d.name, d.enabled from domains d
            where d.enabled and (
                exists (select 1 from role_assignments a where a.user_id = {userId} and a.scope_kind = 'domain' and a.scope_id = d.id)
                or exists (select 1 from users u where u.id = {userId} and u.domain_id = d.id))
            order by d.name
            """,
            row => new Domain(row.GetString(0), row.GetString(1), row.GetBoolean(2)),
            cancellationToken);

    public static ValueTask<int> DeleteAsync(
        DbSession session,
        string userId,
        ScopeKind scope,
        string scopeId,
        string role,
        CancellationToken cancellationToken) =>
        session.ExecuteAsync(
            $"""
            delete from role_assignments
            where user_id = {userId} and scope_kind = {scope.ToWord()} and scope_id = {scopeId} and role = {role}
            """,
            cancellationToken);

    public static ValueTask<int> DeleteOfUserAsync(DbSession session, string userId, CancellationToken cancellationToken) =>
        session.ExecuteAsync($"delete from role_assignments where user_id = {userId}", cancellationToken);

    public static ValueTask<int> DeleteOfProjectAsync(DbSession session, string projectId, CancellationToken cancellationToken) =>
        session.ExecuteAsync($"delete from role_assignments where scope_kind = 'project' and scope_id = {projectId}", cancellationToken);
}
