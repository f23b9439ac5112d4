using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Strongroom.Server.Database;
using Strongroom.Server.Policies;
using Strongroom.Server.Retention;
using Strongroom.Server.Tests.Tasks;
using Strongroom.Server.Tests.Vaults;
using static Strongroom.Server.Tests.Policies.PolicyWorld;

namespace Strongroom.Server.Tests.Policies;

/// <summary>Vaults with policies, and a clock that is moved from slot to slot.</summary>
internal sealed class RunWorld(TaskWorld tasks)
{
    public TaskWorld Tasks => tasks;

    public VaultWorld Vaults => tasks.Vaults;

    private ServerFixture Server => tasks.Server;

    private PolicyScheduler Scheduler => Server.Services.GetRequiredService<PolicyScheduler>();

    private RetentionSweep Retention => Server.Services.GetRequiredService<RetentionSweep>();

    public static async Task<RunWorld> NewAsync(ServerFixture server) => new(await TaskWorld.NewAsync(server));

    /// <summary>Sets the clock to the next time of day, a second later.</summary>
    public void GoTo(int hour, int minute = 0, int daysLater = 0)
    {
        DateTimeOffset now = Server.Time.GetUtcNow();
        DateTimeOffset at = new DateTimeOffset(now.UtcDateTime.Date, TimeSpan.Zero).AddDays(daysLater).AddHours(hour).AddMinutes(minute).AddSeconds(1);
        Server.Time.Sleep((at > now ? at : at.AddDays(1)) - now);
    }

    /// <summary>Runs what is due and waits until its tasks have ended.</summary>
    public async Task RunAsync()
    {
        await Scheduler.RunDueAsync(default);
        await EndAsync();
    }

    public Task EndAsync() => TaskWorld.UntilAsync(async () =>
        (await tasks.LogsAsync("status=waiting&limit=1")).Count + (await tasks.LogsAsync("status=running&limit=1")).Count == 0);

    public Task ScheduleAsync() => Scheduler.RunDueAsync(default);

    public Task SweepAsync() => Retention.SweepAsync(default);

    /// <summary>A vault with so many disks and a policy on it.</summary>
    public async Task<(string Vault, string Policy, string[] Disks)> ProtectedAsync(JsonObject? policy = null, int diskCount = 1)
    {
        string policyId = await Vaults.PolicyAsync(policy ?? PolicyBody("{}", "p", "backup", "FREQ=DAILY;INTERVAL=1;BYHOUR=03;BYMINUTE=00"));
        string vault = await Vaults.VaultAsync("disk");
        string[] disks = new string[diskCount];
        for (int i = 0; i < diskCount; i++)
        {
            disks[i] = await Vaults.NewDiskAsync($"disk-{i}", VaultWorld.Gb);
            await tasks.AddAsync(vault, VaultWorld.Disk(disks[i]));
        }

        TestReply bound = await Vaults.BindAsync(vault, policyId);
        Assert.True(bound.Status == 200, bound.Text);
        return (vault, policyId, disks);
    }

    public static JsonObject Policy(string definition) => PolicyBody(definition, "p", "backup", "FREQ=DAILY;INTERVAL=1;BYHOUR=03;BYMINUTE=00");

    public Task<JsonArray> BackupsAsync(string vault) => tasks.BackupsAsync($"vault_id={vault}&sort=created_at:asc");

    public Task ExecuteAsync(Sql sql) => Server.Database.WriteAsync(async session => { await session.ExecuteAsync(sql, default); }, default);

    public async Task<JsonNode> OurTaskAsync(JsonNode log) => await tasks.TaskAsync((string)log["id"]!);
}
