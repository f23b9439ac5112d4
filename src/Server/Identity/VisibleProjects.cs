using Strongroom.Server.Database;

namespace Strongroom.Server.Identity;

/// <summary>The projects a caller may be told of. An access key made for one project is told of that one.</summary>
internal static class VisibleProjects
{
    /// <summary>Those in which the user has a role.</summary>
    public static async ValueTask<List<Project>> OwnAsync(DbSession session, Token token, CancellationToken cancellationToken) =>
        (await RoleTable.ListProjectsOfAsync(session, token.UserId, cancellationToken)).FindAll(project => token.Reaches(project.Id));

    /// <summary>The same; to an administrator every one there is.</summary>
    public static async ValueTask<List<Project>> AllAsync(DbSession session, Token token, CancellationToken cancellationToken) =>
        token.IsAdmin && !token.IsForOneProject
            ? await ProjectTable.ListAsync(session, cancellationToken)
            : await OwnAsync(session, token, cancellationToken);
}
