using Strongroom.Contract.Vaults;
using Strongroom.Server.Database;
using Strongroom.Server.Http;

namespace Strongroom.Server.Vaults;

/// <summary>Which vaults a list is to show. All filters must hold; null asks for nothing.</summary>
internal sealed record VaultFilter
{
    public IReadOnlyList<string>? Ids { get; init; }

    /// <summary>The whole name, exactly.</summary>
    public string? Name { get; init; }

    public string? CloudType { get; init; }

    public string? ProtectType { get; init; }

    public string? ObjectType { get; init; }

    public string? Status { get; init; }

    public string? PolicyId { get; init; }

    /// <summary>Vaults holding any of them.</summary>
    public IReadOnlyList<string>? ResourceIds { get; init; }

    public string? EnterpriseProjectId { get; init; }

    public string? AvailabilityZone { get; init; }

    public int Limit { get; init; } = QueryReader.LimitMax;

    public int Offset { get; init; }

    /// <summary>Only vaults after this one in the list's order.</summary>
    public VaultId? Marker { get; init; }

    public static VaultFilter Of(HttpRequest request)
    {
        var query = new QueryReader(request);
        return new VaultFilter
        {
            Limit = query.Limit(),
            Offset = query.Offset(),
            Ids = query.Ids("id"),
            Name = query.Text("name"),
            CloudType = query.Word("cloud_type", CloudTypes.All),
            ProtectType = query.Word("protect_type", ProtectTypes.ToList),
            ObjectType = query.Word("object_type", ObjectTypes.All),
            Status = query.Word("status", VaultStatuses.All),
            PolicyId = query.Id("policy_id"),

            // One command line misspells it.
            ResourceIds = query.Ids("resource_ids") ?? query.Ids("resources_ids"),
            EnterpriseProjectId = query.Text("enterprise_project_id"),
            AvailabilityZone = query.Text("availability_zone"),
            Marker = query.Marker() is { } marker ? new VaultId(marker) : null,
        };
    }

    /// <summary>The condition on the table <c>vaults</c>, without limit, offset and marker.</summary>
    public Sql Where(string projectId)
    {
        Sql where = $"project_id = {projectId} and deleted_at_tick is null";
        if (Ids is not null)
            where = $"{where} and id in {Ids}";
        if (Name is not null)
            where = $"{where} and name = {Name}";
        if (CloudType is not null)
            where = $"{where} and cloud_type = {CloudType}";
        if (ProtectType is not null)
            where = $"{where} and protect_type = {ProtectType}";
        if (ObjectType is not null)
            where = $"{where} and object_type = {ObjectType}";
        if (Status is not null)
            where = $"{where} and status = {Status}";
        if (PolicyId is not null)
            where = $"{where} and id in (select vault_id from policy_vaults where policy_id = {PolicyId})";
        if (ResourceIds is not null)
            where = $"{where} and id in (select vault_id from vault_resources where resource_id in {ResourceIds})";
        if (EnterpriseProjectId is not null and not QueryReader.AllEnterpriseProjects)
            where = $"{where} and enterprise_project_id = {EnterpriseProjectId}";
        if (AvailabilityZone is not null)
            where = $"{where} and availability_zone = {AvailabilityZone}";
        return where;
    }
}
