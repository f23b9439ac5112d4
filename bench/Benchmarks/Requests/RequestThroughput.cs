using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Strongroom.Contract.Vaults;
using Strongroom.Server;
using Strongroom.Server.Database;
using Strongroom.Server.Identity;
using Strongroom.Server.Vaults;

namespace Strongroom.Benchmarks.Requests;

/// <summary>
/// Requests a second of the service over loopback, beside an endpoint of the same framework that sends the same bytes from
/// memory and does nothing else. Both run in this process and are measured in turns, so that what disturbs one disturbs the
/// other; the number that matters is the ratio.
/// </summary>
internal static class RequestThroughput
{
    private const int RoundCount = 15;
    private const int ConnectionCount = 16;

    private static readonly TimeSpan RoundTime = TimeSpan.FromMilliseconds(400);

    public static async Task RunAsync()
    {
        string directory = Directory.CreateTempSubdirectory("strongroom-bench-").FullName;
        try
        {
            await RunAsync("SQLite", directory, "");
            if (Environment.GetEnvironmentVariable("STRONGROOM_BENCH_DATABASE") is { } connectionString)
                await RunAsync("PostgreSQL", directory, connectionString);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private static async Task RunAsync(string database, string directory, string connectionString)
    {
        var options = new ServerOptions { DataDirectory = directory, Url = "http://127.0.0.1:0", Roles = ServerRoles.Api };
        options.Database.ConnectionString = connectionString;
        options.Identity.AdminPassword = Guid.NewGuid().ToString();
        await using WebApplication service = StrongroomHost.Build(options);
        await service.StartAsync();
        (string projectId, string userId, string token) = await SignInAsync(service);
        string vaultId = await FillAsync(service, projectId);

        string path = $"/v3/{projectId}/vaults/{vaultId}";
        string signed = await SignAsync(service, userId, path);
        double requestMicroseconds = await CompareAsync($"show a vault with 10 resources, {database}", service, path, TokenHeader(token));
        await CompareAsync($"the same, signed with an access key, {database}", service, path, signed);
        await TimeChecksAsync(service, path, token, signed, requestMicroseconds);
        await CompareAsync($"list 100 vaults with 10 resources each, {database}", service, $"/v3/{projectId}/vaults", TokenHeader(token));
        await service.StopAsync();
    }

    /// <summary>What finding out who calls takes, alone, beside the CPU time of a whole request.</summary>
    private static async Task TimeChecksAsync(WebApplication service, string path, string token, string signed, double requestMicroseconds)
    {
        const int Count = 100_000;
        var tokens = service.Services.GetRequiredService<TokenAuthenticator>();
        var signatures = service.Services.GetRequiredService<SignatureAuthenticator>();
        var context = new DefaultHttpContext();
        context.Request.Method = HttpMethods.Get;
        context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget = path;
        context.Features.Set<IHttpRequestBodyDetectionFeature>(new NoBody());
        context.Request.RouteValues["project_id"] = path.Split('/')[2];
        foreach (string header in signed.Split("\r\n", StringSplitOptions.RemoveEmptyEntries))
            context.Request.Headers[header.Split(": ", 2)[0]] = header.Split(": ", 2)[1];
        string authorization = context.Request.Headers.Authorization.ToString();
        double tokenTime = await TimeAsync(async () => _ = await tokens.FindAsync(token, default));
        double signatureTime = await TimeAsync(async () => _ = await signatures.FindAsync(context, authorization));
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"checks: token {tokenTime:F2} µs ({tokenTime / requestMicroseconds:P1}), signature {signatureTime:F2} µs ({signatureTime / requestMicroseconds:P1}) of {requestMicroseconds:F1} µs of CPU a shown vault takes, its client included"));

        static async Task<double> TimeAsync(Func<ValueTask> check)
        {
            double best = double.MaxValue;
            for (int round = 0; round < 5; round++)
            {
                long started = Stopwatch.GetTimestamp();
                for (int i = 0; i < Count; i++)
                    await check();
                best = Math.Min(best, Stopwatch.GetElapsedTime(started).TotalMicroseconds / Count);
            }

            return best;
        }
    }

    private sealed class NoBody : IHttpRequestBodyDetectionFeature
    {
        public bool CanHaveBody => false;
    }

    /// <returns>CPU microseconds of this process for one request to the service, both ends of it.</returns>
    private static async Task<double> CompareAsync(string name, WebApplication service, string path, string headers)
    {
        byte[] reply = await FetchAsync(service, path, headers);
        await using WebApplication bare = await StartBareAsync(reply);
        await using var serviceLoad = await RequestLoad.StartAsync(PortOf(service), path, headers, ConnectionCount);
        await using var bareLoad = await RequestLoad.StartAsync(PortOf(bare), path, headers, ConnectionCount);
        var ratios = new List<double>();
        (double best, double bestBare, double cpuMicroseconds) = (0, 0, double.MaxValue);
        for (int round = 0; round <= RoundCount; round++)
        {
            double bareRate = await bareLoad.MeasureAsync(RoundTime);
            TimeSpan cpuBefore = Environment.CpuUsage.TotalTime;
            double rate = await serviceLoad.MeasureAsync(RoundTime);
            double cpu = (Environment.CpuUsage.TotalTime - cpuBefore).TotalMicroseconds / (rate * RoundTime.TotalSeconds);
            if (round == 0)
                continue; // just-in-time compilation and first connections
            ratios.Add(rate / bareRate);
            best = Math.Max(best, rate);
            cpuMicroseconds = Math.Min(cpuMicroseconds, cpu);
            bestBare = Math.Max(bestBare, bareRate);
        }

        ratios.Sort();
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{name}: {best:F0}/s of {bestBare:F0}/s bare ({reply.Length} bytes); ratio {ratios[ratios.Count / 2]:P0} (from {ratios[0]:P0} to {ratios[^1]:P0})"));
        await bare.StopAsync();
        return cpuMicroseconds;
    }

    private static async Task<WebApplication> StartBareAsync(byte[] reply)
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        builder.Services.AddRoutingCore();
        WebApplication app = builder.Build();
        app.MapGet("/{**path}", context =>
        {
            context.Response.ContentType = "application/json";
            context.Response.ContentLength = reply.Length;
            return context.Response.Body.WriteAsync(reply).AsTask();
        });
        await app.StartAsync();
        return app;
    }

    private static async Task<(string ProjectId, string UserId, string Token)> SignInAsync(WebApplication service)
    {
        var database = service.Services.GetRequiredService<MetadataDatabase>();
        var administration = new IdentityAdministration(database, TimeProvider.System, service.Services.GetRequiredService<IdentityOptions>());
        Project project = (await administration.ListProjectsAsync(default))[0];
        User user = await administration.CreateUserAsync("bench-" + Guid.NewGuid().ToString("N"), null, Guid.NewGuid().ToString(), default);
        await administration.AddRoleAsync(user.Id, "cbr_full", ScopeKind.Project, project.Id, null, default);
        IssuedToken? issued = await service.Services.GetRequiredService<TokenIssuer>()
            .IssueAsync(user.Id, ScopeKind.Project, project.Id, new TokenOrigin(["password"]), default);
        return (project.Id, user.Id, issued!.Text);
    }

    private static string TokenHeader(string token) => $"X-Auth-Token: {token}\r\n";

    /// <summary>The headers of a GET as the public SDKs sign it; good for a quarter of an hour.</summary>
    private static async Task<string> SignAsync(WebApplication service, string userId, string path)
    {
        NewCredential made = await service.Services.GetRequiredService<CredentialMaker>().MakeAsync(userId, null, "", default);
        string date = TimeProvider.System.GetUtcNow().ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture);
        const string Agent = "huaweicloud-usdk-go/3.0";
        string canonical = $"GET\n{path}/\n\nuser-agent:{Agent}\nx-sdk-date:{date}\n\nuser-agent;x-sdk-date\n{Hash("")}";
        byte[] signature = HMACSHA256.HashData(Encoding.UTF8.GetBytes(made.Secret), Encoding.UTF8.GetBytes($"SDK-HMAC-SHA256\n{date}\n{Hash(canonical)}"));
        return $"User-Agent: {Agent}\r\nX-Sdk-Date: {date}\r\n"
            + $"Authorization: SDK-HMAC-SHA256 Access={made.Credential.AccessKey}, SignedHeaders=user-agent;x-sdk-date, Signature={Convert.ToHexStringLower(signature)}\r\n";

        static string Hash(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
    }

    /// <summary>A hundred vaults with ten resources and two tags each; the id of one.</summary>
    private static async Task<string> FillAsync(WebApplication service, string projectId)
    {
        var database = service.Services.GetRequiredService<MetadataDatabase>();
        DateTimeOffset now = TimeProvider.System.GetStoredNow();
        Vault vault = null!;
        for (int i = 0; i < 100; i++)
        {
            vault = new Vault
            {
                Id = VaultId.New(),
                ProjectId = projectId,
                Name = $"vault-{i}",
                UserId = Guid.NewGuid().ToString("N"),
                ObjectType = ObjectTypes.Disk,
                ProtectType = ProtectTypes.Backup,
                ConsistentLevel = ConsistentLevels.CrashConsistent,
                SizeGb = 1000,
                CreatedAt = now.AddSeconds(i),
                Tags = [new TagShape("env", "prod"), new TagShape("team", "red")],
                Resources = [.. Enumerable.Range(0, 10).Select(at => new VaultResource
                {
                    Id = new(Guid.NewGuid().ToString()),
                    Type = "OS::Cinder::Volume",
                    Name = $"disk-{i}-{at}",
                    Position = at,
                    SizeGb = 40,
                    AddedAt = now,
                })],
            };
            await database.WriteAsync(session => VaultTable.InsertAsync(session, vault, default), default);
        }

        return vault.Id.Value;
    }

    private static async Task<byte[]> FetchAsync(WebApplication service, string path, string headers)
    {
        using var client = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Get, $"http://127.0.0.1:{PortOf(service)}{path}");
        foreach (string header in headers.Split("\r\n", StringSplitOptions.RemoveEmptyEntries))
        {
            string[] parts = header.Split(": ", 2);
            request.Headers.TryAddWithoutValidation(parts[0], parts[1]);
        }

        using HttpResponseMessage reply = await client.SendAsync(request);
        return await reply.EnsureSuccessStatusCode().Content.ReadAsByteArrayAsync();
    }

    private static int PortOf(WebApplication app) =>
        new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First()).Port;
}
