using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Strongroom.Server.Tests.Notifications;

/// <summary>What came in, as it came.</summary>
internal sealed record ReceivedWebhook(string Id, string Timestamp, string Signature, byte[] Body, string ContentType)
{
    public JsonNode Json => JsonNode.Parse(Body)!;

    public string Type => (string)Json["type"]!;

    /// <summary>Checked as a receiver would, with nothing of the product's code.</summary>
    public bool IsSignedWith(string secret)
    {
        byte[] content = [.. Encoding.UTF8.GetBytes($"{Id}.{Timestamp}."), .. Body];
        byte[] expected = HMACSHA256.HashData(Convert.FromBase64String(secret["whsec_".Length..]), content);
        return Signature.Split(' ').Contains("v1," + Convert.ToBase64String(expected));
    }
}

/// <summary>A real HTTP server on this machine that takes webhooks, and does with them what the test wants.</summary>
internal sealed class WebhookReceiver : IAsyncDisposable
{
    private readonly WebApplication app;
    private readonly CancellationTokenSource ending = new();
    private readonly TaskCompletionSource hanging = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private WebhookReceiver(WebApplication app) => this.app = app;

    public ConcurrentQueue<ReceivedWebhook> Received { get; } = new();

    /// <summary>Of the next answers, in order; then 200.</summary>
    public ConcurrentQueue<Func<HttpContext, Task>> Answers { get; } = new();

    public string Url { get; private set; } = "";

    /// <summary>Its own: the port may have been another receiver's, to whose address some server still sends.</summary>
    private string Path { get; } = $"/{Guid.NewGuid():N}";

    public IReadOnlyList<string> Types => [.. Received.Select(webhook => webhook.Type)];

    /// <summary>Somebody waits for an answer that will not come.</summary>
    public Task Hanging => hanging.Task.WaitAsync(TimeSpan.FromSeconds(20));

    public static async Task<WebhookReceiver> StartAsync()
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddRoutingCore();
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        WebApplication app = builder.Build();
        var receiver = new WebhookReceiver(app);
        app.Run(receiver.TakeAsync);
        await app.StartAsync();
        string address = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        receiver.Url = address + receiver.Path;
        return receiver;
    }

    public void AnswerWith(int status, int times = 1)
    {
        for (int i = 0; i < times; i++)
        {
            Answers.Enqueue(context =>
            {
                context.Response.StatusCode = status;
                return Task.CompletedTask;
            });
        }
    }

    public void RedirectTo(string url) => Answers.Enqueue(context =>
    {
        context.Response.StatusCode = 307;
        context.Response.Headers.Location = url;
        return Task.CompletedTask;
    });

    public void Hang() => Answers.Enqueue(async context =>
    {
        hanging.TrySetResult();
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ending.Token, context.RequestAborted);
        await Task.Delay(Timeout.Infinite, either.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    });

    public void Reset() => Answers.Enqueue(context =>
    {
        context.Abort();
        return Task.CompletedTask;
    });

    public async ValueTask DisposeAsync()
    {
        await ending.CancelAsync();
        // At once: clients keep their connections open.
        await app.StopAsync(new CancellationToken(canceled: true));
        await app.DisposeAsync();
        ending.Dispose();
    }

    private async Task TakeAsync(HttpContext context)
    {
        if (context.Request.Path != Path)
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return;
        }

        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body);
        string Header(string name) => context.Request.Headers[name].ToString();
        Received.Enqueue(new ReceivedWebhook(
            Header("webhook-id"), Header("webhook-timestamp"), Header("webhook-signature"), body.ToArray(), Header("content-type")));
        if (Answers.TryDequeue(out Func<HttpContext, Task>? answer))
            await answer(context);
    }
}
