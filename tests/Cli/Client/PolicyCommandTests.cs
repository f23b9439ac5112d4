using System.Text.Json.Nodes;

namespace Strongroom.Cli.Tests.Client;

public sealed class PolicyCommandTests
{
    private const string PolicyId = "6c0b9e35-f18d-4a27-9d54-82e7a1c3f069";

    private const string Policy =
        """
        {"id":"6c0b9e35-f18d-4a27-9d54-82e7a1c3f069","name":"nightly","enabled":true,"operation_type":"backup","policy_type":"custom_policy",
         "operation_definition":{"max_backups":7,"week_backups":4,"timezone":"UTC+01:00","full_backup_interval":6},
         "trigger":{"id":"d2e7091c-4b6a-4f38-8c15-97a3f0e6b8d4","name":"default","type":"time",
          "properties":{"pattern":["FREQ=DAILY;BYHOUR=01;BYMINUTE=30"],"start_time":"2024-11-05 10:20:31"}},"associated_vaults":null}
        """;

    [Fact]
    public async Task Create_sends_the_patterns_and_what_is_kept()
    {
        using var service = new ServiceDouble().Answers("POST /policies", 200, $$"""{"policy":{{Policy}}}""");
        using ShellDouble shell = service.CreateShell();

        ExitCode code = await shell.Run(
            "policy", "create", "--name", "nightly", "--pattern", "FREQ=DAILY;BYHOUR=01;BYMINUTE=30", "--keep", "7", "--keep-weekly", "4", "--calendar", "UTC+01:00");

        Assert.True(code == ExitCode.Done, shell.Error);
        Assert.Equal(
            """{"policy":{"name":"nightly","enabled":true,"operation_type":"backup","operation_definition":{"max_backups":7,"week_backups":4,"timezone":"UTC+01:00"},"trigger":{"properties":{"pattern":["FREQ=DAILY;BYHOUR=01;BYMINUTE=30"]}}}}""",
            Sent(service, 0));
    }

    [Fact]
    public async Task Update_keeps_the_rest_of_the_definition_and_days_take_the_place_of_numbers()
    {
        using var service = new ServiceDouble()
            .Answers($"GET /policies/{PolicyId}", 200, $$"""{"policy":{{Policy}}}""")
            .Answers($"PUT /policies/{PolicyId}", 200, $$"""{"policy":{{Policy}}}""");
        using ShellDouble shell = service.CreateShell();

        ExitCode code = await shell.Run("policy", "update", PolicyId, "--keep-days", "30");

        Assert.True(code == ExitCode.Done, shell.Error);
        Assert.Equal(
            """{"policy":{"operation_definition":{"timezone":"UTC+01:00","full_backup_interval":6,"retention_duration_days":30}}}""", Sent(service, 1));
    }

    [Fact]
    public async Task Preview_of_an_edit_tells_runs_and_backups_in_one_list()
    {
        using var service = new ServiceDouble()
            .Answers($"GET /policies/{PolicyId}", 200, $$"""{"policy":{{Policy}}}""")
            .Answers(
                "POST +/policies/preview",
                200,
                """
                {"runs":[{"utc":"2026-03-29T01:00:00Z","local":"2026-03-29T03:00:00+02:00"}],
                 "kept":[{"at":"2026-03-28T01:00:00Z","reasons":["number 1 of 3"]}],
                 "deleted":[{"backup_id":"b","resource_id":"r","at":"2026-03-27T01:00:00Z","reasons":["beyond the newest 3"]}]}
                """);
        using ShellDouble shell = service.CreateShell();

        ExitCode code = await shell.Run("policy", "preview", PolicyId, "--keep", "3", "--time-zone", "Europe/Berlin", "--on", "2026-03-30", "-f", "value", "-c", "what", "-c", "at");

        Assert.True(code == ExitCode.Done, shell.Error);
        Assert.Equal("run\t2026-03-29T01:00:00Z\nkept\t2026-03-28T01:00:00Z\ndeleted\t2026-03-27T01:00:00Z\n", shell.Output.Replace(' ', '\t'));
        JsonNode sent = service.Requests[1].Body!;
        Assert.Equal(3, (int)sent["policy"]!["operation_definition"]!["max_backups"]!);
        Assert.Equal("2024-11-05 10:20:31", (string)sent["policy"]!["trigger"]!["properties"]!["start_time"]!);
        Assert.Equal(("Europe/Berlin", "2026-03-30"), ((string)sent["time_zone"]!, (string)sent["on"]!));
    }

    [Fact]
    public async Task Preview_of_a_stored_policy_reads_it_on_its_own_clock_which_clock_sets()
    {
        const string Clock = $$$"""{"policy":{"id":"{{{PolicyId}}}","time_zone":"Europe/Berlin","next_runs":[{"utc":"2026-03-28T00:30:00.000000","local":"2026-03-28T01:30:00.000000"}]}}""";
        using var service = new ServiceDouble()
            .Answers($"GET /policies/{PolicyId}", 200, $$"""{"policy":{{Policy}}}""")
            .Answers($"PUT +/policies/{PolicyId}", 200, Clock)
            .Answers($"GET /policies/{PolicyId}", 200, $$"""{"policy":{{Policy}}}""")
            .Answers($"GET +/policies/{PolicyId}", 200, Clock)
            .Answers("POST +/policies/preview", 200, """{"runs":[],"kept":[],"deleted":[]}""");
        using ShellDouble shell = service.CreateShell();

        ExitCode set = await shell.Run("policy", "clock", PolicyId, "--time-zone", "Europe/Berlin", "-f", "value", "-c", "time_zone");
        ExitCode previewed = await shell.Run("policy", "preview", PolicyId);

        Assert.True((set, previewed) == (ExitCode.Done, ExitCode.Done), shell.Error);
        Assert.StartsWith("Europe/Berlin\n", shell.Output, StringComparison.Ordinal);
        Assert.Equal("""{"policy":{"time_zone":"Europe/Berlin"}}""", service.Requests.Single(request => request.Line.StartsWith("PUT", StringComparison.Ordinal)).Body!.ToJsonString());
        Assert.Equal("Europe/Berlin", (string?)service.Requests[^1].Body!["time_zone"]);
    }

    [Fact]
    public async Task Create_on_a_clock_that_is_refused_leaves_no_policy()
    {
        using var service = new ServiceDouble()
            .Answers("POST /policies", 200, $$"""{"policy":{{Policy}}}""")
            .Answers($"PUT +/policies/{PolicyId}", 400, """{"error_code":"BackupService.9900","error_msg":"no such zone"}""")
            .Answers($"DELETE /policies/{PolicyId}", 204, "");
        using ShellDouble shell = service.CreateShell();

        ExitCode code = await shell.Run("policy", "create", "--name", "nightly", "--pattern", "FREQ=DAILY;BYHOUR=01;BYMINUTE=30", "--time-zone", "Europe/Berlim");

        Assert.NotEqual(ExitCode.Done, code);
        Assert.Contains("no such zone", shell.Error, StringComparison.Ordinal);
        Assert.Equal("""{"policy":{"time_zone":"Europe/Berlim"}}""", Sent(service, 1));
        Assert.StartsWith("DELETE", service.Requests[^1].Line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nothing_to_preview_is_wrong_usage()
    {
        using var service = new ServiceDouble();
        using ShellDouble shell = service.CreateShell();

        Assert.Equal(ExitCode.Usage, await shell.Run("policy", "preview", "--on", "2026-03-30"));
        Assert.Equal(ExitCode.Usage, await shell.Run("policy", "create", "--name", "x"));
    }

    private static string Sent(ServiceDouble service, int index) =>
        service.Requests[index].Body!.ToJsonString(new System.Text.Json.JsonSerializerOptions { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
}
