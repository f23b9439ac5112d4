using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Strongroom.Server.Identity;

namespace Strongroom.Server.Tests.Identity;

/// <summary>Against the published examples (atlas of the vault API, section 12.6).</summary>
public sealed class CanonicalRequestTests
{
    private const string Host = "cbr.example.test";
    private const string ListPath = "/v3/0123456789abcdef0123456789abcdef/vaults";

    [Theory]
    [InlineData("GET", "/path?limit=1", "", "5a2ce64c865e0e6046321c6f3d5a77ba8413eeaf355c3166c03d58d02ac79624")]
    [InlineData("POST", "/path?key=value", "{\"Name\":\"test\",\"Id\":1}\n", "cecc2af119b18ab70b4d094c0750f3b42c02f254903179a0fc2cc72fc9db4f59")]
    public void The_flat_form(string method, string target, string body, string expected) =>
        Assert.Equal(expected, Sign(
            "SDK-HMAC-SHA256 Access=AccessKey, SignedHeaders=x-sdk-date", "SecretKey", method, target, body, ("x-sdk-date", "20060102T150405Z")));

    [Theory]
    [InlineData("GET", "/path?limit=1", "", "8fd3610508884bb19718317797c7378716a94bc740d97502e569322e366341cc")]
    [InlineData("POST", "/path?key=value", "{\"Name\":\"test\",\"Id\":1}\n", "4112f88b92d82dd1e1b7dd142f1e99e4f1762c42ca8fe0968b3045120870a903")]
    public void The_derived_form(string method, string target, string body, string expected) =>
        Assert.Equal(expected, Sign(
            "V11-HMAC-SHA256 Credential=AccessKey/20060102/test-region-1/demo, SignedHeaders=x-sdk-date",
            "SecretKey",
            method,
            target,
            body,
            ("x-sdk-date", "20060102T150405Z")));

    [Theory]
    [InlineData("Access=AKEXAMPLE0000001", "66cfa33b965cda55333755aa03ddffc54444998f382109bf44ed2d2e041a5c2c")]
    [InlineData("Credential=AKEXAMPLE0000001/20260102///sdk_request", "aaad4293e97baaab5df8eaa5c981494aeb0ab42175aea9ec27f902dd38ac8612")]
    public void The_same_request_in_the_flat_and_in_the_scoped_form(string credential, string expected) =>
        Assert.Equal(expected, Sign(
            $"SDK-HMAC-SHA256 {credential}, SignedHeaders=accept;host;user-agent;x-sdk-date",
            "SKEXAMPLE000000000000000000000001",
            "GET",
            $"{ListPath}?limit=5&offset=0",
            "",
            ("accept", "application/json"),
            ("user-agent", "probe/1"),
            ("x-sdk-date", "20260102T030405Z")));

    [Fact]
    public void A_body_and_a_signed_project() =>
        Assert.Equal("32199059a1cb3abf4ff4a77358c9a08ef0b15f9a14b91128283f2c72be49dfee", Sign(
            "SDK-HMAC-SHA256 Access=AKEXAMPLE0000001, SignedHeaders=content-type;host;x-project-id;x-sdk-date",
            "SKEXAMPLE000000000000000000000001",
            "PUT",
            $"{ListPath}/2d6c1f0e-7a43-4f0b-9d53-6f0a1c2b3d4e",
            """{"vault":{"threshold":70}}""",
            ("content-type", "application/json"),
            ("x-project-id", "0123456789abcdef0123456789abcdef"),
            ("x-sdk-date", "20260102T030405Z")));

    [Fact]
    public void The_way_a_query_is_escaped_and_ordered_on_the_wire_does_not_matter()
    {
        string sorted = Hash("GET", "/p?enable=true&limit=1&multi=1&multi=2&multi=3&path=%2Ftmp%2F123&test=%E4%B8%80%20%28%26%3D%3F%21%23%25.%2A%29");

        Assert.Equal(sorted, Hash("GET", "/p?multi=3&limit=1&multi=1&enable=true&path=/tmp/123&multi=2&test=%e4%b8%80+(%26%3d?!%23%25.*)"));
        Assert.NotEqual(sorted, Hash("GET", "/p?multi=3&limit=1&multi=1&enable=true&path=/tmp/123&multi=4&test=%e4%b8%80+(%26%3d?!%23%25.*)"));
        Assert.Equal(Hash("GET", "/p?k="), Hash("GET", "/p?k"));
    }

    [Fact]
    public void A_path_is_compared_by_what_it_means_and_an_escaped_slash_is_no_slash()
    {
        Assert.Equal(Hash("GET", "/a%20b/%e4%b8%80/"), Hash("GET", "/a%20b/%E4%B8%80"));
        Assert.Equal(Hash("GET", "/a-b"), Hash("GET", "/a%2Db"));
        Assert.Equal(Hash("GET", "/a/b"), Hash("GET", "http://proxy.test/a/b"));
        Assert.NotEqual(Hash("GET", "/a/b"), Hash("GET", "/a%2Fb"));
        Assert.NotEqual(Hash("GET", "/a/b"), Hash("GET", "/a/./b"));
    }

    [Fact]
    public void A_scoped_post_without_a_body_signs_its_query_as_one()
    {
        const string Scoped = "SDK-HMAC-SHA256 Credential=A/20260102///sdk_request, SignedHeaders=x-sdk-date";
        byte[] expected = System.Security.Cryptography.SHA256.HashData(Encoding.ASCII.GetBytes(
            "POST\n/p/\n\nx-sdk-date:20260102T030405Z\n\nx-sdk-date\n" + PayloadHash.Of("a=1+2&b="u8).Text));

        Assert.Equal(Convert.ToHexStringLower(expected), Hash("POST", "/p?b&a=1%202", Scoped));
    }

    private static string Hash(string method, string target, string authorization = "SDK-HMAC-SHA256 Access=A, SignedHeaders=x-sdk-date") =>
        Compute(authorization, method, target, "", [("x-sdk-date", "20260102T030405Z")]).Hash;

    private static string Sign(string authorization, string secret, string method, string target, string body, params (string Name, string Value)[] headers)
    {
        (SignatureHeader header, string hash) = Compute(authorization, method, target, body, headers);
        byte[] signature = new byte[32];
        new SigningSecret(header.AccessKey, secret).Sign(header, headers[^1].Value, Convert.FromHexString(hash), signature);
        return Convert.ToHexStringLower(signature);
    }

    private static (SignatureHeader Header, string Hash) Compute(
        string authorization, string method, string target, string body, (string Name, string Value)[] headers)
    {
        SignatureHeader header = SignatureHeader.Parse($"{authorization}, Signature={new string('0', 64)}")!;
        var context = new DefaultHttpContext();
        context.Features.Get<IHttpRequestFeature>()!.RawTarget = target;
        context.Request.Method = method;
        foreach ((string name, string value) in headers)
            context.Request.Headers[name] = value;
        byte[] hash = new byte[32];
        CanonicalRequest.Hash(context.Request, header, Host, PayloadHash.Of(Encoding.UTF8.GetBytes(body)), hash);
        return (header, Convert.ToHexStringLower(hash));
    }
}
