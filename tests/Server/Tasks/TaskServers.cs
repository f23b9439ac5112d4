using Microsoft.Extensions.DependencyInjection;
using Strongroom.Server.Tasks;

namespace Strongroom.Server.Tests.Tasks;

/// <summary>A server whose data plane is a double.</summary>
public interface ITaskServer
{
    internal FakeEngine Engine { get; }
}

public class SqliteTaskServer : SqliteServer, ITaskServer
{
    FakeEngine ITaskServer.Engine { get; } = new();

    protected override void Customise(IServiceCollection services) =>
        services.AddSingleton<IProtectionEngine>(((ITaskServer)this).Engine);
}

public class PostgresTaskServer : PostgresServer, ITaskServer
{
    FakeEngine ITaskServer.Engine { get; } = new();

    protected override void Customise(IServiceCollection services) =>
        services.AddSingleton<IProtectionEngine>(((ITaskServer)this).Engine);
}

/// <summary>A server that only takes orders: tasks wait until the test starts workers of its own.</summary>
public class SqliteApiServer : SqliteTaskServer
{
    protected override void Configure(ServerOptions options) => options.Roles = ServerRoles.Api;
}

public class PostgresApiServer : PostgresTaskServer
{
    protected override void Configure(ServerOptions options) => options.Roles = ServerRoles.Api;
}
