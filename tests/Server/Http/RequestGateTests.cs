namespace Strongroom.Server.Tests.Http;

public sealed class RequestGateTests(SqliteServer server) : IClassFixture<SqliteServer>
{
    [Fact]
    public async Task The_health_check_needs_no_token()
    {
        TestReply reply = await server.GetAsync(null, "/healthcheck");

        Assert.Equal(200, reply.Status);
        Assert.Equal("ok", (string?)reply.Json["status"]);
    }

    [Fact]
    public async Task Without_a_token_every_path_answers_401_in_the_gateway_form()
    {
        TestReply reply = await server.GetAsync(null, "/v3/0123456789abcdef0123456789abcdef/nothing");

        Assert.Equal(401, reply.Status);
        Assert.Equal("APIG.0301", reply.ErrorCode);
        Assert.Equal("Incorrect IAM authentication information: decrypt token fail", reply.ErrorMessage);
        Assert.Equal(reply.Message.Headers.GetValues("X-Request-Id").Single(), (string?)reply.Json["request_id"]);
    }

    [Fact]
    public async Task A_path_nobody_answers_is_404_in_the_gateway_form()
    {
        TestReply reply = await server.GetAsync(await server.AdminAsync(), "/v3/{project_id}/nothing");

        Assert.Equal(404, reply.Status);
        Assert.Equal("APIG.0101", reply.ErrorCode);
    }
}
