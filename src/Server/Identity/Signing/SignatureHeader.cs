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
/// <param name="SignedHeaders">The names as they stand there, which is what was signed.</param>
/// <param name="Signature">32 bytes.</param>
internal sealed record SignatureHeader(SignatureForm Form, string AccessKey, string Scope, string SignedHeaders, byte[] Signature)
{
    public const string DateHeader = "x-sdk-date";

    private const string SdkAlgorithm = "SDK-HMAC-SHA256";
    private const string DerivedAlgorithm = "V11-HMAC-SHA256";
    private const string ScopeEnd = "sdk_request";
    private const int LengthMax = 4096;
    private const int AccessKeyLengthMax = 64;
    private const int SignedHeaderCountMax = 64;

    public string Algorithm => Form == SignatureForm.Derived ? DerivedAlgorithm : SdkAlgorithm;

    public string[] HeaderNames => SignedHeaders.Split(';');

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
        string algorithm = authorization[..blank];
        var parts = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (string part in authorization[(blank + 1)..].Split(',', StringSplitOptions.TrimEntries))
        {
            int equals = part.IndexOf('=', StringComparison.Ordinal);
            if (equals <= 0 || !parts.TryAdd(part[..equals], part[(equals + 1)..]))
                return null;
        }

        if (parts.Count != 3
            || !parts.TryGetValue("SignedHeaders", out string? signedHeaders)
            || !parts.TryGetValue("Signature", out string? signature)
            || !AreNames(signedHeaders)
            || signature.Length != 64
            || !signature.All(char.IsAsciiHexDigitLower))
        {
            return null;
        }

        (SignatureForm Form, string Key, string Scope)? credential = algorithm switch
        {
            SdkAlgorithm when parts.TryGetValue("Access", out string? accessKey) => (SignatureForm.Flat, accessKey, ""),
            SdkAlgorithm when parts.TryGetValue("Credential", out string? scoped) => SplitCredential(SignatureForm.Scoped, scoped),
            DerivedAlgorithm when parts.TryGetValue("Credential", out string? scoped) => SplitCredential(SignatureForm.Derived, scoped),
            _ => null,
        };
        return credential is { } found && IsAccessKey(found.Key)
            ? new SignatureHeader(found.Form, found.Key, found.Scope, signedHeaders, Convert.FromHexString(signature))
            : null;
    }

    private static (SignatureForm Form, string Key, string Scope)? SplitCredential(SignatureForm form, string credential)
    {
        string[] parts = credential.Split('/');
        bool isWhole = form == SignatureForm.Scoped ? parts.Length == 5 && parts[4] == ScopeEnd : parts.Length == 4;
        return isWhole ? (form, parts[0], credential[(parts[0].Length + 1)..]) : null;
    }

    private static bool IsAccessKey(string text) => text.Length is > 0 and <= AccessKeyLengthMax && text.All(char.IsAsciiLetterOrDigit);

    // Lower case, as every client has them: two spellings of one header would be two lines of what is signed.
    private static bool AreNames(string text)
    {
        string[] names = text.Split(';');
        return names.Length <= SignedHeaderCountMax
            && names.Distinct(StringComparer.Ordinal).Count() == names.Length
            && names.Contains(DateHeader, StringComparer.Ordinal)
            && names.All(name => name.Length > 0 && name.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '-' or '_'));
    }
}
