using System.Text.RegularExpressions;
using Strongroom.Contract;
using Strongroom.Server.Metrics;
using Strongroom.Server.Tasks;
using Strongroom.Server.Tests.Vaults;
using static Strongroom.Server.Tests.Vaults.VaultWorld;

namespace Strongroom.Server.Tests.Metrics;

public abstract partial class MetricsTests(ServerFixture server)
{
    [Fact]
    public async Task Vaults_and_what_they_protect_are_told_and_figures_are_read_once_per_interval()
    {
        VaultWorld world = await NewAsync(server);
        string disk = await world.NewDiskAsync();
        string vault = await world.VaultAsync(sizeGb: 17);
        await world.AddAsync(vault, Disk(disk));
        server.Time.Advance(TimeSpan.FromMinutes(1));

        string text = await ReadAsync();

        Assert.Contains($"cbr_vault_size_bytes{{vault_id=\"{vault}\",project_id=\"{world.ProjectId}\"}} {17L << 30}\n", text, StringComparison.Ordinal);
        Assert.Contains($"vault_util{{vault_id=\"{vault}\",project_id=\"{world.ProjectId}\"}} 0\n", text, StringComparison.Ordinal);
        Assert.Contains($"cbr_backup_last_success_timestamp_seconds{{resource_id=\"{disk}\",vault_id=\"{vault}\",project_id=\"{world.ProjectId}\"}} 0\n", text, StringComparison.Ordinal);
        string second = await world.VaultAsync();
        Assert.DoesNotContain(second, await ReadAsync(), StringComparison.Ordinal);
        server.Time.Advance(TimeSpan.FromMinutes(1));
        Assert.Contains(second, await ReadAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Every_line_is_of_the_text_format_and_every_family_told_once()
    {
        TaskMeter.Ended(Task(TaskKind.Backup), TaskEnd.Ended("backup", 2, ["a", "b"]), null, FakeTimeProvider.Start.AddSeconds(61));

        string[] lines = (await ReadAsync()).TrimEnd('\n').Split('\n');

        Assert.All(lines, line => Assert.Matches(Line(), line));
        string[] types = [.. lines.Where(line => line.StartsWith("# TYPE", StringComparison.Ordinal))];
        Assert.Equal(types.Distinct(), types);
        Assert.Contains(lines, line => line.StartsWith("""cbr_task_duration_seconds_bucket{type="backup",result="partial",le="300"} """, StringComparison.Ordinal));
    }

    [Fact]
    public void Buckets_are_cumulative_and_end_with_all()
    {
        using var totals = new ProcessTotals();
        TaskMeter.Ended(Task(TaskKind.Restore), TaskEnd.Success, null, FakeTimeProvider.Start.AddDays(3));

        ProcessTotals.Durations measured = totals.ReadDurations()
            .Single(pair => pair.Series is { Name: "cbr_task_duration_seconds", Labels: "type=\"restore\",result=\"success\"" }).Durations;

        Assert.Equal(1, measured.Counts[^1]);
        Assert.Equal(3 * 86_400, measured.SumSeconds);
    }

    internal static TaskRecord Task(TaskKind kind) => new()
    {
        Id = TaskId.New(),
        ProjectId = "p",
        Kind = kind,
        ProviderId = "",
        EnterpriseProjectId = "0",
        ResourceId = "r",
        ResourceName = "r",
        ResourceType = "t",
        RequestId = "",
        CreatedAt = FakeTimeProvider.Start,
        StartedAt = FakeTimeProvider.Start,
        UpdatedAt = FakeTimeProvider.Start,
    };

    private async Task<string> ReadAsync()
    {
        TestReply reply = await server.GetAsync(null, "/metrics");
        Assert.True(reply.Status == 200, reply.Text);
        return reply.Text;
    }

    [GeneratedRegex("""^(# (HELP|TYPE) [a-z_]+ .+|[a-z_]+(\{[a-z_]+="[^"\\]*"(,[a-z_]+="[^"\\]*")*\})? -?[0-9.E+-]+)$""")]
    private static partial Regex Line();
}

public sealed class MetricsOnSqliteTests(SqliteServer server) : MetricsTests(server), IClassFixture<SqliteServer>;

public sealed class MetricsOnPostgresTests : MetricsTests, IClassFixture<PostgresServer>
{
    public MetricsOnPostgresTests(PostgresServer server)
        : base(server) => TestDatabase.SkipUnlessPostgres();
}

public sealed class MetricsWithTokenTests(MetricsWithTokenTests.TokenServer server) : IClassFixture<MetricsWithTokenTests.TokenServer>
{
    [Theory]
    [InlineData(null, 401)]
    [InlineData("Bearer wrong", 401)]
    [InlineData("Bearer t0ken", 200)]
    public async Task With_a_token_set_the_request_must_bring_it(string? header, int status)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(server.Address, "/metrics"));
        if (header is not null)
            request.Headers.Add("Authorization", header);

        using HttpResponseMessage reply = await server.Client.SendAsync(request);

        Assert.Equal(status, (int)reply.StatusCode);
    }

    public sealed class TokenServer : SqliteServer
    {
        protected override void Configure(ServerOptions options) => options.Metrics.Token = "t0ken";
    }
}
