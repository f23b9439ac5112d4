using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json.Nodes;
using Strongroom.Server.Tests.Http;

namespace Strongroom.Server.Tests.Identity;

/// <summary>
/// A request that a public client signed, with throw-away keys (<c>signed-requests.json</c>), and what can be changed in it.
/// Immutable: every change is another one.
/// </summary>
internal sealed record RecordedRequest(string Client, string Method, string Target, IReadOnlyList<(string Name, string Value)> Headers, string Body)
{
    private static readonly JsonNode File = JsonNode.Parse(System.IO.File.ReadAllText(Path.Combine(Path.GetDirectoryName(ThisFile())!, "signed-requests.json")))!;

    public static string AccessKey => (string)File["access_key"]!;

    public static string Secret => (string)File["secret_key"]!;

    /// <summary>In the order of their dates.</summary>
    public static IReadOnlyList<RecordedRequest> All { get; } =
    [
        .. File["requests"]!.AsArray().Select(request => new RecordedRequest(
            (string)request!["client"]!,
            (string)request["method"]!,
            (string)request["target"]!,
            [.. request["headers"]!.AsObject().Select(header => (header.Key, (string)header.Value!))],
            (string)request["body"]!)).OrderBy(request => request.Date),
    ];

    public DateTimeOffset Date =>
        DateTimeOffset.ParseExact(Header("X-Sdk-Date"), "yyyyMMdd'T'HHmmss'Z'", null, System.Globalization.DateTimeStyles.AssumeUniversal);

    public string[] SignedHeaders => Header("Authorization").Split("SignedHeaders=")[1].Split(',')[0].Split(';');

    public string Header(string name) => Headers.Single(header => header.Name.Equals(name, StringComparison.OrdinalIgnoreCase)).Value;

    public RecordedRequest With(string name, string value) => this with
    {
        Headers = [.. Headers.Select(header => header.Name.Equals(name, StringComparison.OrdinalIgnoreCase) ? (header.Name, value) : header)],
    };

    public RecordedRequest Without(string name) => this with
    {
        Headers = [.. Headers.Where(header => !header.Name.Equals(name, StringComparison.OrdinalIgnoreCase))],
    };

    public RecordedRequest And(string name, string value) => this with { Headers = [.. Headers, (name, value)] };

    public Task<RawReply> SendAsync(Uri address)
    {
        byte[] body = Encoding.UTF8.GetBytes(Body);
        var head = new StringBuilder($"{Method} {Target} HTTP/1.1\r\n");
        foreach ((string name, string value) in Headers)
        {
            if (!name.Equals("content-length", StringComparison.OrdinalIgnoreCase))
                head.Append(name).Append(": ").Append(value).Append("\r\n");
        }

        if (body.Length > 0)
            head.Append("Content-Length: ").Append(body.Length).Append("\r\n");
        head.Append("\r\n");
        return RawHttp.ExchangeAsync(address, [.. Encoding.Latin1.GetBytes(head.ToString()), .. body]);
    }

    public override string ToString() => $"{Client}: {Method} {Target}";

    /// <summary>What a thief or a fault on the way could make of it: each differs in one thing that is signed.</summary>
    public IEnumerable<(string What, RecordedRequest Request)> Changed()
    {
        yield return ("another method", this with { Method = Method == "DELETE" ? "PUT" : "DELETE" });
        string path = Target.Split('?')[0];
        string query = Target[path.Length..];
        yield return ("a longer path", this with { Target = path + "x" + query });
        yield return ("a deeper path", this with { Target = path + "/x" + query });
        yield return ("a path with a dot", this with { Target = path.Replace("/v3/", "/v3/./", StringComparison.Ordinal) + query });
        yield return ("a path in another case", this with { Target = path.Replace("/v3/", "/V3/", StringComparison.Ordinal) + query });
        yield return ("an escaped slash in the path", this with { Target = path[..path.LastIndexOf('/')] + "%2F" + path[(path.LastIndexOf('/') + 1)..] + query });
        yield return ("one more parameter", this with { Target = Target + (query.Length == 0 ? "?" : "&") + "zz=1" });
        yield return ("one more parameter without a value", this with { Target = Target + (query.Length == 0 ? "?" : "&") + "zz" });
        foreach (string part in query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            yield return ($"{part} changed", this with { Target = path + query.Replace(part, part + "1", StringComparison.Ordinal) });
            yield return ($"{part} twice", this with { Target = path + query + "&" + part });
            yield return ($"{part} left out", this with { Target = path + "?" + string.Join('&', query[1..].Split('&').Where(other => other != part)) });
        }

        foreach (string name in SignedHeaders)
        {
            string value = name == "x-sdk-date" ? Date.AddSeconds(1).ToString("yyyyMMdd'T'HHmmss'Z'", null) : Header(name) + "1";
            yield return ($"{name} changed", With(name, value));
            if (name != "host")
                yield return ($"{name} left out", Without(name));
            yield return ($"{name} no longer signed", With("Authorization", WithSignedHeaders([.. SignedHeaders.Where(other => other != name)])));
        }

        yield return ("one more signed header", With("Authorization", WithSignedHeaders([.. SignedHeaders, "x-extra"])).And("X-Extra", "1"));
        yield return ("a longer body", this with { Body = Body + "\n" });
        if (Body.Length > 0)
        {
            yield return ("a shorter body", this with { Body = Body[..^1] });
            yield return ("another body", this with { Body = Body.Replace('1', '2').Replace('0', '3').Replace('"', ' ') });
            yield return ("no body", this with { Body = "" });
            yield return ("a body that is not to be signed", (this with { Body = Body + " " }).And("X-Sdk-Content-Sha256", "UNSIGNED-PAYLOAD"));
        }

        string authorization = Header("Authorization");
        yield return ("another signature", With("Authorization", authorization[..^1] + (authorization[^1] == '0' ? '1' : '0')));
        yield return ("another key", With("Authorization", authorization.Replace(AccessKey, "AKEXAMPLE0000000002", StringComparison.Ordinal)));
        yield return ("another key's secret", With("Authorization", authorization.Replace(AccessKey, RecordedSignatureTests.OtherAccessKey, StringComparison.Ordinal)));
        if (authorization.Contains("/sdk_request", StringComparison.Ordinal))
        {
            yield return ("another region", With("Authorization", authorization.Replace("///", "/eu-de//", StringComparison.Ordinal)));
            yield return ("another day", With("Authorization", authorization.Replace("/20261122/", "/20261123/", StringComparison.Ordinal)));
        }
    }

    private string WithSignedHeaders(IReadOnlyList<string> names) =>
        Header("Authorization").Replace(string.Join(';', SignedHeaders), string.Join(';', names), StringComparison.Ordinal);

    private static string ThisFile([CallerFilePath] string path = "") => path;
}
