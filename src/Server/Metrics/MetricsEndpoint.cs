using System.Net;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Routing;
using Strongroom.Contract;
using Strongroom.Server.Database;
using Strongroom.Server.Http;

namespace Strongroom.Server.Metrics;

/// <summary>
/// <c>/metrics</c> in the text format of Prometheus. Figures of the database are read at most once per interval, whoever asks
/// how often; what the runs of this process measured is always up to date.
/// </summary>
internal sealed class MetricsEndpoint(MetadataDatabase database, ProcessTotals totals, MetricsOptions options, TimeProvider time) : IDisposable
{
    private const string MediaType = "text/plain; version=0.0.4; charset=utf-8";

    private readonly SemaphoreSlim gate = new(1);
    private (MetricsFigures Figures, long ReadAt)? last;

    public void Map(IEndpointRouteBuilder routes) => routes.MapGet("/metrics", (RequestDelegate)AnswerAsync).OpenToAll();

    public void Dispose() => gate.Dispose();

    private async Task AnswerAsync(HttpContext context)
    {
        RefuseStrangers(context);
        MetricsFigures figures = await FiguresAsync(context.RequestAborted);
        context.Response.ContentType = MediaType;
        await context.Response.WriteAsync(MetricsText.Of(figures, totals, time.GetUtcNow()), context.RequestAborted);
    }

    private void RefuseStrangers(HttpContext context)
    {
        if (options.Token.Length == 0)
        {
            if (context.Connection.RemoteIpAddress is { } address && IPAddress.IsLoopback(address))
                return;
            throw new RefusedException(
                ErrorCodes.NotAllowed, "Metrics are told to this machine only, unless the setting Metrics__Token names a token and the request brings it.");
        }

        byte[] wanted = SHA256.HashData(Encoding.UTF8.GetBytes("Bearer " + options.Token));
        byte[] given = SHA256.HashData(Encoding.UTF8.GetBytes(context.Request.Headers.Authorization.ToString()));
        if (!CryptographicOperations.FixedTimeEquals(wanted, given))
            throw new RefusedException(ErrorCodes.NotAuthenticated, "Metrics need the header Authorization: Bearer with the token of the setting Metrics__Token.");
    }

    private async Task<MetricsFigures> FiguresAsync(CancellationToken cancellationToken)
    {
        await gate.WaitAsync(cancellationToken);
        try
        {
            if (last is var (figures, readAt) && time.GetElapsedTime(readAt) < options.RefreshInterval)
                return figures;
            MetricsFigures read = await database.ReadAsync(
                session => MetricsFigures.ReadAsync(session, options.SeriesCountMax, time.GetStoredNow(), cancellationToken), cancellationToken);
            last = (read, time.GetTimestamp());
            return read;
        }
        finally
        {
            gate.Release();
        }
    }
}

internal static class MetricsServices
{
    public static void AddMetrics(this IServiceCollection services, MetricsOptions options)
    {
        services.AddSingleton(options);
        // Made at once: it counts from its making on.
        services.AddSingleton(new ProcessTotals());
        services.AddSingleton<MetricsEndpoint>();
    }

    public static void MapMetrics(this WebApplication app) => app.Services.GetRequiredService<MetricsEndpoint>().Map(app);
}
