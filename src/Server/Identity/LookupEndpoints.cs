using Microsoft.AspNetCore.Routing;
using Strongroom.Contract;
using Strongroom.Contract.Identity;
using Strongroom.Server.Database;
using Strongroom.Server.Http;
using Strongroom.Server.Shares;

namespace Strongroom.Server.Identity;

/// <summary>
/// CBR's own look-ups of projects and domains (atlas of backups, section 13). They show what the caller may know anyway: the
/// projects it has a role in, and whose project a backup comes from that was shared with its own.
/// </summary>
internal sealed class LookupEndpoints(MetadataDatabase database, ServerOptions options)
{
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/v3/region-projects", ListProjectsAsync).ForAnyCaller();
        routes.MapGet("/v3/domain/{domain_name}/projects", ListDomainProjectsAsync).ForAnyCaller();
        routes.MapGet("/v3/domain/{source_project_id}", ShowOwnerAsync).ForAnyCaller();
    }

    private async Task ListProjectsAsync(HttpContext context)
    {
        List<Project> projects = await database.ReadAsync(
            session => VisibleProjects.OwnAsync(session, context.Token(), context.RequestAborted), context.RequestAborted);
        string baseUrl = PublicAddress.Of(context, options);
        var reply = new RegionProjectsReply(
            new SelfLinkShape(baseUrl + context.Request.Path), projects.ConvertAll(project => project.ToShape(baseUrl)));
        await JsonReply.WriteAsync(context, reply, IdentityJson.Default.RegionProjectsReply);
    }

    /// <summary>A domain of which the caller may see nothing is as one that is not there.</summary>
    private async Task ListDomainProjectsAsync(HttpContext context)
    {
        Token token = context.Token();
        string name = (string)context.Request.RouteValues["domain_name"]!;
        List<Project> projects = await database.ReadAsync(
            async session =>
            {
                if (name.Contains('\0', StringComparison.Ordinal) || await DomainTable.FindByNameAsync(session, name, context.RequestAborted) is not { } domain)
                    return [];
                return (await VisibleProjects.AllAsync(session, token, context.RequestAborted)).FindAll(project => project.DomainId == domain.Id);
            },
            context.RequestAborted);
        if (projects.Count == 0)
            throw new RefusedException(IdentityErrorCodes.NotFound, $"There is no domain {ShownText.Quoted(name)} with projects you may see.");
        var reply = new DomainProjectsReply(projects.ConvertAll(project => new DomainProjectShape(project.Id, project.Name)));
        await JsonReply.WriteAsync(context, reply, IdentityJson.Default.DomainProjectsReply);
    }

    private async Task ShowOwnerAsync(HttpContext context)
    {
        Token token = context.Token();
        string id = (string)context.Request.RouteValues["source_project_id"]!;
        if (!WireId.IsProject(id))
            throw BodyReader.Refused($"source_project_id in the path must be the id of a project, 32 hexadecimal digits: it is {ShownText.Quoted(id)}.");
        ProjectOwnerReply? reply = await database.ReadAsync(
            async session =>
            {
                if (await ProjectTable.FindAsync(session, id, context.RequestAborted) is not { } project
                    || !await MaySeeAsync(session, token, project, context.RequestAborted)
                    || await DomainTable.FindAsync(session, project.DomainId, context.RequestAborted) is not { } domain)
                {
                    return null;
                }

                return new ProjectOwnerReply(domain.Id, domain.Name, project.Id, project.Name);
            },
            context.RequestAborted);
        await JsonReply.WriteAsync(
            context,
            reply ?? throw new RefusedException(IdentityErrorCodes.NotFound, $"There is no project {id} that shares anything with yours."),
            IdentityJson.Default.ProjectOwnerReply);
    }

    private static async ValueTask<bool> MaySeeAsync(DbSession session, Token token, Project project, CancellationToken cancellationToken)
    {
        if (project.Id == token.ProjectId)
            return true;
        if (token.ProjectId.Length > 0 && await ShareTable.IsAnySharedAsync(session, project.Id, token.ProjectId, cancellationToken))
            return true;
        return (await VisibleProjects.AllAsync(session, token, cancellationToken)).Exists(seen => seen.Id == project.Id);
    }
}
