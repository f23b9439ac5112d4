using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;

namespace Strongroom.Server.Identity;

/// <summary>
/// The one text both sides of a signature make of a request (atlas of the vault API, sections 12.2 to 12.4): method, path,
/// query, signed headers, hash of the body. It is made from what came over the wire, the target undecoded and header values
/// as sent, so that no two requests with different meaning make the same text.
/// </summary>
internal static class CanonicalRequest
{
    private static readonly SearchValues<char> PlainCharacters =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~");

    private static readonly SearchValues<char> PlainPathCharacters =
        SearchValues.Create("/ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~");

    /// <summary>SHA-256 of the text, into 32 bytes.</summary>
    /// <param name="request">Its body is not touched.</param>
    /// <param name="header">Which headers count, and in which form.</param>
    /// <param name="host">The value of <c>host</c>, should it be signed.</param>
    /// <param name="body">What the client hashed: the body's hash in lower-case hex.</param>
    /// <param name="hash">Filled.</param>
    public static void Hash(HttpRequest request, SignatureHeader header, string host, PayloadHash body, Span<byte> hash)
    {
        string target = request.HttpContext.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        (string path, string query) = SplitTarget(target);
        string signedQuery = CanonicalQuery(query, header.Form);
        string payload = body.Text;
        if (header.Form == SignatureForm.Scoped && body.IsOfNothing && HttpMethods.IsPost(request.Method))
        {
            // gophertelekomcloud signs the query of a POST without a body as if it were the body.
            payload = PayloadHash.Of(Encoding.Latin1.GetBytes(FormQuery(query))).Text;
            signedQuery = "";
        }

        LatinText text = LatinText.OfThread();
        text.Append(request.Method.ToUpperInvariant());
        text.Append('\n');
        AppendPath(text, path);
        text.Append('\n');
        text.Append(signedQuery);
        text.Append('\n');
        foreach (string name in header.HeaderNames)
            AppendHeader(text, name, name == "host" ? host : request.Headers[name], header.Form);
        text.Append('\n');
        for (int i = 0; i < header.HeaderNames.Length; i++)
        {
            if (i > 0)
                text.Append(';');
            text.Append(header.HeaderNames[i]);
        }

        text.Append('\n');
        text.Append(payload);
        ShortHash.Sha256(text.Bytes, hash);
    }

    private static (string Path, string Query) SplitTarget(string target)
    {
        if (!target.StartsWith('/') && target.IndexOf("://", StringComparison.Ordinal) is > 0 and var scheme)
        {
            // A proxy's form, with scheme and host before the path.
            int slash = target.IndexOf('/', scheme + 3);
            target = slash < 0 ? "/" : target[slash..];
        }

        int mark = target.IndexOf('?', StringComparison.Ordinal);
        return mark < 0 ? (target, "") : (target[..mark], target[(mark + 1)..]);
    }

    // An escaped slash stays one: it is no border between segments, to routing neither.
    private static void AppendPath(LatinText text, string path)
    {
        if (path.AsSpan().IndexOfAnyExcept(PlainPathCharacters) < 0)
        {
            text.Append(path);
        }
        else
        {
            bool first = true;
            foreach (string segment in path.Split('/'))
            {
                if (!first)
                    text.Append('/');
                first = false;
                text.Append(Encoded(Decoded(segment, isForm: false)));
            }
        }

        if (!path.EndsWith('/'))
            text.Append('/');
    }

    private static string CanonicalQuery(string query, SignatureForm form)
    {
        if (query.Length == 0)
            return "";
        List<(string Name, string Value)> pairs = Pairs(query);
        if (form == SignatureForm.Scoped)
        {
            // By the encoded names, whatever their case. All values count: the client of this form signs the first one of
            // a repeated name only, and takes no part in any request that has one.
            return string.Join('&', pairs
                .Select(pair => (Name: Encoded(pair.Name), Value: Encoded(pair.Value)))
                .OrderBy(pair => pair.Name.ToLowerInvariant(), StringComparer.Ordinal)
                .ThenBy(pair => pair.Name, StringComparer.Ordinal)
                .ThenBy(pair => pair.Value, StringComparer.Ordinal)
                .Select(pair => $"{pair.Name}={pair.Value}"));
        }

        return string.Join('&', pairs
            .OrderBy(pair => pair.Name, StringComparer.Ordinal)
            .ThenBy(pair => pair.Value, StringComparer.Ordinal)
            .Select(pair => $"{Encoded(pair.Name)}={Encoded(pair.Value)}"));
    }

    // As a form: sorted by name, values of one name in their order, a plus for a blank.
    private static string FormQuery(string query) => string.Join('&', Pairs(query)
        .OrderBy(pair => pair.Name, StringComparer.Ordinal)
        .Select(pair => $"{Encoded(pair.Name).Replace("%20", "+", StringComparison.Ordinal)}={Encoded(pair.Value).Replace("%20", "+", StringComparison.Ordinal)}"));

    private static List<(string Name, string Value)> Pairs(string query)
    {
        var pairs = new List<(string, string)>();
        foreach (string part in query.Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            int equals = part.IndexOf('=', StringComparison.Ordinal);
            pairs.Add(equals < 0
                ? (Decoded(part, isForm: true), "")
                : (Decoded(part[..equals], isForm: true), Decoded(part[(equals + 1)..], isForm: true)));
        }

        return pairs;
    }

    private static void AppendHeader(LatinText text, string name, StringValues values, SignatureForm form)
    {
        if (values.Count <= 1)
        {
            AppendHeaderLine(text, name, values.ToString(), form);
            return;
        }

        foreach (string? value in values.Order(StringComparer.Ordinal))
            AppendHeaderLine(text, name, value ?? "", form);
    }

    private static void AppendHeaderLine(LatinText text, string name, string value, SignatureForm form)
    {
        text.Append(name);
        text.Append(':');
        if (form == SignatureForm.Scoped)
            AppendWithSingleBlanks(text, value);
        else
            text.Append(value.AsSpan().Trim());
        text.Append('\n');
    }

    private static void AppendWithSingleBlanks(LatinText text, string value)
    {
        bool wasBlank = false;
        foreach (char c in value)
        {
            bool isBlank = c is ' ' or '\t';
            if (!isBlank)
                text.Append(c);
            else if (!wasBlank)
                text.Append(' ');
            wasBlank = isBlank;
        }
    }

    /// <summary>The bytes an escaped text stands for, one char each.</summary>
    private static string Decoded(string text, bool isForm)
    {
        if (text.AsSpan().IndexOfAny('%', '+') < 0)
            return text;
        var decoded = new StringBuilder(text.Length);
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] == '%' && i + 2 < text.Length && char.IsAsciiHexDigit(text[i + 1]) && char.IsAsciiHexDigit(text[i + 2]))
            {
                decoded.Append((char)((Digit(text[i + 1]) << 4) | Digit(text[i + 2])));
                i += 2;
            }
            else
            {
                decoded.Append(isForm && text[i] == '+' ? ' ' : text[i]);
            }
        }

        return decoded.ToString();
    }

    private static int Digit(char c) => char.IsAsciiDigit(c) ? c - '0' : (c | 0x20) - 'a' + 10;

    private static string Encoded(string bytes)
    {
        if (bytes.AsSpan().IndexOfAnyExcept(PlainCharacters) < 0)
            return bytes;
        var encoded = new StringBuilder(bytes.Length * 2);
        foreach (char c in bytes)
        {
            if (PlainCharacters.Contains(c))
                encoded.Append(c);
            else
                encoded.Append('%').Append(((int)c).ToString("X2", System.Globalization.CultureInfo.InvariantCulture));
        }

        return encoded.ToString();
    }
}

/// <summary>The SHA-256 of a body, as it stands in what is signed.</summary>
internal readonly record struct PayloadHash(string Text, bool IsOfNothing)
{
    private static readonly PayloadHash OfNothing = new("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", IsOfNothing: true);

    public static PayloadHash Of(ReadOnlySpan<byte> body)
    {
        if (body.IsEmpty)
            return OfNothing;
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        ShortHash.Sha256(body, hash);
        return new PayloadHash(Convert.ToHexStringLower(hash), IsOfNothing: false);
    }
}
