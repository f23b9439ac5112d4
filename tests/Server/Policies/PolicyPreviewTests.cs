using System.Text.Json.Nodes;
using Strongroom.Server.Tests.Vaults;
using static Strongroom.Server.Tests.Policies.PolicyWorld;
using static Strongroom.Server.Tests.Vaults.VaultWorld;

namespace Strongroom.Server.Tests.Policies;

public abstract class PolicyPreviewTests(ServerFixture server)
{
    [Fact]
    public async Task The_next_runs_are_told_in_utc_and_on_the_wall_clock()
    {
        VaultWorld world = await NewAsync(server);

        TestReply reply = await PreviewAsync(world, PolicyBody(patterns: "FREQ=DAILY;BYHOUR=02;BYMINUTE=30"), ("time_zone", "Europe/Berlin"), ("from", "2026-03-28"), ("runs", 3));

        Assert.True(reply.Status == 200, reply.Text);
        Assert.Equal(
            """
            {"runs":[{"utc":"2026-03-28T01:30:00Z","local":"2026-03-28T02:30:00+01:00"},{"utc":"2026-03-29T01:00:00Z","local":"2026-03-29T03:00:00+02:00"},{"utc":"2026-03-30T00:30:00Z","local":"2026-03-30T02:30:00+02:00"}],"kept":[],"deleted":[]}
            """.Trim(),
            reply.Text.Replace("\\u002B", "+", StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_exists_on_a_date_is_the_worked_example_of_the_reference()
    {
        VaultWorld world = await NewAsync(server);
        JsonObject policy = PolicyBody(
            """{"max_backups":2,"day_backups":3,"week_backups":2,"month_backups":2,"timezone":"UTC+08:00"}""",
            patterns: ["FREQ=DAILY;BYHOUR=17;BYMINUTE=00", "FREQ=WEEKLY;BYDAY=SU,MO;BYHOUR=03;BYMINUTE=00"]);

        TestReply reply = await PreviewAsync(world, policy, ("from", "2024-10-28T17:00:00Z"), ("on", "2024-11-12T17:00:00Z"), ("runs", 0));

        Assert.Equal(
            [
                "2024-11-12T17:00:00Z number 1 of 2, day 2024-11-13, week 2024-W46, month 2024-11, newest good",
                "2024-11-11T17:00:00Z number 2 of 2, day 2024-11-12",
                "2024-11-11T03:00:00Z day 2024-11-11",
                "2024-11-10T03:00:00Z week 2024-W45",
                "2024-10-30T17:00:00Z month 2024-10",
            ],
            Told(reply, "kept"));
        Assert.Equal(16 + 4 - 5, reply.Json["deleted"]!.AsArray().Select(item => (string)item!["at"]!).Distinct().Count());
    }

    [Fact]
    public async Task Intervals_count_from_the_start_time_or_from_from()
    {
        VaultWorld world = await NewAsync(server);
        JsonObject policy = PolicyBody(patterns: "FREQ=DAILY;INTERVAL=3;BYHOUR=01;BYMINUTE=30");
        (string, JsonNode?)[] from = [("from", "2024-11-05T10:20:31Z"), ("runs", 2)];

        Assert.Equal(["2024-11-08T01:30:00Z", "2024-11-11T01:30:00Z"], Runs(await PreviewAsync(world, policy, from)));
        policy["trigger"]!["properties"]!["start_time"] = "2024-11-04 00:00:00";
        Assert.Equal(["2024-11-07T01:30:00Z", "2024-11-10T01:30:00Z"], Runs(await PreviewAsync(world, policy, from)));
    }

    [Fact]
    public async Task Days_count_from_each_run_and_removal_waits_for_the_morning()
    {
        VaultWorld world = await NewAsync(server);
        JsonObject policy = PolicyBody("""{"retention_duration_days":3}""", patterns: "FREQ=DAILY;BYHOUR=02;BYMINUTE=00");

        TestReply morning = await PreviewAsync(world, policy, ("from", "2024-08-06"), ("on", "2024-08-10T10:00:00Z"));
        TestReply night = await PreviewAsync(world, policy, ("from", "2024-08-06"), ("on", "2024-08-10T02:30:00Z"));

        Assert.Equal(["2024-08-07T02:00:00Z older than 3 days", "2024-08-06T02:00:00Z older than 3 days"], Told(morning, "deleted"));
        Assert.Contains("2024-08-07T02:00:00Z expired, goes at 2024-08-10T08:00:00Z", Told(night, "kept"));
    }

    [Fact]
    public async Task A_policy_that_is_off_runs_never()
    {
        VaultWorld world = await NewAsync(server);
        JsonObject policy = PolicyBody();
        policy["enabled"] = false;

        TestReply reply = await PreviewAsync(world, policy, ("on", "2030-01-01"));

        Assert.Equal("""{"runs":[],"kept":[],"deleted":[]}""", reply.Text);
    }

    [Fact]
    public async Task A_vault_is_previewed_resource_by_resource()
    {
        VaultWorld world = await NewAsync(server);
        string[] disks = [await world.NewDiskAsync(), await world.NewDiskAsync()];
        string vault = await world.VaultAsync();
        await world.AddAsync(vault, [.. disks.Select(Disk)]);

        TestReply reply = await PreviewAsync(
            world, PolicyBody("""{"max_backups":1}"""), ("vault_id", vault), ("from", "2027-01-01"), ("on", "2027-01-02T12:00:00Z"));

        Assert.Equal(disks.Order(), reply.Json["kept"]!.AsArray().Select(item => (string)item!["resource_id"]!).Order());
        Assert.Equal(2, reply.Json["deleted"]!.AsArray().Count);
    }

    [Theory]
    [InlineData("time_zone", "Europe/Nowhere", "time_zone must be a time zone")]
    [InlineData("time_zone", "../../etc/passwd", "time_zone must be a time zone")]
    [InlineData("from", "yesterday", "from must be an instant")]
    [InlineData("from", "9999-12-31", "from must be")]
    [InlineData("on", "2020-01-01", "on must not be before from")]
    [InlineData("on", "2190-01-01", "on is too far")]
    [InlineData("runs", 1001, "runs must be 0 to 1000")]
    [InlineData("vault_id", "x", "vault_id must be a UUID")]
    public async Task What_cannot_be_is_refused(string member, object value, string because)
    {
        VaultWorld world = await NewAsync(server);

        TestReply reply = await PreviewAsync(world, PolicyBody(), (member, value is int number ? number : (string)value));

        Assert.Equal((400, "BackupService.9900"), (reply.Status, reply.ErrorCode));
        Assert.Contains(because, reply.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_pattern_that_no_policy_may_have_is_refused_and_another_projects_vault_unknown()
    {
        VaultWorld world = await NewAsync(server);
        VaultWorld stranger = await NewAsync(server);

        TestReply pattern = await PreviewAsync(world, PolicyBody(patterns: "FREQ=DAILY;BYHOUR=25;BYMINUTE=00"));
        TestReply vault = await PreviewAsync(world, PolicyBody(), ("vault_id", await stranger.VaultAsync()));

        Assert.Equal((400, "BackupService.9900"), (pattern.Status, pattern.ErrorCode));
        Assert.Equal((404, "BackupService.6105"), (vault.Status, vault.ErrorCode));
    }

    private static Task<TestReply> PreviewAsync(VaultWorld world, JsonObject policy, params (string Name, JsonNode? Value)[] members)
    {
        var body = new JsonObject { ["policy"] = policy.DeepClone() };
        foreach ((string name, JsonNode? value) in members)
            body[name] = value?.DeepClone();
        return world.Server.PostAsync(world.Caller, "/strongroom/v1/{project_id}/policies/preview", body);
    }

    private static List<string> Told(TestReply reply, string member) =>
        [.. reply.Json[member]!.AsArray().Select(item => $"{item!["at"]} {string.Join(", ", item["reasons"]!.AsArray())}")];

    private static IEnumerable<string> Runs(TestReply reply) => reply.Json["runs"]!.AsArray().Select(run => (string)run!["utc"]!);
}

public sealed class PolicyPreviewOnSqliteTests(SqliteServer server) : PolicyPreviewTests(server), IClassFixture<SqliteServer>;

public sealed class PolicyPreviewOnPostgresTests : PolicyPreviewTests, IClassFixture<PostgresServer>
{
    public PolicyPreviewOnPostgresTests(PostgresServer server)
        : base(server) => TestDatabase.SkipUnlessPostgres();
}
