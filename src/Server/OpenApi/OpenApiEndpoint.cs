using System.Text;
using Microsoft.AspNetCore.Routing;
using Strongroom.Server.Http;
using Strongroom.Server.Vaults;

namespace Strongroom.Server.OpenApi;

/// <summary>The description under <c>/openapi/v3.json</c>, open to all: it says nothing that the manual does not. Made when first asked for.</summary>
internal sealed class OpenApiEndpoint(EndpointDataSource routes, VaultOptions vaults)
{
    private readonly Lazy<byte[]> document = new(() => Encoding.UTF8.GetBytes(
        OpenApiDocument.Build(routes.Endpoints.OfType<RouteEndpoint>(), new OperationCatalog(vaults).Build()).ToJsonString()));

    public void Map(IEndpointRouteBuilder builder) => builder.MapGet("/openapi/v3.json", ShowAsync).OpenToAll();

    private async Task ShowAsync(HttpContext context)
    {
        context.Response.ContentType = ErrorReply.MediaType;
        context.Response.ContentLength = document.Value.Length;
        await context.Response.Body.WriteAsync(document.Value, context.RequestAborted);
    }
}
