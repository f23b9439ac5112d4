using System.Globalization;
using System.Text;

namespace Strongroom.Server.Tests.Http;

/// <summary>A request that must be refused, and why.</summary>
internal sealed record JunkRequest(string Kind, string Head, byte[] Body, bool IsHead = false, bool EndsConnection = false)
{
    public byte[] Bytes => [.. Encoding.Latin1.GetBytes(Head), .. Body];

    public override string ToString()
    {
        string text = Head.Split("\r\n")[0];
        return $"{Kind}: {(text.Length > 200 ? text[..200] + "…" : text)} with {Body.Length} bytes of body";
    }
}

/// <summary>
/// Makes malformed requests for given routes, the same ones for the same seed. Each has one thing wrong that no route may let
/// pass, and everything before it in the order of checks right, so that every check gets its share.
/// </summary>
internal sealed class JunkRequests(int seed, IReadOnlyList<MappedRoute> routes, JunkCallers callers)
{
    private static readonly string[] BadSegments =
    [
        "x", "..", "%2e%2e", "%2F", "0", "-1", "null", "undefined", "%22%3B--", "' or 1=1", "%F0%9F%94%92", "%C0%80", "%zz", "%", "a%20b",
        "00000000-0000-0000-0000-00000000000", "00000000-0000-0000-0000-0000000000000", "2D6C1F0E-7A43-4F0B-9D53-6F0A1C2B3D4E",
        "{2d6c1f0e-7a43-4f0b-9d53-6f0a1c2b3d4e}", "2d6c1f0e7a434f0b9d536f0a1c2b3d4e", "*", "~", ";a=b", "\u00ff\u0080",
    ];

    private static readonly string[] Methods = ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "FOO", "PROPFIND", "CONNECT"];

    private readonly Random random = new(seed);

    public JunkRequest Next()
    {
        while (true)
        {
            MappedRoute route = Pick(routes);
            if (Make(route) is { } request)
                return request;
        }
    }

    private JunkRequest? Make(MappedRoute route) => random.Next(7) switch
    {
        0 => route.IsOpen ? null : BadToken(route),
        1 => route.HasProject ? Build(route, "foreign project", PathOf(route, Pick([callers.OtherProjectId, Hex(32), BadSegment()]))) : null,
        // Not outside of projects: '..' there leads up to /v3, which answers.
        2 => route.NamesOne && route.HasProject && PathOf(route, callers.ProjectId, badIds: true) is var path && !LeadsUp(route, path)
            ? Build(route, "bad id", path, Sound(route))
            : null,
        3 => Build(route with { Method = OtherMethod(route) }, "wrong method", PathOf(route, callers.ProjectId)),
        4 => Build(route, "trailing junk", PathOf(route, callers.ProjectId).TrimEnd('/') + "/" + Hex(4) + BadSegment()),
        5 or 6 when route.TakesBody => BadBody(route),
        _ => null,
    };

    /// <summary>'..' in place of an id names what is two levels up, which may be a sound request.</summary>
    private bool LeadsUp(MappedRoute route, string path)
    {
        string[] segments = route.Pattern.Split('/');
        return path.Replace("%2e", ".", StringComparison.OrdinalIgnoreCase).Contains("/..", StringComparison.Ordinal)
            && segments[^1].StartsWith('{') && routes.Any(other => other.Method == route.Method && other.Pattern == string.Join('/', segments[..^2]));
    }

    private JunkRequest BadToken(MappedRoute route)
    {
        string[] headers = Pick<string[]>([
            [],
            ["X-Auth-Token:"],
            ["X-Auth-Token: " + callers.ExpiredToken],
            ["X-Auth-Token: " + callers.Token + "x"],
            ["X-Auth-Token: " + callers.Token[1..]],
            ["X-Auth-Token: " + callers.Token.ToUpperInvariant()],
            ["X-Auth-Token: " + callers.Token, "X-Auth-Token: " + callers.Token],
            ["X-Auth-Token: " + new string('a', random.Next(1, 8000))],
            ["X-Auth-Token: \u00ff\u00fe\u00c3\u0028"],
            ["X-Auth-Token: ' or '1'='1"],
            ["Authorization: Bearer " + callers.Token],
            ["Authorization: SDK-HMAC-SHA256 Access=" + Hex(20) + ", SignedHeaders=host, Signature=" + Hex(64), "X-Sdk-Date: 20260115T120000Z"],
            ["Authorization: SDK-HMAC-SHA256 Credential=a/b/c, SignedHeaders=, Signature="],
            ["X-Subject-Token: " + callers.Token],
        ]);
        return Build(route, "bad token", PathOf(route, callers.ProjectId), Sound(route), headers);
    }

    private JunkRequest BadBody(MappedRoute route)
    {
        string path = PathOf(route, callers.ProjectId);
        return random.Next(14) switch
        {
            0 => Build(route, "empty body", path, []),
            1 => Build(route, "no JSON", path, Latin(Pick(["{", "}", "[", "nul", "{\"a\":}", "{'a':1}", "<xml/>", "a=b&c=d", "{\"a\":1", "{\"a\":1}}", "{} {}", "\u0000", "{,}", "{\"a\":01}", "{\"a\":+1}", "{\"a\":NaN}", "/**/{}", "{\"a\":1,}"]))),
            2 => Build(route, "no object", path, Latin(Pick(["[]", "1", "-0.5e10", "\"text\"", "true", "null", "[{}]", "[[[]]]"]))),
            3 => Build(route, "deep nesting", path, Deep(random.Next(33, 3000), '[', ']')),
            4 => Build(route, "deep nesting", path, Latin(string.Concat(Enumerable.Repeat("{\"a\":", 500)) + "1" + new string('}', 500))),
            5 => Build(route, "not UTF-8", path, [.. "{\"a\":\""u8, .. RandomBytes(random.Next(1, 50)), 0xff, .. "\"}"u8]),
            6 => Build(route, "random bytes", path, [0, .. RandomBytes(random.Next(1, 2000))]),
            7 => Build(route, "duplicate member", path, Latin("{\"a\":1,\"a\":2}")),
            8 => Build(route, "null character", path, Latin("{\"name\":\"a\\u0000b\"}")),
            9 => Build(route, "half a surrogate", path, Latin("{\"name\":\"\\ud800\"}")),
            10 => Build(route, "wrong media type", path, Latin("{}"), contentType: Pick(["text/plain", "application/xml", "multipart/form-data; boundary=x", "application/json; charset=utf-16", "json", "", "application/json, application/json"])),
            11 => Declared(route, path, random.Next((4 << 20) + 1, int.MaxValue)),
            12 => Chunked(route, path, Pick(["zz\r\n", "-1\r\n", "FFFFFFFFFFFFFFFFF\r\n", " \r\n", "1\r\nab\r\n"])),
            _ => Build(route, "long member name", path, Latin("{\"" + new string('a', random.Next(1, 100_000)) + "\"")),
        };
    }

    private JunkRequest Declared(MappedRoute route, string path, long length)
    {
        JunkRequest request = Build(route, "huge body", path, []);
        return request with { Head = request.Head.Replace("Content-Length: 0\r\n", $"Content-Length: {length}\r\n", StringComparison.Ordinal), EndsConnection = true };
    }

    private JunkRequest Chunked(MappedRoute route, string path, string body)
    {
        JunkRequest request = Build(route, "bad chunks", path, []);
        return request with
        {
            Head = request.Head.Replace("Content-Length: 0\r\n", "Transfer-Encoding: chunked\r\n", StringComparison.Ordinal),
            Body = Latin(body),
            EndsConnection = true,
        };
    }

    private JunkRequest Build(
        MappedRoute route,
        string kind,
        string path,
        byte[]? body = null,
        string[]? tokenHeaders = null,
        string contentType = "application/json")
    {
        var head = new StringBuilder();
        head.Append(CultureInfo.InvariantCulture, $"{route.Method} {path}{Query()} HTTP/1.1\r\nHost: localhost\r\n");
        foreach (string header in tokenHeaders ?? ["X-Auth-Token: " + callers.Token])
            head.Append(header).Append("\r\n");
        if (random.Next(4) == 0)
            head.Append(OddHeader()).Append("\r\n");
        if (body is not null)
            head.Append(CultureInfo.InvariantCulture, $"Content-Type: {contentType}\r\nContent-Length: {body.Length}\r\n");
        head.Append("\r\n");
        return new JunkRequest($"{kind}, {route}", head.ToString(), body ?? [], IsHead: route.Method == "HEAD");
    }

    private string PathOf(MappedRoute route, string projectId, bool badIds = false) =>
        route.Path(parameter =>
            parameter == MappedRoute.ProjectParameter ? projectId
            : badIds ? BadSegment()
            : parameter == "vault_id" && random.Next(2) == 0 ? callers.VaultId
            : Guid.CreateVersion7().ToString());

    // Not part of what is wrong: routes ignore what they do not know, and must survive it.
    private string Query() => random.Next(6) switch
    {
        0 => "?limit=" + Pick(["-1", "x", "1001", "99999999999999999999", "%00", "", "1.5", "10"]),
        1 => "?offset=" + Pick(["-1", "x", "%FF", "0", "2147483648"]),
        2 => "?" + new string('a', random.Next(1, 2000)) + "=%zz&&&==",
        _ => "",
    };

    private string OddHeader() => Pick([
        "X-Odd: " + new string('x', random.Next(1, 4000)), "Accept: \u00e4\u00f6", "X-Project-Id: other", "X-Language: xx", "Accept-Encoding: zip;q=-1",
        "Range: bytes=5-1", "If-Match: *", "Expect: nothing", "Forwarded: for=\"_x\"", "Cookie: a=b; a=c", "X-HTTP-Method-Override: DELETE", "Content-Encoding: gzip",
    ]);

    private string OtherMethod(MappedRoute route)
    {
        string[] mapped = [.. routes.Where(other => other.Pattern == route.Pattern).Select(other => other.Method)];
        return Pick([.. Methods.Except(mapped)]);
    }

    // A body that is sound as far as the transport goes, on routes that read one.
    private byte[]? Sound(MappedRoute route) => route.TakesBody && random.Next(2) == 0 ? Latin("{}") : null;

    private string BadSegment() => random.Next(10) switch
    {
        0 => new string('a', random.Next(100, 5000)),
        1 => Uri.EscapeDataString(Pick(BadSegments)),
        _ => Pick(BadSegments),
    };

    private static byte[] Deep(int depth, char open, char close) => Latin("{\"a\":" + new string(open, depth) + new string(close, depth) + "}");

    private byte[] RandomBytes(int count)
    {
        byte[] bytes = new byte[count];
        random.NextBytes(bytes);
        return bytes;
    }

    private string Hex(int length)
    {
        byte[] bytes = RandomBytes((length + 1) / 2);
        return Convert.ToHexStringLower(bytes)[..length];
    }

    private static byte[] Latin(string text) => Encoding.Latin1.GetBytes(text);

    private T Pick<T>(IReadOnlyList<T> choices) => choices[random.Next(choices.Count)];
}

/// <summary>Whom the requests come from, and what is there.</summary>
internal sealed record JunkCallers(string ProjectId, string OtherProjectId, string Token, string ExpiredToken, string VaultId);
