using System.Globalization;
using System.Net.Http.Headers;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Strongroom.Contract;

/// <summary>
/// The API as methods, for the command line and the console alike. Every call is one request of one project; an answer
/// outside 2xx is a <see cref="CbrException"/>, a service that cannot be reached an <see cref="HttpRequestException"/>.
/// Calls may run in parallel.
/// </summary>
public sealed partial class CbrClient
{
    /// <summary>The header that carries the token of a request.</summary>
    public const string TokenHeader = "X-Auth-Token";

    /// <summary>Rows asked for per page; the wire allows 1 to 1000.</summary>
    private const int PageRowsMax = 1000;

    // A page of 1000 vaults with 256 resources each has some 80 MB; nothing the service sends is larger.
    private const int AnswerBytesMax = 128 << 20;

    private readonly HttpClient http;
    private readonly string endpoint;
    private readonly string additions;
    private readonly string token;

    /// <param name="http">Not disposed by the client.</param>
    /// <param name="endpoint">As in the catalogue, ending with <c>/v3/{project_id}</c>.</param>
    /// <param name="token">Of that project.</param>
    public CbrClient(HttpClient http, Uri endpoint, string token)
    {
        this.http = http;
        this.endpoint = endpoint.AbsoluteUri.TrimEnd('/');
        this.token = token;
        ProjectId = this.endpoint[(this.endpoint.LastIndexOf('/') + 1)..];
        int version = this.endpoint.LastIndexOf("/v3/", StringComparison.Ordinal);
        additions = (version < 0 ? this.endpoint : this.endpoint[..version]) + "/strongroom/v1/" + ProjectId;
    }

    public string ProjectId { get; }

    /// <summary>Logs in and gives a client for the endpoint in the catalogue.</summary>
    /// <exception cref="CbrException">The credentials were refused.</exception>
    public static async Task<CbrClient> LogInAsync(
        HttpClient http, Uri authUrl, IdentityCredentials credentials, CancellationToken cancellationToken)
    {
        IdentityToken scoped = await IdentityClient.LogInAsync(http, authUrl, credentials, cancellationToken);
        return new CbrClient(http, scoped.CbrEndpoint, scoped.Value);
    }

    internal static async Task<byte[]> ReadBodyAsync(HttpResponseMessage answer, int bytesMax, CancellationToken cancellationToken)
    {
        await answer.Content.LoadIntoBufferAsync(bytesMax, cancellationToken);
        return await answer.Content.ReadAsByteArrayAsync(cancellationToken);
    }

    /// <summary>
    /// What an error answer says, in any of the three forms seen: <c>error_code</c> and <c>error_msg</c>, Keystone's
    /// <c>error{code, message}</c>, or something that is not JSON at all (a proxy in between).
    /// </summary>
    internal static CbrException ErrorOf(HttpResponseMessage answer, byte[] body)
    {
        int status = (int)answer.StatusCode;
        string requestId = answer.Headers.TryGetValues("X-Request-Id", out IEnumerable<string>? values) ? values.First() : "";
        string? code = null;
        string? message = null;
        try
        {
            using JsonDocument document = JsonDocument.Parse(body);
            JsonElement root = document.RootElement;
            if (root.ValueKind == JsonValueKind.Object)
            {
                code = TextOf(root, "error_code");
                message = TextOf(root, "error_msg");
                if (message is null && root.TryGetProperty("error", out JsonElement nested) && nested.ValueKind == JsonValueKind.Object)
                    message = TextOf(nested, "message");
            }
        }
        catch (JsonException)
        {
            // Not ours: the status has to do.
        }

        string address = answer.RequestMessage?.RequestUri?.AbsoluteUri ?? "the service";
        return new CbrException(status, code ?? "", message ?? $"{address} answered {status} {answer.ReasonPhrase}.", requestId);
    }

    private static string? TextOf(JsonElement element, string name) =>
        element.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    /// <summary>Rows of all pages. A row that is added or goes while it runs may be missed or come twice; all others come once.</summary>
    private async IAsyncEnumerable<TRow> PagesAsync<TPage, TRow>(
        string path,
        Func<TPage, (IReadOnlyList<TRow> Rows, long Count)> read,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        long offset = 0;
        while (true)
        {
            string page = new Query(path).With("limit", PageRowsMax.ToString(CultureInfo.InvariantCulture)).With("offset", offset.ToString(CultureInfo.InvariantCulture)).Text;
            (IReadOnlyList<TRow> rows, long count) = read(await GetAsync<TPage>(page, cancellationToken));
            foreach (TRow row in rows)
                yield return row;
            offset += rows.Count;
            if (rows.Count == 0 || offset >= count)
                yield break;
        }
    }

    private Task<TAnswer> GetAsync<TAnswer>(string path, CancellationToken cancellationToken) =>
        SendAsync<TAnswer>(HttpMethod.Get, path, content: null, cancellationToken);

    private async Task<TAnswer> SendAsync<TAnswer>(
        HttpMethod method, string path, HttpContent? content, CancellationToken cancellationToken)
    {
        byte[] body = await SendAsync(method, path, content, cancellationToken);
        try
        {
            return JsonSerializer.Deserialize(body, CbrReplyJson.Of<TAnswer>()) ?? throw new JsonException("null");
        }
        catch (JsonException error)
        {
            throw new CbrException(502, "", $"The answer to {method} {path} is not of the expected shape ({error.Message}).", "");
        }
    }

    /// <returns>The body of a 2xx answer.</returns>
    private async Task<byte[]> SendAsync(HttpMethod method, string path, HttpContent? content, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(method, path);
        request.Headers.Add(TokenHeader, token);
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
        request.Content = content;
        using HttpResponseMessage answer = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        byte[] body = await ReadBodyAsync(answer, AnswerBytesMax, cancellationToken);
        return answer.IsSuccessStatusCode ? body : throw ErrorOf(answer, body);
    }

    private static ByteArrayContent JsonContentOf<TBody>(TBody body, JsonTypeInfo<TBody> type)
    {
        var content = new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(body, type));
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        return content;
    }

    /// <summary>A path with the parameters that have a value.</summary>
    private readonly record struct Query(string Text)
    {
        public Query With(string name, string? value) =>
            value is null ? this : new Query($"{Text}{(Text.Contains('?', StringComparison.Ordinal) ? '&' : '?')}{name}={Uri.EscapeDataString(value)}");
    }
}
