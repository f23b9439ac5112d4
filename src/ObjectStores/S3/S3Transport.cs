using System.Net;
using Amazon.Runtime;

namespace Strongroom.ObjectStores.S3;

/// <summary>Gives the SDK its HTTP client: with our limit of connections, our counting, and no time-out but the exchange's.</summary>
/// <param name="inner">What really sends; null: sockets. Owned by the client made from it.</param>
internal sealed class S3Transport(int connectionsMax, RequestCounter counter, HttpMessageHandler? inner) : HttpClientFactory
{
    public override HttpClient CreateHttpClient(IClientConfig clientConfig) =>
        new(new CountingHandler(counter, inner ?? Sockets())) { Timeout = Timeout.InfiniteTimeSpan };

    public override bool UseSDKHttpClientCaching(IClientConfig clientConfig) => false;

    public override bool DisposeHttpClientsAfterUse(IClientConfig clientConfig) => false;

    private SocketsHttpHandler Sockets() => new()
    {
        MaxConnectionsPerServer = connectionsMax,
        ConnectTimeout = TimeSpan.FromSeconds(10),
        // A store that moved to another address, or sits behind several, is found again without a restart.
        PooledConnectionLifetime = TimeSpan.FromMinutes(10),
        AutomaticDecompression = DecompressionMethods.None,
        AllowAutoRedirect = false,
        UseCookies = false,
        // The service's own traces go with requests of its own, not with those to a store.
        ActivityHeadersPropagator = null,
    };

    private sealed class CountingHandler(RequestCounter counter, HttpMessageHandler inner) : DelegatingHandler(inner)
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            bool isListing = request.RequestUri!.Query.Contains("list-type=2", StringComparison.Ordinal);
            counter.Add(request.Method, isListing, request.Content?.Headers.ContentLength ?? 0);
            var response = await base.SendAsync(request, cancellationToken);
            if (S3Exchange.Current is { } exchange)
            {
                exchange.Progress();
                exchange.ServerTime = response.Headers.Date;
                exchange.RetryAfter = response.Headers.RetryAfter switch
                {
                    { Delta: { } delay } => delay,
                    // Both are the server's clock.
                    { Date: { } due } when response.Headers.Date is { } now && due > now => due - now,
                    _ => null,
                };
            }

            return response;
        }
    }
}
