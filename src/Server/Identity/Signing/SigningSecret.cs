using System.Security.Cryptography;
using System.Text;

namespace Strongroom.Server.Identity;

/// <summary>The secret of one access key, and the signatures it makes. Safe for use by several requests at once.</summary>
internal sealed class SigningSecret(string accessKey, string secret)
{
    private readonly byte[] flatKey = Encoding.UTF8.GetBytes(secret);
    private readonly HmacKey flat = new(Encoding.UTF8.GetBytes(secret));

    // Of the last scope used: a client has one, which changes once a day.
    private DerivedKey? derived;

    /// <summary>The signature this secret makes, 32 bytes.</summary>
    /// <param name="header">Form and scope; its own signature is not looked at.</param>
    /// <param name="date">As it stands in <c>X-Sdk-Date</c>.</param>
    /// <param name="requestHash">Of the canonical request.</param>
    /// <param name="signature">Filled.</param>
    public void Sign(SignatureHeader header, string date, ReadOnlySpan<byte> requestHash, Span<byte> signature)
    {
        LatinText text = LatinText.OfThread();
        text.Append(header.Algorithm);
        text.Append('\n');
        text.Append(date);
        text.Append('\n');
        if (header.Form != SignatureForm.Flat)
        {
            text.Append(header.Scope);
            text.Append('\n');
        }

        text.AppendHex(requestHash);
        KeyFor(header).Sign(text.Bytes, signature);
    }

    private HmacKey KeyFor(SignatureHeader header)
    {
        if (header.Form == SignatureForm.Flat)
            return flat;
        DerivedKey? known = Volatile.Read(ref derived);
        if (known is null || known.Form != header.Form || known.Scope != header.Scope)
        {
            byte[] key = header.Form == SignatureForm.Scoped ? StepByStep(header.ScopeParts) : Expanded(header.Scope);
            known = new DerivedKey(header.Form, header.Scope, new HmacKey(key));
            Volatile.Write(ref derived, known);
        }

        return known.Key;
    }

    private byte[] StepByStep(string[] scope)
    {
        byte[] key = Encoding.UTF8.GetBytes("SDK" + secret);
        foreach (string part in (ReadOnlySpan<string>)[.. scope, "sdk_request"])
            key = HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(part));
        return key;
    }

    // The key is the hex text, not the bytes it stands for.
    private byte[] Expanded(string scope) =>
        Encoding.ASCII.GetBytes(Convert.ToHexStringLower(HKDF.DeriveKey(
            HashAlgorithmName.SHA256, flatKey, outputLength: 32, salt: Encoding.UTF8.GetBytes(accessKey), info: Encoding.UTF8.GetBytes(scope))));

    private sealed record DerivedKey(SignatureForm Form, string Scope, HmacKey Key);
}
