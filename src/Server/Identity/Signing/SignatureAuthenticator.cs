using System.Globalization;
using System.Security.Cryptography;
using Strongroom.Contract;
using Strongroom.Server.Database;
using Strongroom.Server.Http;

namespace Strongroom.Server.Identity;

/// <summary>
/// Judges signed requests (<c>SDK-HMAC-SHA256</c>): the access key is known, the date inside the clock window, the signature
/// made of this very request by the key's secret. What is refused is refused with 401 in the words of the public gateway.
/// </summary>
internal sealed class SignatureAuthenticator(
    MetadataDatabase database, TimeProvider time, KnownRevision known, CredentialSeal seal, ServerOptions options)
{
    private const string ContentHashHeader = "X-Sdk-Content-Sha256";
    private const string SecurityTokenHeader = "X-Security-Token";
    private const string UnsignedPayload = "UNSIGNED-PAYLOAD";
    private const string DateFormat = "yyyyMMdd'T'HHmmss'Z'";

    private readonly IdentityCache<string, SignedIdentity> identities = new(database, time, known);
    private readonly string[] publicHosts = PublicHosts(options.PublicUrl);

    /// <summary>Who signed the request, in the project it names. Reads the whole body, which <see cref="BodyReader"/> then finds read.</summary>
    /// <param name="context">Its route values are used.</param>
    /// <param name="authorization">One that <see cref="SignatureHeader.IsSignature"/> says yes to.</param>
    /// <exception cref="RefusedException">401: why the signature does not count.</exception>
    public async ValueTask<Token> FindAsync(HttpContext context, string authorization)
    {
        SignatureHeader header = SignatureHeader.Parse(authorization)
            ?? throw Refused("verify aksk signature fail: the Authorization header is not in one of the three forms, or does not sign x-sdk-date");
        string date = SignedDate(context.Request, header);
        SignedIdentity identity = await identities.FindAsync(header.AccessKey, ReadAsync, context.RequestAborted) is { } found && !found.HasExpired(time.GetUtcNow())
            ? found
            : throw Refused($"Get secretKey failed,ak:{header.AccessKey},err:ak not exist");
        if (!identity.AcceptsSecurityToken(context.Request.Headers[SecurityTokenHeader].ToString()))
            throw Refused($"the access key {header.AccessKey} is only good together with its own {SecurityTokenHeader}");
        PayloadHash body = await HashBodyAsync(context);
        if (!Matches(context.Request, header, date, identity.Secret, body))
            throw Refused("verify aksk signature fail");
        return identity.TokenFor(context.Request);
    }

    /// <summary>
    /// Takes a signature out of use: to be called for requests that change something, once they may. The database remembers
    /// it, for all processes, until its date has left the clock window by a margin.
    /// </summary>
    /// <exception cref="RefusedException">401: it was used before.</exception>
    public async Task UseUpAsync(HttpContext context)
    {
        SignatureHeader header = SignatureHeader.Parse(context.Request.Headers.Authorization.ToString())!;
        string signature = Convert.ToHexStringLower(header.Signature);
        DateTimeOffset expiresAt = time.GetUtcNow() + (3 * options.Identity.SignatureWindow);
        int added = await database.WriteRelaxedAsync(
            session => UsedSignatureTable.InsertAsync(session, signature, expiresAt, context.RequestAborted), context.RequestAborted);
        if (added == 0)
            throw Refused("verify aksk signature fail: the request was received before; sign it anew to send it again");
    }

    private static RefusedException Refused(string reason) =>
        new(ErrorCodes.NotAuthenticated, $"Incorrect IAM authentication information: {reason}");

    private string SignedDate(HttpRequest request, SignatureHeader header)
    {
        string text = request.Headers[SignatureHeader.DateHeader].ToString();
        if (!DateTimeOffset.TryParseExact(
                text, DateFormat, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out DateTimeOffset date))
        {
            throw Refused("verify aksk signature fail: X-Sdk-Date is not like 20260102T030405Z");
        }

        if (header.Scope.Length > 0 && header.ScopeParts[0] != text[..8])
            throw Refused("verify aksk signature fail: the date of the credential is not that of X-Sdk-Date");
        if ((time.GetUtcNow() - date).Duration() > options.Identity.SignatureWindow)
        {
            throw Refused(string.Create(
                CultureInfo.InvariantCulture,
                $"verify aksk signature fail: X-Sdk-Date is more than {options.Identity.SignatureWindow.TotalMinutes:0.#} minutes from this server's clock, which says {time.GetUtcNow():yyyyMMdd'T'HHmmss'Z'}"));
        }

        return text;
    }

    private static async ValueTask<PayloadHash> HashBodyAsync(HttpContext context)
    {
        ReadOnlyMemory<byte> body = await ReceivedBody.ReadAsync(context);
        PayloadHash hash = PayloadHash.Of(body.Span);
        string claimed = context.Request.Headers[ContentHashHeader].ToString();
        if (claimed.Length == 0 || claimed == hash.Text)
            return hash;

        // A body nobody signed could be anybody's.
        return claimed == UnsignedPayload && body.IsEmpty
            ? new PayloadHash(UnsignedPayload, IsOfNothing: false)
            : throw Refused($"verify aksk signature fail: {ContentHashHeader} is not the SHA-256 of the body");
    }

    // A client may have signed the host without the port it sends, and a proxy may have put its own in place.
    private bool Matches(HttpRequest request, SignatureHeader header, string date, SigningSecret secret, PayloadHash body)
    {
        string received = request.Headers.Host.ToString();
        if (Matches(request, header, date, secret, body, received))
            return true;
        if (!header.HeaderNames.Contains("host", StringComparer.Ordinal))
            return false;
        string withoutPort = request.Host.Host;
        return (withoutPort != received && Matches(request, header, date, secret, body, withoutPort))
            || publicHosts.Any(host => host != received && Matches(request, header, date, secret, body, host));
    }

    private static bool Matches(HttpRequest request, SignatureHeader header, string date, SigningSecret secret, PayloadHash body, string host)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        Span<byte> signature = stackalloc byte[SHA256.HashSizeInBytes];
        CanonicalRequest.Hash(request, header, host, body, hash);
        secret.Sign(header, date, hash, signature);
        return CryptographicOperations.FixedTimeEquals(signature, header.Signature);
    }

    private static string[] PublicHosts(string publicUrl)
    {
        if (publicUrl.Length == 0)
            return [];
        var url = new Uri(publicUrl);
        return [url.Authority, url.Host, $"{url.Host}:{url.Port}"];
    }

    private async ValueTask<SignedIdentity?> ReadAsync(DbSession session, string accessKey, CancellationToken cancellationToken)
    {
        if (await CredentialTable.FindAsync(session, accessKey, cancellationToken) is not { } stored)
            return null;
        User? user = await UserTable.FindAsync(session, stored.Credential.UserId, cancellationToken);
        Domain? domain = user is { Enabled: true } ? await DomainTable.FindAsync(session, user.DomainId, cancellationToken) : null;
        if (user is null || domain is not { Enabled: true })
            return null;
        List<ProjectRoles> projects = await RoleTable.ListProjectRolesOfAsync(session, user.Id, cancellationToken);
        return new SignedIdentity(stored.Credential, stored.SecurityTokenHash, await seal.OpenAsync(stored.Secret, stored.Credential.AccessKey, $"access key {stored.Credential.AccessKey}", cancellationToken), user, domain, projects);
    }
}
