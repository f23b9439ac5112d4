using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Strongroom.Server;
using Strongroom.Server.Tests;

// A worker process of the product as it is, but for its clock: that stands still until a line on standard input says how far the wall
// clock goes. Of that only a second or two pass for timers and leases: a lease is measured in what processes get done in time, and
// twenty minutes at once would make everybody look dead.
// Arguments: data directory, connection string (empty: SQLite), what the clock shows at first. A test kills it when it likes.
var time = new FakeTimeProvider(DateTimeOffset.Parse(args[2], CultureInfo.InvariantCulture));
var options = new ServerOptions { DataDirectory = args[0], Url = "http://127.0.0.1:0", Roles = ServerRoles.Worker };
options.Database.ConnectionString = args[1];
options.Database.ConnectionCountMax = 8;
options.Policies.ScheduleInterval = TimeSpan.FromSeconds(1);
TimeSpan passing = TimeSpan.FromSeconds(2);
await using WebApplication app = StrongroomHost.Build(options, time);
await app.StartAsync();
await Console.Out.WriteLineAsync("ready");
while (await Console.In.ReadLineAsync() is { } line)
{
    var by = TimeSpan.Parse(line, CultureInfo.InvariantCulture);
    if (by > passing)
        time.SetWall(by - passing);
    time.Advance(by > passing ? passing : by);
    await Console.Out.WriteLineAsync("done");
}

await app.StopAsync();
