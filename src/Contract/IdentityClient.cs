using System.Buffers;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;

namespace Strongroom.Contract;

/// <summary>Who logs in, and to which project. Null members are left to the service.</summary>
public sealed record IdentityCredentials
{
    public string? UserName { get; init; }

    public string? Password { get; init; }

    /// <summary>An existing token, used in place of name and password.</summary>
    public string? Token { get; init; }

    /// <summary>A domain's name; ids are recognised by <see cref="UserDomainId"/>.</summary>
    public string UserDomainName { get; init; } = "default";

    public string? UserDomainId { get; init; }

    public string? ProjectName { get; init; }

    public string? ProjectId { get; init; }

    public string ProjectDomainName { get; init; } = "default";

    public string? ProjectDomainId { get; init; }
}

/// <summary>A token scoped to one project and what its catalogue says.</summary>
/// <param name="Value">Sent as <c>X-Auth-Token</c>. A secret.</param>
/// <param name="ExpiresAt">UTC, as the service said it.</param>
/// <param name="ProjectId">The project every request belongs to.</param>
/// <param name="ProjectName">Its name.</param>
/// <param name="UserName">Who logged in.</param>
/// <param name="CbrEndpoint">The public endpoint of type <c>cbr</c>: a URL that ends with <c>/v3/{project_id}</c>.</param>
public sealed record IdentityToken(
    string Value, DateTimeOffset ExpiresAt, string ProjectId, string ProjectName, string UserName, Uri CbrEndpoint);

/// <summary>The part of Keystone v3 that a client of CBR needs: from credentials to a token and the endpoint of type <c>cbr</c>.</summary>
public static class IdentityClient
{
    /// <summary>The header that carries a new token.</summary>
    public const string SubjectTokenHeader = "X-Subject-Token";

    // A token with a large catalogue has some tens of kilobytes.
    private const int AnswerBytesMax = 4 << 20;

    /// <param name="http">Not disposed.</param>
    /// <param name="authUrl">With or without <c>/v3</c> at its end.</param>
    /// <param name="credentials">A token, or a name and a password; a project unless a token brings its own.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="CbrException">The service refused, or its catalogue has no <c>cbr</c>.</exception>
    /// <exception cref="HttpRequestException">It cannot be reached.</exception>
    public static async Task<IdentityToken> LogInAsync(
        HttpClient http, Uri authUrl, IdentityCredentials credentials, CancellationToken cancellationToken)
    {
        var tokens = new Uri(WithVersion(authUrl), "v3/auth/tokens");
        bool keepsToken = credentials is { Token: not null, ProjectName: null, ProjectId: null };
        using var request = new HttpRequestMessage(keepsToken ? HttpMethod.Get : HttpMethod.Post, tokens);
        if (keepsToken)
        {
            request.Headers.Add(CbrClient.TokenHeader, credentials.Token);
            request.Headers.Add(SubjectTokenHeader, credentials.Token);
        }
        else
        {
            request.Content = new ReadOnlyMemoryContent(LogInBody(credentials));
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        }

        using HttpResponseMessage answer = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        byte[] body = await CbrClient.ReadBodyAsync(answer, AnswerBytesMax, cancellationToken);
        if (answer.StatusCode is not (HttpStatusCode.Created or HttpStatusCode.OK))
            throw CbrClient.ErrorOf(answer, body);
        string value = answer.Headers.TryGetValues(SubjectTokenHeader, out IEnumerable<string>? values) ? values.First() : credentials.Token ?? "";
        return ReadToken(value, body, tokens);
    }

    // Keystone itself answers below /v3 as well as /identity/v3: keep any path before it.
    private static Uri WithVersion(Uri authUrl)
    {
        string text = authUrl.GetLeftPart(UriPartial.Path).TrimEnd('/');
        if (text.EndsWith("/v3", StringComparison.Ordinal))
            text = text[..^"/v3".Length];
        return new Uri(text + "/");
    }

    private static byte[] LogInBody(IdentityCredentials credentials)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteStartObject("auth");
            json.WriteStartObject("identity");
            json.WriteStartArray("methods");
            json.WriteStringValue(credentials.Token is null ? "password" : "token");
            json.WriteEndArray();
            if (credentials.Token is not null)
                WriteToken(json, credentials.Token);
            else
                WritePassword(json, credentials);
            json.WriteEndObject();
            WriteScope(json, credentials);
            json.WriteEndObject();
            json.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    private static void WriteToken(Utf8JsonWriter json, string token)
    {
        json.WriteStartObject("token");
        json.WriteString("id", token);
        json.WriteEndObject();
    }

    private static void WritePassword(Utf8JsonWriter json, IdentityCredentials credentials)
    {
        json.WriteStartObject("password");
        json.WriteStartObject("user");
        json.WriteString("name", credentials.UserName);
        json.WriteString("password", credentials.Password);
        WriteDomain(json, credentials.UserDomainId, credentials.UserDomainName);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void WriteScope(Utf8JsonWriter json, IdentityCredentials credentials)
    {
        if (credentials is { ProjectId: null, ProjectName: null })
            return;
        json.WriteStartObject("scope");
        json.WriteStartObject("project");
        if (credentials.ProjectId is not null)
        {
            json.WriteString("id", credentials.ProjectId);
        }
        else
        {
            json.WriteString("name", credentials.ProjectName);
            WriteDomain(json, credentials.ProjectDomainId, credentials.ProjectDomainName);
        }

        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void WriteDomain(Utf8JsonWriter json, string? id, string name)
    {
        json.WriteStartObject("domain");
        if (id is not null)
            json.WriteString("id", id);
        else
            json.WriteString("name", name);
        json.WriteEndObject();
    }

    private static IdentityToken ReadToken(string value, byte[] body, Uri address)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(body);
            JsonElement token = document.RootElement.GetProperty("token");
            if (!token.TryGetProperty("project", out JsonElement project))
                throw new CbrException(403, "", "The token belongs to no project; name one in OS_PROJECT_NAME.", "");
            string projectId = Text(project, "id");
            return new IdentityToken(
                value,
                token.TryGetProperty("expires_at", out JsonElement expires) && expires.TryGetDateTimeOffset(out DateTimeOffset at) ? at : DateTimeOffset.MaxValue,
                projectId,
                Text(project, "name"),
                token.TryGetProperty("user", out JsonElement user) ? Text(user, "name") : "",
                FindEndpoint(token, projectId)
                    ?? throw new CbrException(404, "", $"The catalogue of {address.GetLeftPart(UriPartial.Authority)} has no public endpoint of type 'cbr'.", ""));
        }
        catch (Exception error) when (error is JsonException or KeyNotFoundException or InvalidOperationException or UriFormatException)
        {
            throw new CbrException(502, "", $"{address} did not answer like an identity service; check the address.", "");
        }
    }

    private static Uri? FindEndpoint(JsonElement token, string projectId)
    {
        if (!token.TryGetProperty("catalog", out JsonElement catalogue))
            return null;
        foreach (JsonElement service in catalogue.EnumerateArray())
        {
            if (Text(service, "type") != "cbr")
                continue;
            foreach (JsonElement endpoint in service.GetProperty("endpoints").EnumerateArray())
            {
                if (Text(endpoint, "interface") == "public")
                    return WithProject(Text(endpoint, "url"), projectId);
            }
        }

        return null;
    }

    private static Uri WithProject(string url, string projectId)
    {
        url = url.TrimEnd('/');
        if (!url.EndsWith("/" + projectId, StringComparison.Ordinal))
            url += (url.EndsWith("/v3", StringComparison.Ordinal) ? "/" : "/v3/") + projectId;
        return new Uri(url);
    }

    private static string Text(JsonElement element, string name) =>
        element.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : "";
}
