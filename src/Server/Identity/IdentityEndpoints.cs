using System.Net;
using Microsoft.AspNetCore.Routing;
using Strongroom.Contract;
using Strongroom.Contract.Identity;
using Strongroom.Server.Audit;
using Strongroom.Server.Database;
using Strongroom.Server.Http;

namespace Strongroom.Server.Identity;

/// <summary>
/// The part of Keystone v3 that clients of CBR use (Identity API v3, "Authentication and token management", read 2026-01).
/// </summary>
internal sealed class IdentityEndpoints(
    MetadataDatabase database,
    SignIn signIn,
    TokenAuthenticator authenticator,
    KnownRevision known,
    AuditTrail audit,
    ServerOptions options)
{
    private const string SubjectHeader = IdentityClient.SubjectTokenHeader;
    private const string Tokens = "/v3/auth/tokens";

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapPost(Tokens, context => audit.RunAsync(context, "identity:tokens:create", token: null, () => IssueAsync(context))).OpenToAll().WithMetadata(new IdentityRoute());
        routes.MapMethods(Tokens, ["GET", "HEAD"], ShowAsync).ForAnyCaller().WithMetadata(new IdentityRoute());
        routes.MapDelete(Tokens, RevokeAsync).ForAnyCaller().WithMetadata(new IdentityRoute());
        routes.MapGet("/v3/auth/catalog", ShowCatalogAsync).ForAnyCaller().WithMetadata(new IdentityRoute());
        routes.MapGet("/v3/auth/projects", ListOwnProjectsAsync).ForAnyCaller().WithMetadata(new IdentityRoute());
        routes.MapGet("/v3/auth/domains", ListOwnDomainsAsync).ForAnyCaller().WithMetadata(new IdentityRoute());
        routes.MapGet("/v3/projects", ListProjectsAsync).ForAnyCaller().WithMetadata(new IdentityRoute());
        routes.MapGet("/v3/projects/{project}", ShowProjectAsync).ForAnyCaller().WithMetadata(new IdentityRoute());
    }

    internal static (string? Name, string? DomainId) ReadFilter(HttpRequest request)
    {
        var query = new QueryReader(request);
        return (query.Text("name"), query.Text("domain_id"));
    }

    private async Task IssueAsync(HttpContext context)
    {
        SignInRequest request = await BodyReader.ReadAsync(context, SignInRequest.Read);
        IPAddress address = context.Connection.RemoteIpAddress ?? IPAddress.None;
        context.AuditCaller(userId: "", request.ClaimedName, projectId: "");
        ProvenUser user = await signIn.ProveAsync(request, address, context.RequestAborted);
        context.AuditCaller(user.Id, user.Name, projectId: "");
        IssuedToken issued = await signIn.IssueAsync(user, request.Scope, context.RequestAborted);
        context.AuditCaller(issued.Token.UserId, issued.Token.UserName, issued.Token.ProjectId);
        context.Response.Headers[SubjectHeader] = issued.Text;
        await ReplyAsync(context, issued.Token, StatusCodes.Status201Created);
    }

    private async Task ShowAsync(HttpContext context)
    {
        (string text, Token token) = await FindSubjectAsync(context);
        context.Response.Headers[SubjectHeader] = text;
        await ReplyAsync(context, token, StatusCodes.Status200OK);
    }

    private async Task RevokeAsync(HttpContext context)
    {
        (string text, _) = await FindSubjectAsync(context);
        TokenHash.TryOf(text, out TokenHash hash);
        long revision = await database.WriteAsync(
            async session =>
            {
                await TokenTable.DeleteAsync(session, hash, context.RequestAborted);
                return await IdentityRevision.RaiseAsync(session, context.RequestAborted);
            },
            context.RequestAborted);
        known.Learn(revision);
        JsonReply.NoContent(context);
    }

    private Task ShowCatalogAsync(HttpContext context)
    {
        var reply = new CatalogReply(Catalog(context, context.Token()), Links(context));
        return JsonReply.WriteAsync(context, reply, IdentityJson.Default.CatalogReply);
    }

    private async Task ListOwnProjectsAsync(HttpContext context)
    {
        List<Project> projects = await database.ReadAsync(
            session => VisibleProjects.OwnAsync(session, context.Token(), context.RequestAborted), context.RequestAborted);
        await ReplyAsync(context, projects);
    }

    private async Task ListOwnDomainsAsync(HttpContext context)
    {
        Token token = context.Token();
        string? name = new QueryReader(context.Request).Text("name");
        List<Domain> domains = await database.ReadAsync(
            session => RoleTable.ListDomainsOfAsync(session, token.UserId, context.RequestAborted), context.RequestAborted);
        string baseUrl = BaseUrl(context);
        var reply = new DomainListReply(
            [
                .. domains.Where(domain => (name is null || domain.Name == name) && (!token.IsForOneProject || domain.Id == token.ScopeDomainId))
                    .Select(domain => domain.ToShape(baseUrl)),
            ],
            Links(context));
        await JsonReply.WriteAsync(context, reply, IdentityJson.Default.DomainListReply);
    }

    /// <summary>
    /// An administrator sees every project, others those they have a role in. SDKs ask for one by name and want exactly one
    /// answer, so a name without a domain is looked for in the caller's own.
    /// </summary>
    private async Task ListProjectsAsync(HttpContext context)
    {
        (string? name, string? domainId) = ReadFilter(context.Request);
        if (name is not null)
            domainId ??= context.Token().UserDomainId;
        List<Project> projects = await VisibleProjectsAsync(context);
        await ReplyAsync(
            context,
            projects.Where(project => (name is null || project.Name == name) && (domainId is null || project.DomainId == domainId)));
    }

    private async Task ShowProjectAsync(HttpContext context)
    {
        string id = (string)context.GetRouteValue("project")!;
        Project found = (await VisibleProjectsAsync(context)).Find(project => project.Id == id)
            ?? throw new RefusedException(IdentityErrorCodes.NotFound, $"There is no project {ShownText.Quoted(id)} that you may see.");
        await JsonReply.WriteAsync(context, new ProjectReply(found.ToShape(BaseUrl(context))), IdentityJson.Default.ProjectReply);
    }

    private Task<List<Project>> VisibleProjectsAsync(HttpContext context) => database.ReadAsync(
        session => VisibleProjects.AllAsync(session, context.Token(), context.RequestAborted), context.RequestAborted);

    /// <summary>
    /// The token of <c>X-Subject-Token</c>, if it is the caller's own or the caller an administrator; to others it is not
    /// there, and an access key made for one project finds no token of another.
    /// </summary>
    private async Task<(string Text, Token Token)> FindSubjectAsync(HttpContext context)
    {
        string text = context.Request.Headers[SubjectHeader].ToString();
        if (text.Length == 0)
            throw new RefusedException(ErrorCodes.ParameterInvalid, $"The header {SubjectHeader} is missing: it says which token is meant.");
        Token caller = context.Token();
        Token? subject = await authenticator.FindAsync(text, context.RequestAborted);
        return subject is not null && (subject.UserId == caller.UserId || caller.IsAdmin) && caller.Reaches(subject.ProjectId)
            ? (text, subject)
            : throw new RefusedException(IdentityErrorCodes.NotFound, $"The token in {SubjectHeader} is unknown, revoked or expired.");
    }

    private Task ReplyAsync(HttpContext context, Token token, int status)
    {
        bool wantsCatalog = !context.Request.Query.ContainsKey("nocatalog");
        TokenReply reply = token.ToReply(wantsCatalog ? Catalog(context, token) : null);
        return JsonReply.WriteAsync(context, reply, IdentityJson.Default.TokenReply, status);
    }

    private Task ReplyAsync(HttpContext context, IEnumerable<Project> projects)
    {
        string baseUrl = BaseUrl(context);
        var reply = new ProjectListReply([.. projects.Select(project => project.ToShape(baseUrl))], Links(context));
        return JsonReply.WriteAsync(context, reply, IdentityJson.Default.ProjectListReply);
    }

    private IReadOnlyList<ServiceShape> Catalog(HttpContext context, Token token) =>
        ServiceCatalog.For(token.ProjectId, options.Identity.Region, BaseUrl(context));

    private LinksShape Links(HttpContext context) => new(BaseUrl(context) + context.Request.Path, Previous: null, Next: null);

    private string BaseUrl(HttpContext context) => PublicAddress.Of(context, options);
}
