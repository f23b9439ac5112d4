using System.Buffers;

namespace Strongroom.Server.Identity;

/// <summary>The ways to sign a request; the atlas of the vault API describes them in sections 12.2, 12.4 and 12.5.</summary>
internal enum SignatureForm
{
    /// <summary><c>SDK-HMAC-SHA256 Access=…</c>: the secret itself is the key.</summary>
    Flat,

    /// <summary><c>SDK-HMAC-SHA256 Credential=…/sdk_request</c>: the key is derived for a date, region and service.</summary>
    Scoped,

    /// <summary><c>V11-HMAC-SHA256 Credential=…</c>: the same in another way (HKDF).</summary>
    Derived,
}

/// <summary>What an <c>Authorization</c> header of a signed request says.</summary>
/// <param name="Form">How the rest is to be read.</param>
/// <param name="AccessKey">Whose secret signed.</param>
/// <param name="Scope">Everything behind the access key: <c>20260102/region/service/sdk_request</c>, region and service often empty; empty in the flat form.</param>
/// <param name="HeaderNames">Of the signed headers, as they stand there.</param>
/// <param name="Signature">32 bytes.</param>
internal sealed record SignatureHeader(SignatureForm Form, string AccessKey, string Scope, string[] HeaderNames, byte[] Signature)
{
    public const string DateHeader = "x-sdk-date";

    private const string SdkAlgorithm = "SDK-HMAC-SHA256";
    private const string DerivedAlgorithm = "V11-HMAC-SHA256";
    private const string ScopeEnd = "sdk_request";
    private const int LengthMax = 4096;
    private const int AccessKeyLengthMax = 64;
    private const int SignedHeaderCountMax = 64;

    private static readonly SearchValues<char> LowerHexDigits = SearchValues.Create("0123456789abcdef");
    private static readonly SearchValues<char> LettersAndDigits =
        SearchValues.Create("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

    private static readonly SearchValues<char> NameCharacters = SearchValues.Create("-0123456789_abcdefghijklmnopqrstuvwxyz");

    public string Algorithm => Form == SignatureForm.Derived ? DerivedAlgorithm : SdkAlgorithm;

    /// <summary>The names of the scope in order: date, region, service. Empty in the flat form.</summary>
    public string[] ScopeParts => Scope.Length == 0 ? [] : Scope.Split('/')[..3];

    /// <summary>Whether a request with this header wants to be judged by its signature at all.</summary>
    public static bool IsSignature(string authorization) =>
        authorization.StartsWith(SdkAlgorithm, StringComparison.Ordinal) || authorization.StartsWith(DerivedAlgorithm, StringComparison.Ordinal);

    /// <summary>Null when it is not one of the three forms, whole and sound.</summary>
    public static SignatureHeader? Parse(string authorization)
    {
        int blank = authorization.IndexOf(' ', StringComparison.Ordinal);
        if (authorization.Length > LengthMax || blank < 0)
            return null;
        ReadOnlySpan<char> algorithm = authorization.AsSpan(0, blank);
        ReadOnlySpan<char> rest = authorization.AsSpan(blank + 1);
        ReadOnlySpan<char> access = default, credential = default, signedHeaders = default, signature = default;
        foreach (Range range in rest.Split(','))
        {
            ReadOnlySpan<char> part = rest[range].Trim();
            int equals = part.IndexOf('=');
            bool isKnown = equals > 0 && part[..equals] switch
            {
                "Access" => TakeOnce(ref access, part[(equals + 1)..]),
                "Credential" => TakeOnce(ref credential, part[(equals + 1)..]),
                "SignedHeaders" => TakeOnce(ref signedHeaders, part[(equals + 1)..]),
                "Signature" => TakeOnce(ref signature, part[(equals + 1)..]),
                _ => false,
            };
            if (!isKnown)
                return null;
        }

        if (signature.Length != 64 || signature.ContainsAnyExcept(LowerHexDigits) || NamesOf(signedHeaders) is not { } names)
            return null;
        (SignatureForm Form, string Key, string Scope)? found = algorithm switch
        {
            SdkAlgorithm when credential.IsEmpty => (SignatureForm.Flat, access.ToString(), ""),
            SdkAlgorithm when access.IsEmpty => SplitCredential(SignatureForm.Scoped, credential.ToString()),
            DerivedAlgorithm when access.IsEmpty => SplitCredential(SignatureForm.Derived, credential.ToString()),
            _ => null,
        };
        return found is { } whole && IsAccessKey(whole.Key)
            ? new SignatureHeader(whole.Form, whole.Key, whole.Scope, names, Convert.FromHexString(signature))
            : null;
    }

    /// <summary>False when it is empty or was there before.</summary>
    private static bool TakeOnce(ref ReadOnlySpan<char> place, ReadOnlySpan<char> value)
    {
        if (!place.IsEmpty)
            return false;
        place = value;
        return !value.IsEmpty;
    }

    private static (SignatureForm Form, string Key, string Scope)? SplitCredential(SignatureForm form, string credential)
    {
        string[] parts = credential.Split('/');
        bool isWhole = form == SignatureForm.Scoped ? parts.Length == 5 && parts[4] == ScopeEnd : parts.Length == 4;
        return isWhole ? (form, parts[0], credential[(parts[0].Length + 1)..]) : null;
    }

    private static bool IsAccessKey(ReadOnlySpan<char> text) => text.Length is > 0 and <= AccessKeyLengthMax && !text.ContainsAnyExcept(LettersAndDigits);

    /// <summary>Lower case, as every client has them: two spellings of one header would be two lines of what is signed.</summary>
    private static string[]? NamesOf(ReadOnlySpan<char> text)
    {
        int count = text.Count(';') + 1;
        if (count > SignedHeaderCountMax)
            return null;
        string[] names = new string[count];
        int at = 0;
        bool signsDate = false;
        foreach (Range range in text.Split(';'))
        {
            ReadOnlySpan<char> name = text[range];
            if (name.IsEmpty || name.ContainsAnyExcept(NameCharacters))
                return null;
            foreach (string before in names.AsSpan(0, at))
            {
                if (name.SequenceEqual(before))
                    return null;
            }

            names[at++] = name.ToString();
            signsDate |= name.SequenceEqual(DateHeader);
        }

        return signsDate ? names : null;
    }
}
