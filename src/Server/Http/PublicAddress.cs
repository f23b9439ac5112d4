namespace Strongroom.Server.Http;

/// <summary>How clients reach the service, without a slash at the end: as the settings say, else as this very request came in.</summary>
internal static class PublicAddress
{
    public static string Of(HttpContext context, ServerOptions options) =>
        options.PublicUrl.Length > 0
            ? options.PublicUrl.TrimEnd('/')
            : $"{context.Request.Scheme}://{(context.Request.Host.HasValue ? context.Request.Host.Value : LocalAddress(context))}";

    // HTTP/1.0 needs no Host header.
    private static string LocalAddress(HttpContext context) =>
        new System.Net.IPEndPoint(context.Connection.LocalIpAddress ?? System.Net.IPAddress.Loopback, context.Connection.LocalPort).ToString();
}
