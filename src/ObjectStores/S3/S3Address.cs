using System.Globalization;

namespace Strongroom.ObjectStores.S3;

/// <summary>
/// <c>s3://BUCKET/PREFIX?endpoint=URL&amp;region=NAME&amp;path-style=true|false</c>: where the objects are and how the server wants to
/// be spoken to. All after the bucket may be left out.
/// </summary>
internal sealed record S3Address(string Bucket, string Prefix, Uri? Endpoint, string? Region, bool? IsPathStyle)
{
    /// <summary>A server of one's own rarely has names for its buckets in the DNS; Amazon's always has.</summary>
    public bool UsesPathStyle => IsPathStyle ?? Endpoint is not null;

    /// <summary>What the address does not say is taken from the options.</summary>
    /// <exception cref="ObjectStoreException"><see cref="ObjectStoreFailure.Invalid"/>, with what is wrong and what to write.</exception>
    public static S3Address Parse(ObjectStoreOptions options)
    {
        string url = options.Url;
        string rest = url.StartsWith("s3://", StringComparison.Ordinal) ? url[5..] : throw Wrong(url, "write s3://BUCKET/PREFIX");
        var (place, query) = Cut(rest, '?');
        var (bucket, prefix) = Cut(place, '/');
        prefix = prefix.Trim('/');
        if (bucket.Length is < 3 or > 255 || bucket.Any(c => !char.IsAsciiLetterOrDigit(c) && c is not ('-' or '.' or '_')))
            throw Wrong(url, $"'{bucket}' is no name of a bucket");
        if (prefix.Length > 0 && prefix.Split('/').Any(segment => !IsSegment(segment)))
            throw Wrong(url, $"the prefix '{prefix}' may hold letters, digits, '.', '_' and '-' between single slashes");

        string? endpoint = options.Endpoint, region = options.Region;
        bool? pathStyle = options.PathStyle;
        foreach (string pair in query.Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var (key, value) = Cut(pair, '=');
            value = Uri.UnescapeDataString(value);
            switch (key)
            {
                case "endpoint":
                    endpoint = value;
                    break;
                case "region":
                    region = value;
                    break;
                case "path-style" when bool.TryParse(value, out bool style):
                    pathStyle = style;
                    break;
                default:
                    throw Wrong(url, $"'{key}' is not understood; endpoint, region and path-style=true|false are");
            }
        }

        return new S3Address(bucket, prefix, ParseEndpoint(url, endpoint), string.IsNullOrEmpty(region) ? null : region, pathStyle);
    }

    public override string ToString()
    {
        var query = new List<string>();
        if (Endpoint is not null)
            query.Add($"endpoint={Endpoint.GetLeftPart(UriPartial.Path).TrimEnd('/')}");
        if (Region is not null)
            query.Add($"region={Region}");
        if (IsPathStyle is { } pathStyle)
            query.Add($"path-style={pathStyle.ToString(CultureInfo.InvariantCulture).ToLowerInvariant()}");
        string place = Prefix.Length == 0 ? $"s3://{Bucket}" : $"s3://{Bucket}/{Prefix}";
        return query.Count == 0 ? place : $"{place}?{string.Join('&', query)}";
    }

    private static Uri? ParseEndpoint(string url, string? endpoint)
    {
        if (string.IsNullOrEmpty(endpoint))
            return null;
        if (!Uri.TryCreate(endpoint, UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https"))
            throw Wrong(url, $"the endpoint '{endpoint}' is no address: write https://HOST:PORT");
        // What is written there would be shown wherever the store is named.
        if (uri.UserInfo.Length > 0)
            throw Wrong(uri.Host, "keys do not belong into the endpoint; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY");
        return uri;
    }

    private static bool IsSegment(string segment) =>
        segment.Length > 0 && segment[0] != '.' && segment.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-');

    private static (string Before, string After) Cut(string text, char at) =>
        text.IndexOf(at, StringComparison.Ordinal) is var index and >= 0 ? (text[..index], text[(index + 1)..]) : (text, "");

    private static ObjectStoreException Wrong(string url, string what) => new(ObjectStoreFailure.Invalid, $"'{url}': {what}.");
}
