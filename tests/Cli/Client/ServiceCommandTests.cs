using System.Text.Json;
using System.Text.Json.Nodes;
using Strongroom.Contract.Checkpoints;

namespace Strongroom.Cli.Tests.Client;

public sealed class ServiceCommandTests
{
    [Fact]
    public async Task A_list_logs_in_by_the_variables_and_asks_the_endpoint_of_the_catalogue()
    {
        using var service = new ServiceDouble().Answers("GET /vaults", 200, Shapes.VaultList(1, Shapes.Vault));
        using ShellDouble shell = service.CreateShell();

        ExitCode code = await shell.Run("vault", "list", "-f", "json");

        Assert.Equal(ExitCode.Done, code);
        JsonElement vault = Assert.Single(JsonDocument.Parse(shell.Output).RootElement.EnumerateArray());
        Assert.Equal(200L << 30, vault.GetProperty("size_bytes").GetInt64());
        Assert.Equal(12L << 20, vault.GetProperty("used_bytes").GetInt64());
        Assert.Equal("admin", service.LogIn!["auth"]!["identity"]!["password"]!["user"]!["name"]!.GetValue<string>());
        Assert.Equal("demo", service.LogIn["auth"]!["scope"]!["project"]!["name"]!.GetValue<string>());
        Assert.Equal("default", service.LogIn["auth"]!["scope"]!["project"]!["domain"]!["name"]!.GetValue<string>());
    }

    [Fact]
    public async Task A_list_longer_than_a_page_is_read_to_its_end()
    {
        using var service = new ServiceDouble()
            .Answers("GET /vaults", 200, Shapes.VaultList(3, Shapes.Vault, Shapes.Vault with { Name = "two" }))
            .Answers("GET /vaults", 200, Shapes.VaultList(3, Shapes.Vault with { Name = "three" }));
        using ShellDouble shell = service.CreateShell();

        await shell.Run("vault", "list", "-f", "value", "-c", "name");

        Assert.Equal("web\ntwo\nthree\n", shell.Output);
        Assert.EndsWith("/vaults?limit=1000&offset=2", service.Requests[1].Line, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(404, "BackupService.6105", ExitCode.NotFound)]
    [InlineData(400, "BackupService.6103", ExitCode.Refused)]
    [InlineData(403, "BackupService.8600", ExitCode.Refused)]
    [InlineData(500, "BackupService.9910", ExitCode.Failed)]
    internal async Task An_error_of_the_service_is_one_line_with_its_code(int status, string errorCode, ExitCode expected)
    {
        using var service = new ServiceDouble()
            .Answers($"GET /vaults/{Shapes.VaultId}", status, $$"""{"error_code":"{{errorCode}}","error_msg":"two\nlines"}""");
        using ShellDouble shell = service.CreateShell();

        ExitCode code = await shell.Run("vault", "show", Shapes.VaultId);

        Assert.Equal(expected, code);
        Assert.StartsWith($"strongroom: two lines ({errorCode})", Assert.Single(shell.Error.TrimEnd('\n').Split('\n')), StringComparison.Ordinal);
        Assert.Equal(status >= 500, shell.Error.Contains("0123456789abcdef0123456789abcdef", StringComparison.Ordinal));
        Assert.Empty(shell.Output);
    }

    [Fact]
    public async Task An_answer_that_is_not_JSON_names_the_address_and_the_status()
    {
        using var service = new ServiceDouble().Answers($"GET /vaults/{Shapes.VaultId}", 502, "<html>Bad Gateway</html>");
        using ShellDouble shell = service.CreateShell();

        Assert.Equal(ExitCode.Failed, await shell.Run("vault", "show", Shapes.VaultId));
        Assert.Contains($"{ServiceDouble.Address}/v3/{ServiceDouble.ProjectId}/vaults/{Shapes.VaultId} answered 502", shell.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_wrong_password_is_refused_and_says_which_variables_to_check()
    {
        using var service = new ServiceDouble();
        using ShellDouble shell = service.CreateShell();
        shell.Variables["OS_PASSWORD"] = "wrong";

        Assert.Equal(ExitCode.Refused, await shell.Run("vault", "list"));
        Assert.Contains("Incorrect user name or password.", shell.Error, StringComparison.Ordinal);
        Assert.Contains("OS_PASSWORD", shell.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("OS_AUTH_URL")]
    [InlineData("OS_USERNAME")]
    [InlineData("OS_PASSWORD")]
    [InlineData("OS_PROJECT_NAME")]
    public async Task A_missing_variable_is_named(string variable)
    {
        using var service = new ServiceDouble();
        using ShellDouble shell = service.CreateShell();
        shell.Variables.Remove(variable);

        Assert.Equal(ExitCode.Usage, await shell.Run("vault", "list"));
        Assert.Contains(variable, shell.Error, StringComparison.Ordinal);
        Assert.Contains("strongroom openrc", shell.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_service_that_is_not_there_is_said_so()
    {
        using var shell = new ShellDouble
        {
            Variables =
            {
                ["OS_AUTH_URL"] = "http://127.0.0.1:1", ["OS_USERNAME"] = "admin", ["OS_PASSWORD"] = "x", ["OS_PROJECT_NAME"] = "demo",
            },
        };

        Assert.Equal(ExitCode.Failed, await shell.Run("vault", "list"));
        Assert.Contains("does not answer", shell.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_name_that_fits_two_vaults_is_refused()
    {
        using var service = new ServiceDouble().Answers("GET /vaults", 200, Shapes.VaultList(2, Shapes.Vault, Shapes.Vault));
        using ShellDouble shell = service.CreateShell();

        Assert.Equal(ExitCode.Refused, await shell.Run("vault", "delete", "web"));
        Assert.All(service.Requests, request => Assert.StartsWith("GET ", request.Line, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_name_that_fits_nothing_is_not_found()
    {
        using var service = new ServiceDouble().Answers("GET /vaults", 200, Shapes.VaultList(0));
        using ShellDouble shell = service.CreateShell();

        Assert.Equal(ExitCode.NotFound, await shell.Run("vault", "show", "web"));
        Assert.Contains("There is no vault called 'web'", shell.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("success", ExitCode.Done)]
    [InlineData("failed", ExitCode.Failed)]
    [InlineData("timeout", ExitCode.Failed)]
    [InlineData("partial", ExitCode.Partial)]
    internal async Task A_checkpoint_that_is_waited_for_ends_with_its_result(string status, ExitCode expected)
    {
        using var service = CheckpointService()
            .Answers($"GET +/tasks/{Shapes.TaskId}", 200, Shapes.TaskReply("running"))
            .Answers($"GET +/tasks/{Shapes.TaskId}", 200, Shapes.TaskReply(status, status == "success" ? "" : "pack 12 is damaged", status == "partial" ? ["etc/shadow: no permission"] : []));
        using ShellDouble shell = service.CreateShell();

        ExitCode code = await shell.Run("checkpoint", "create", Shapes.VaultId, "--name", "nightly", "--wait", "-f", "value", "-c", "id");

        Assert.Equal(expected, code);
        Assert.Equal(Shapes.CheckpointId + "\n", shell.Output);
        Assert.Equal(status is "failed" or "timeout", shell.Error.Contains("pack 12 is damaged", StringComparison.Ordinal));
        Assert.Equal(status == "partial", shell.Error.Contains("etc/shadow: no permission", StringComparison.Ordinal));
        JsonNode body = service.Requests.Single(request => request.Line.StartsWith("POST", StringComparison.Ordinal)).Body!;
        Assert.Equal("""{"checkpoint":{"vault_id":"0d4f7c52-8a3b-4e19-b6c7-2f5e91a0d384","parameters":{"name":"nightly"}}}""", body.ToJsonString());
    }

    [Fact]
    public async Task Tasks_are_cancelled_one_by_one_and_what_has_ended_is_said_so()
    {
        using var service = CheckpointService().Answers($"POST +/tasks/{Shapes.TaskId}/cancel", 202, Shapes.TaskReply("success"));
        using ShellDouble shell = service.CreateShell();

        Assert.Equal(ExitCode.Done, await shell.Run("task", "cancel", Shapes.TaskId));

        Assert.Contains($"Task {Shapes.TaskId} has ended already: success.", shell.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_checkpoint_that_leaves_a_resource_out_is_partial_and_names_it()
    {
        using var service = CheckpointService(new SkippedResourceShape(Shapes.DiskId, "OS::Cinder::Volume", "data", "BackupService.6125", "a backup is running"));
        using ShellDouble shell = service.CreateShell();

        Assert.Equal(ExitCode.Partial, await shell.Run("checkpoint", "create", Shapes.VaultId));
        Assert.Contains($"left out data ({Shapes.DiskId}): a backup is running (BackupService.6125)", shell.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_is_restored_to_itself_disk_by_disk()
    {
        using var service = new ServiceDouble()
            .Answers($"GET /backups/{Shapes.BackupId}", 200, Shapes.ServerBackup())
            .Answers($"POST /backups/{Shapes.BackupId}/restore", 202, Shapes.Restore());
        using ShellDouble shell = service.CreateShell();

        ExitCode code = await shell.Run("backup", "restore", Shapes.BackupId, "--leave-off", "-f", "value");

        Assert.Empty(shell.Error);
        Assert.Equal(ExitCode.Done, code);
        Assert.Equal(Shapes.TaskId + "\n", shell.Output);
        JsonNode restore = service.Requests[^1].Body!["restore"]!;
        Assert.Equal(Shapes.ServerId, restore["server_id"]!.GetValue<string>());
        Assert.False(restore["power_on"]!.GetValue<bool>());
        Assert.Equal($$"""[{"backup_id":"{{Shapes.DiskBackupId}}","volume_id":"{{Shapes.DiskId}}"}]""", restore["mappings"]!.ToJsonString());
    }

    [Theory]
    [InlineData("A server is made of --disk PATH", "--type", "OS::Nova::Server", "--path", "/x")]
    [InlineData("A disk or file system needs --path", "--type", "OS::Cinder::Volume", "--disk", "/x")]
    [InlineData("'colour' is no tag; write key=value.", "--type", "OS::Cinder::Volume", "--path", "/x", "--tag", "colour")]
    public async Task A_resource_that_makes_no_sense_is_found_before_anything_is_asked(string message, params string[] arguments)
    {
        using var service = new ServiceDouble();
        using ShellDouble shell = service.CreateShell();

        Assert.Equal(ExitCode.Usage, await shell.Run(["resource", "add", "--name", "n", .. arguments]));
        Assert.Contains(message, shell.Error, StringComparison.Ordinal);
        Assert.Null(service.LogIn);
    }

    [Fact]
    public async Task A_resource_without_tags_is_sent_without_them()
    {
        using var service = new ServiceDouble();
        using ShellDouble shell = service.CreateShell();

        await shell.Run("resource", "add", "--name", "etc", "--type", "OS::Sfs::Turbo", "--path", "/etc");

        Assert.Equal("""{"resource":{"type":"OS::Sfs::Turbo","name":"etc","path":"/etc"}}""", service.Requests[0].Body!.ToJsonString());
    }

    private static ServiceDouble CheckpointService(params SkippedResourceShape[] skipped) => new ServiceDouble()
        .Answers($"GET /vaults/{Shapes.VaultId}", 200, Shapes.VaultReply(Shapes.Vault))
        .Answers("POST /checkpoints", 200, Shapes.Checkpoint("protecting", skipped))
        .Answers("GET /operation-logs", 200, Shapes.OperationLogs(Shapes.TaskId))
        .Answers($"GET /checkpoints/{Shapes.CheckpointId}", 200, Shapes.Checkpoint("available", skipped));
}
