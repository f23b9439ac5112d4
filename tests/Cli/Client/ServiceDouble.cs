using System.Net;
using System.Text;
using System.Text.Json.Nodes;

namespace Strongroom.Cli.Tests.Client;

/// <summary>A service in memory: logs in whoever knows the password, answers what the test says, keeps what was asked.</summary>
internal sealed class ServiceDouble : HttpMessageHandler
{
    public const string Address = "http://service.test:8799";
    public const string ProjectId = "5f9c1d7ab3e84c0f8d2a6b417e90c3d5";
    public const string Password = "s3cret";
    public const string Token = "the-token";

    private readonly Dictionary<string, Queue<(int Status, string Body)>> answers = [];

    /// <summary>What was asked after the log-in, as in <c>GET /v3/…/vaults?limit=1000</c>, with the body.</summary>
    public List<(string Line, JsonNode? Body)> Requests { get; } = [];

    public JsonNode? LogIn { get; private set; }

    /// <summary>A shell whose variables name this service.</summary>
    public ShellDouble CreateShell() => new()
    {
        Transport = this,
        Variables =
        {
            ["OS_AUTH_URL"] = Address + "/v3",
            ["OS_USERNAME"] = "admin",
            ["OS_PASSWORD"] = Password,
            ["OS_PROJECT_NAME"] = "demo",
        },
    };

    /// <param name="line">Method and path below <c>/v3/{project}</c>, without the query; additions as <c>GET +/tasks/…</c>.</param>
    /// <param name="status">HTTP status.</param>
    /// <param name="body">JSON; several answers to one line are given in order, the last one for ever.</param>
    public ServiceDouble Answers(string line, int status, string body)
    {
        if (!answers.TryGetValue(line, out Queue<(int, string)>? queue))
            answers[line] = queue = new Queue<(int, string)>();
        queue.Enqueue((status, body));
        return this;
    }

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        string body = request.Content is null ? "" : await request.Content.ReadAsStringAsync(cancellationToken);
        JsonNode? json = body.Length == 0 ? null : JsonNode.Parse(body);
        string path = request.RequestUri!.AbsolutePath;
        if (path == "/v3/auth/tokens")
            return AnswerLogIn(json!);
        Assert.Equal(Token, Assert.Single(request.Headers.GetValues("X-Auth-Token")));
        Requests.Add(($"{request.Method} {request.RequestUri.PathAndQuery}", json));
        string line = $"{request.Method} {path.Replace($"/v3/{ProjectId}", "", StringComparison.Ordinal).Replace($"/strongroom/v1/{ProjectId}", "+", StringComparison.Ordinal)}";
        if (!answers.TryGetValue(line, out Queue<(int Status, string Body)>? queue))
            return Answer(404, """{"error_code":"APIG.0101","error_msg":"no such route in this test: """ + line + "\"}");
        (int status, string text) = queue.Count > 1 ? queue.Dequeue() : queue.Peek();
        HttpResponseMessage answer = Answer(status, text);
        answer.RequestMessage = request;
        return answer;
    }

    private HttpResponseMessage AnswerLogIn(JsonNode body)
    {
        LogIn = body;
        if (body["auth"]!["identity"]!["password"]!["user"]!["password"]!.GetValue<string>() != Password)
            return Answer(401, """{"error_code":"APIG.0301","error_msg":"Incorrect user name or password.","request_id":"r1"}""");
        HttpResponseMessage answer = Answer(201, $$$"""
            {"token":{"expires_at":"2030-01-01T00:00:00.000000Z","project":{"id":"{{{ProjectId}}}","name":"demo"},"user":{"name":"admin"},
             "catalog":[{"type":"identity","endpoints":[{"interface":"public","url":"{{{Address}}}/v3"}]},
                        {"type":"cbr","endpoints":[{"interface":"admin","url":"http://elsewhere"},{"interface":"public","url":"{{{Address}}}/v3/{{{ProjectId}}}"}]}]}}
            """);
        answer.Headers.Add("X-Subject-Token", Token);
        return answer;
    }

    private static HttpResponseMessage Answer(int status, string body)
    {
        var answer = new HttpResponseMessage((HttpStatusCode)status) { Content = new StringContent(body, Encoding.UTF8, "application/json") };
        answer.Headers.Add("X-Request-Id", "0123456789abcdef0123456789abcdef");
        return answer;
    }
}
