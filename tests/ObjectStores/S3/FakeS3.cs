using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Xml.Linq;

namespace Strongroom.ObjectStores.Tests.S3;

/// <summary>
/// As much of an S3 server as the store speaks to, in memory and below the SDK: what is tested is what would go over the wire.
/// It checks the hash of every body, and can lack what real servers lack.
/// </summary>
internal sealed class FakeS3 : HttpMessageHandler
{
    private const string Bucket = "vaults";

    private readonly Lock _lock = new();
    private readonly SortedDictionary<string, Stored> _objects = new(StringComparer.Ordinal);
    private readonly Dictionary<string, (string Key, DateTimeOffset Begun, SortedDictionary<int, byte[]> Parts)> _uploads = [];

    /// <summary>Whether If-None-Match is understood; when not, it is ignored.</summary>
    public bool KnowsConditions { get; init; } = true;

    public bool KnowsConditionalCompletion { get; init; } = true;

    public bool KnowsRanges { get; init; } = true;

    /// <summary>Stores the body with a checksum behind it, as servers did that did not know aws-chunked.</summary>
    public bool StoresFrames { get; init; }

    public bool ListsStale { get; init; }

    public int PageKeys { get; init; } = 3;

    /// <summary>Answers in place of the server; null: it answers itself. Before the request has any effect.</summary>
    public Func<HttpRequestMessage, HttpResponseMessage?> Before { get; set; } = _ => null;

    /// <summary>The same after the effect.</summary>
    public Func<HttpRequestMessage, HttpResponseMessage?> After { get; set; } = _ => null;

    public DateTimeOffset Now { get; set; } = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public List<string> Requests { get; } = [];

    public IReadOnlyList<string> Keys
    {
        get
        {
            lock (_lock)
                return [.. _objects.Keys];
        }
    }

    public int UploadsUnderWay => _uploads.Count;

    public void AbandonUpload(string key, DateTimeOffset begun)
    {
        lock (_lock)
            _uploads.Add(Guid.NewGuid().ToString("N"), (key, begun, []));
    }

    public void Poke(string key, byte[] content)
    {
        lock (_lock)
            _objects[key] = new Stored(content, TagOf(content));
    }

    public static HttpResponseMessage Error(HttpStatusCode status, string code, string message = "") => new(status)
    {
        Content = new StringContent($"<Error><Code>{code}</Code><Message>{message}</Message><RequestId>1</RequestId></Error>", Encoding.UTF8, "application/xml"),
    };

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        byte[] body = request.Content is null ? [] : await request.Content.ReadAsByteArrayAsync(cancellationToken);
        lock (_lock)
        {
            Requests.Add($"{request.Method} {request.RequestUri!.PathAndQuery}");
            var answer = Before(request) ?? Answer(request, body);
            answer = After(request) ?? answer;
            answer.RequestMessage = request;
            answer.Headers.Date = Now;
            return answer;
        }
    }

    private HttpResponseMessage Answer(HttpRequestMessage request, byte[] body)
    {
        string path = Uri.UnescapeDataString(request.RequestUri!.AbsolutePath);
        string bucket = request.RequestUri.Host.StartsWith(Bucket + ".", StringComparison.Ordinal) ? Bucket : path.Split('/')[1];
        string key = request.RequestUri.Host.StartsWith(Bucket + ".", StringComparison.Ordinal) ? path[1..] : path[Math.Min(path.Length, bucket.Length + 2)..];
        var query = request.RequestUri.Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries)
            .Select(pair => pair.Split('=', 2)).ToDictionary(pair => pair[0], pair => Uri.UnescapeDataString(pair.ElementAtOrDefault(1) ?? ""), StringComparer.Ordinal);
        if (bucket != Bucket)
            return Error(HttpStatusCode.NotFound, "NoSuchBucket");
        string hash = request.Headers.GetValues("x-amz-content-sha256").Single();
        if (hash != Convert.ToHexStringLower(SHA256.HashData(body)))
            return Error(HttpStatusCode.BadRequest, "XAmzContentSHA256Mismatch");
        bool isTaken = KnowsConditions && request.Headers.IfNoneMatch.Count > 0 && _objects.ContainsKey(key);
        return (request.Method.Method, query.ContainsKey("uploads"), query.GetValueOrDefault("uploadId")) switch
        {
            ("GET", true, _) => ListUploads(),
            ("GET", _, _) when key.Length == 0 => List(query),
            ("GET" or "HEAD", _, _) => Get(request, key),
            ("PUT", _, null) when isTaken => Error(HttpStatusCode.PreconditionFailed, "PreconditionFailed"),
            ("PUT", _, null) => Put(key, body),
            ("DELETE", _, null) => Delete(key),
            ("POST", true, _) => Begin(key),
            ("PUT", _, { } id) => PutPart(id, int.Parse(query["partNumber"], CultureInfo.InvariantCulture), body),
            ("POST", _, { } id) => Complete(id, key, body, isTaken && KnowsConditionalCompletion),
            ("DELETE", _, { } id) => _uploads.Remove(id) ? new(HttpStatusCode.NoContent) : Error(HttpStatusCode.NotFound, "NoSuchUpload"),
            _ => Error(HttpStatusCode.NotImplemented, "NotImplemented"),
        };
    }

    private HttpResponseMessage Put(string key, byte[] body)
    {
        byte[] content = StoresFrames ? [.. body, .. "\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n"u8] : body;
        _objects[key] = new Stored(content, TagOf(content));
        return Tagged(HttpStatusCode.OK, _objects[key].Tag);
    }

    private HttpResponseMessage Delete(string key)
    {
        _objects.Remove(key);
        return new(HttpStatusCode.NoContent);
    }

    private HttpResponseMessage Get(HttpRequestMessage request, string key)
    {
        if (!_objects.TryGetValue(key, out var stored))
            return request.Method == HttpMethod.Head ? new(HttpStatusCode.NotFound) : Error(HttpStatusCode.NotFound, "NoSuchKey");
        var (content, tag) = stored;
        var range = request.Headers.Range?.Ranges.Single();
        if (range is null || !KnowsRanges || request.Method == HttpMethod.Head)
            return Tagged(HttpStatusCode.OK, tag, content);
        if (range.From >= content.Length)
            return Error(HttpStatusCode.RequestedRangeNotSatisfiable, "InvalidRange");
        int from = (int)range.From!.Value, to = (int)Math.Min(range.To!.Value, content.Length - 1);
        var answer = Tagged(HttpStatusCode.PartialContent, tag, content.AsMemory(from, to + 1 - from));
        answer.Content.Headers.ContentRange = new(from, to, content.Length);
        return answer;
    }

    private HttpResponseMessage List(Dictionary<string, string> query)
    {
        string after = query.GetValueOrDefault("continuation-token", "");
        var keys = ListsStale ? [] : _objects.Keys.Where(key =>
            key.StartsWith(query.GetValueOrDefault("prefix", ""), StringComparison.Ordinal) && string.CompareOrdinal(key, after) > 0).ToList();
        var page = keys.Take(PageKeys).ToList();
        return Xml(new XElement(
            "ListBucketResult",
            new XElement("IsTruncated", keys.Count > page.Count ? "true" : "false"),
            keys.Count > page.Count ? new XElement("NextContinuationToken", page[^1]) : null,
            page.Select(key => new XElement("Contents", new XElement("Key", key), new XElement("Size", _objects[key].Content.Length)))));
    }

    private HttpResponseMessage ListUploads() => Xml(new XElement(
        "ListMultipartUploadsResult",
        _uploads.Select(upload => new XElement(
            "Upload",
            new XElement("Key", upload.Value.Key),
            new XElement("UploadId", upload.Key),
            new XElement("Initiated", upload.Value.Begun.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture))))));

    private HttpResponseMessage Begin(string key)
    {
        string id = Guid.NewGuid().ToString("N");
        _uploads.Add(id, (key, Now, []));
        return Xml(new XElement("InitiateMultipartUploadResult", new XElement("UploadId", id)));
    }

    private HttpResponseMessage PutPart(string id, int number, byte[] body)
    {
        if (!_uploads.TryGetValue(id, out var upload))
            return Error(HttpStatusCode.NotFound, "NoSuchUpload");
        upload.Parts[number] = body;
        return Tagged(HttpStatusCode.OK, TagOf(body));
    }

    private HttpResponseMessage Complete(string id, string key, byte[] body, bool isTaken)
    {
        if (!_uploads.TryGetValue(id, out var upload))
            return Error(HttpStatusCode.NotFound, "NoSuchUpload");
        if (isTaken)
            return Error(HttpStatusCode.PreconditionFailed, "PreconditionFailed");
        var named = XDocument.Parse(Encoding.UTF8.GetString(body)).Descendants().Where(element => element.Name.LocalName == "PartNumber").Select(element => (int)element);
        if (!named.SequenceEqual(upload.Parts.Keys))
            return Error(HttpStatusCode.BadRequest, "InvalidPart");
        string tag = $"{TagOf([.. upload.Parts.Values.SelectMany(part => Convert.FromHexString(TagOf(part)))])}-{upload.Parts.Count}";
        _objects[key] = new Stored(Joined([.. upload.Parts.Values]), tag);
        _uploads.Remove(id);
        return Xml(new XElement("CompleteMultipartUploadResult", new XElement("Key", key)));
    }

    private static byte[] Joined(byte[][] parts)
    {
        byte[] all = new byte[parts.Sum(part => part.Length)];
        int at = 0;
        foreach (byte[] part in parts)
        {
            part.CopyTo(all, at);
            at += part.Length;
        }

        return all;
    }

#pragma warning disable CA5351 // It is what servers use.
    private static string TagOf(byte[] content) => Convert.ToHexStringLower(MD5.HashData(content));
#pragma warning restore CA5351

    private static HttpResponseMessage Tagged(HttpStatusCode status, string tag, ReadOnlyMemory<byte> content = default) => new(status)
    {
        Headers = { ETag = new($"\"{tag}\"") },
        Content = new ReadOnlyMemoryContent(content),
    };

    private static HttpResponseMessage Xml(XElement root) =>
        new(HttpStatusCode.OK) { Content = new StringContent(root.ToString(), Encoding.UTF8, "application/xml") };

    private sealed record Stored(byte[] Content, string Tag);
}
