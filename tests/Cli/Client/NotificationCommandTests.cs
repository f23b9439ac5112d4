namespace Strongroom.Cli.Tests.Client;

public sealed class NotificationCommandTests
{
    private const string Target =
        """{"target":{"id":"t1","name":"ops","kind":"webhook","url":"https://hooks.example.org/","recipients":[],"events":["vault_full"],"enabled":true,"created_at":"2026-01-15T12:00:00.000000","secret":"whsec_x"}}""";

    private static readonly string ListOfTarget = Target.Replace("{\"target\":", "{\"targets\":[", StringComparison.Ordinal)[..^1] + "]}";

    [Fact]
    public async Task A_target_is_deleted_by_its_name()
    {
        using var service = new ServiceDouble()
            .Answers("GET +/notifications/targets", 200, ListOfTarget)
            .Answers("DELETE +/notifications/targets/t1", 204, "");
        using ShellDouble shell = service.CreateShell();

        Assert.Equal(ExitCode.NotFound, await shell.Run("notification", "target", "delete", "other"));
        ExitCode code = await shell.Run("notification", "target", "delete", "ops");
        Assert.True(code == ExitCode.Done, shell.Error);
    }

    [Fact]
    public async Task Add_sends_the_address_and_shows_the_secret_once()
    {
        using var service = new ServiceDouble().Answers("POST +/notifications/targets", 200, Target);
        using ShellDouble shell = service.CreateShell();

        ExitCode code = await shell.Run("notification", "target", "add", "--name", "ops", "--webhook", "https://hooks.example.org/", "--event", "vault_full");

        Assert.True(code == ExitCode.Done, shell.Error);
        Assert.Equal(
            """{"target":{"name":"ops","kind":"webhook","url":"https://hooks.example.org/","events":["vault_full"]}}""",
            service.Requests.Single().Body!.ToJsonString());
        Assert.Contains("whsec_x", shell.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData]
    [InlineData("--webhook", "https://x", "--mail", "a@b.c")]
    public async Task Add_takes_one_of_webhook_and_mail(params string[] options)
    {
        using var service = new ServiceDouble();
        using ShellDouble shell = service.CreateShell();

        Assert.Equal(ExitCode.Usage, await shell.Run(["notification", "target", "add", "--name", "ops", .. options]));
    }

    [Theory]
    [InlineData("sent", "", 0, "arrived")]
    [InlineData("waiting", "It answered 500.", 1, "It answered 500.")]
    public async Task Test_says_whether_it_arrived(string state, string error, int code, string said)
    {
        const string told = """{"id":"n1","type":"test","timestamp":"2026-01-15T12:00:00Z","project_id":"p","text":"A test."}""";
        using var service = new ServiceDouble()
            .Answers("GET +/notifications/targets", 200, ListOfTarget)
            .Answers("POST +/notifications/targets/t1/test", 202, $$$"""{"notification":{"notification":{{{told}}},"deliveries":[]}}""")
            .Answers(
                "GET +/notifications/n1",
                200,
                $$$"""{"notification":{"notification":{{{told}}},"deliveries":[{"target_id":"t1","target_name":"ops","state":"{{{state}}}","attempts":1,"error":"{{{error}}}"}]}}""");
        using ShellDouble shell = service.CreateShell();

        Assert.Equal((ExitCode)code, await shell.Run("notification", "target", "test", "ops"));
        Assert.Contains(said, shell.Error, StringComparison.Ordinal);
    }
}
