using Strongroom.Server.Database;
using Strongroom.Server.Http;

namespace Strongroom.Server.Resources;

/// <summary>Which resources a list is to show; null asks for nothing.</summary>
internal sealed record ResourceFilter
{
    public string? Type { get; init; }

    public string? Id { get; init; }

    /// <summary>The whole name, exactly.</summary>
    public string? Name { get; init; }

    /// <summary>Disks of that server.</summary>
    public string? ServerId { get; init; }

    /// <summary>Only disks that belong to a server, or only those that do not.</summary>
    public bool? IsAttached { get; init; }

    public int Limit { get; init; } = QueryReader.LimitMax;

    public int Offset { get; init; }

    /// <summary>Only resources after this one in the list's order.</summary>
    public ResourceId? Marker { get; init; }

    public Sql Where(string projectId)
    {
        Sql where = $"project_id = {projectId} and deleted_at_tick is null";
        if (Type is not null)
            where = $"{where} and type = {Type}";
        if (Id is not null)
            where = $"{where} and id = {Id}";
        if (Name is not null)
            where = $"{where} and name = {Name}";
        if (ServerId is not null)
            where = $"{where} and server_id = {ServerId}";
        if (IsAttached is { } attached)
            where = $"{where} and (server_id is not null) = {attached}";
        return where;
    }
}
