using Strongroom.Server.Tests.Tasks;

namespace Strongroom.Server.Tests.Policies;

/// <summary>A server whose policies and retention wait until the test lets them look; tasks run by themselves.</summary>
public class SqlitePolicyServer : SqliteTaskServer
{
    protected override void Configure(ServerOptions options) => LetTheTestLook(options);

    internal static void LetTheTestLook(ServerOptions options)
    {
        options.Policies.ScheduleInterval = Timeout.InfiniteTimeSpan;
        options.Retention.SweepInterval = Timeout.InfiniteTimeSpan;

        // Days pass in a step: the token has to last, and loops that look every second would be at it all the time.
        options.Identity.TokenLifetime = TimeSpan.FromDays(30);
        options.Tasks.ProgressInterval = TimeSpan.FromHours(1);
        options.Tasks.PollInterval = TimeSpan.FromHours(1);
    }
}

public class PostgresPolicyServer : PostgresTaskServer
{
    protected override void Configure(ServerOptions options) => SqlitePolicyServer.LetTheTestLook(options);
}
