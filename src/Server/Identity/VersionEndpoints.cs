using Microsoft.AspNetCore.Routing;
using Strongroom.Contract.Identity;
using Strongroom.Server.Http;

namespace Strongroom.Server.Identity;

/// <summary>
/// Version discovery, open to all. <c>GET /</c> and <c>GET /{vbs|csbs|cbr}</c> answer as CBR documents them: status 300 and
/// a list. <c>GET /v3</c> is where Keystone clients look: status 200 and <c>version</c>, with CBR's list beside it.
/// </summary>
internal sealed class VersionEndpoints(ServerOptions options)
{
    private static readonly MediaTypeShape[] KeystoneMediaTypes = [new("application/json", "application/vnd.openstack.identity-v3+json")];

    public void Map(IEndpointRouteBuilder routes)
    {
        foreach (string path in (string[])["/", "/vbs", "/csbs", "/cbr"])
            routes.MapGet(path, ListAsync).OpenToAll();
        routes.MapGet("/v3", ShowAsync).OpenToAll().WithMetadata(new IdentityRoute());
    }

    private Task ListAsync(HttpContext context)
    {
        var reply = new VersionsReply(null, [Version(context, null)]);
        return JsonReply.WriteAsync(context, reply, IdentityJson.Default.VersionsReply, StatusCodes.Status300MultipleChoices);
    }

    private Task ShowAsync(HttpContext context)
    {
        var reply = new VersionsReply(Version(context, KeystoneMediaTypes), [Version(context, null)]);
        return JsonReply.WriteAsync(context, reply, IdentityJson.Default.VersionsReply);
    }

    private VersionShape Version(HttpContext context, IReadOnlyList<MediaTypeShape>? mediaTypes) =>
        new("v3", "CURRENT", [new VersionLinkShape(PublicAddress.Of(context, options) + "/v3", "self")], mediaTypes);
}
