using System.Security.Cryptography;
using System.Text;
using Strongroom.Server.Identity;

namespace Strongroom.Server.Tests.Identity;

/// <summary>Signs in the flat form as a client does, for requests whose path and query need no escaping.</summary>
internal sealed record RequestSigner(string AccessKey, string Secret, string? SecurityToken = null)
{
    public static RequestSigner Of(NewCredential made) => new(made.Credential.AccessKey, made.Secret, made.SecurityToken);

    public RecordedRequest Sign(DateTimeOffset date, string method, string target, string body = "", string? projectId = null, string host = "strongroom.test")
    {
        string text = date.ToString("yyyyMMdd'T'HHmmss'Z'", null);
        string[] parts = target.Split('?');
        string query = parts.Length == 1 ? "" : string.Join('&', parts[1].Split('&').Order(StringComparer.Ordinal));
        string canonical = $"{method}\n{parts[0]}/\n{query}\nhost:{host}\nx-sdk-date:{text}\n\nhost;x-sdk-date\n{Hash(body)}";
        byte[] signature = HMACSHA256.HashData(Encoding.UTF8.GetBytes(Secret), Encoding.UTF8.GetBytes($"SDK-HMAC-SHA256\n{text}\n{Hash(canonical)}"));
        var request = new RecordedRequest(
            "test",
            method,
            target,
            [
                ("Host", host),
                ("X-Sdk-Date", text),
                ("Content-Type", "application/json"),
                ("Authorization", $"SDK-HMAC-SHA256 Access={AccessKey}, SignedHeaders=host;x-sdk-date, Signature={Convert.ToHexStringLower(signature)}"),
            ],
            body);
        if (projectId is not null)
            request = request.And("X-Project-Id", projectId);
        return SecurityToken is null ? request : request.And("X-Security-Token", SecurityToken);
    }

    private static string Hash(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
}
