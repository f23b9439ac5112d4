namespace Strongroom.Cli.Tests.Client;

public sealed class MemberCommandTests
{
    private const string Backup = Shapes.BackupId;
    private const string Vault = Shapes.VaultId;
    private const string Recipient = "c0a7e5d2914b4f6c9e83d1f05a72b6e4";
    private const string Members = $"/backups/{Backup}/members";

    private static readonly string Pending = Member("pending", "null");

    [Fact]
    public async Task Sharing_sends_the_projects_and_prints_the_members()
    {
        using ServiceDouble service = WithBackup().Answers($"POST {Members}", 200, $$"""{"members":[{{Pending}}],"count":1}""");
        using ShellDouble shell = service.CreateShell();

        ExitCode code = await shell.Run("backup", "member", "add", Backup, Recipient, "-f", "value", "-c", "project_id", "-c", "status");

        Assert.Equal(ExitCode.Done, code);
        Assert.Equal($"{Recipient} pending\n", shell.Output.Replace('\t', ' '));
        Assert.Equal($$"""{"members":["{{Recipient}}"]}""", service.Requests[^1].Body!.ToJsonString());
    }

    [Fact]
    public async Task A_list_asks_for_a_status()
    {
        using ServiceDouble service = WithBackup().Answers($"GET {Members}", 200, $$"""{"members":[{{Pending}}],"count":1}""");
        using ShellDouble shell = service.CreateShell();

        await shell.Run("backup", "member", "list", Backup, "--status", "pending", "-f", "value", "-c", "project_id");

        Assert.Equal(Recipient + "\n", shell.Output);
        Assert.Contains("status=pending", service.Requests[^1].Line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task One_is_shown_by_its_project_or_the_own_one()
    {
        using ServiceDouble service = WithBackup()
            .Answers($"GET {Members}/{Recipient}", 200, "{\"member\":" + Pending + "}")
            .Answers($"GET {Members}/{ServiceDouble.ProjectId}", 404, """{"error_code":"BackupService.6705","error_msg":"no such member"}""");
        using ShellDouble shell = service.CreateShell();

        Assert.Equal(ExitCode.Done, await shell.Run("backup", "member", "show", Backup, Recipient, "-f", "value", "-c", "status"));
        Assert.Equal(ExitCode.NotFound, await shell.Run("backup", "member", "show", Backup));

        Assert.Equal("pending\n", shell.Output);
    }

    [Theory]
    [InlineData("accept", $$"""{"status":"accepted","vault_id":"{{Vault}}"}""")]
    [InlineData("reject", """{"status":"rejected"}""")]
    public async Task A_recipient_answers_for_its_own_project(string verb, string body)
    {
        using var service = new ServiceDouble()
            .Answers($"GET /vaults/{Vault}", 200, Shapes.VaultReply(Shapes.Vault))
            .Answers($"PUT {Members}/{ServiceDouble.ProjectId}", 200, "{\"member\":" + Member(verb + "ed", $"\"{Vault}\"") + "}");
        using ShellDouble shell = service.CreateShell();

        string[] command = ["backup", "member", verb, Backup, .. verb == "accept" ? ["--vault", Vault] : Array.Empty<string>()];
        ExitCode code = await shell.Run(command);

        Assert.True(code == ExitCode.Done, shell.Error);
        Assert.Equal(body, service.Requests[^1].Body!.ToJsonString());
    }

    [Fact]
    public async Task Removing_names_each_project()
    {
        using ServiceDouble service = WithBackup().Answers($"DELETE {Members}/{Recipient}", 204, "");
        using ShellDouble shell = service.CreateShell();

        ExitCode code = await shell.Run("backup", "member", "remove", Backup, Recipient);

        Assert.Equal(ExitCode.Done, code);
        Assert.Contains(Recipient, shell.Error, StringComparison.Ordinal);
        Assert.StartsWith("DELETE ", service.Requests[^1].Line, StringComparison.Ordinal);
    }

    private static ServiceDouble WithBackup() => new ServiceDouble().Answers($"GET /backups/{Backup}", 200, Shapes.ServerBackup());

    private static string Member(string status, string vault) =>
        $$"""
        {"id":"7f0a4a1c-9b52-4d27-8f0f-31c7f7a2d6e4","backup_id":"{{Backup}}","dest_project_id":"{{Recipient}}","status":"{{status}}",
         "vault_id":{{vault}},"image_id":null,"created_at":"2024-11-05T03:00:12.415902","updated_at":null}
        """;
}
