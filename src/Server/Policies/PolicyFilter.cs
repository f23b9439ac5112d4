using Strongroom.Contract.Policies;
using Strongroom.Server.Database;
using Strongroom.Server.Http;

namespace Strongroom.Server.Policies;

/// <summary>Which policies a list is to show. All filters must hold; null asks for nothing.</summary>
internal sealed record PolicyFilter
{
    public string? OperationType { get; init; }

    /// <summary>Those bound to it. A vault that is not there has none.</summary>
    public string? VaultId { get; init; }

    public int Limit { get; init; } = QueryReader.LimitMax;

    public int Offset { get; init; }

    /// <summary>Only policies after this one in the list's order.</summary>
    public PolicyId? Marker { get; init; }

    public static PolicyFilter Of(HttpRequest request)
    {
        var query = new QueryReader(request);
        return new PolicyFilter
        {
            Limit = query.Limit(),
            Offset = query.Offset(),
            OperationType = query.Word("operation_type", PolicyTypes.All),
            VaultId = query.Id("vault_id"),
            Marker = query.Marker() is { } marker ? new PolicyId(marker) : null,
        };
    }

    /// <summary>The condition on the table <c>policies</c>, without limit, offset and marker.</summary>
    public Sql Where(string projectId)
    {
        Sql where = $"project_id = {projectId}";
        if (OperationType is not null)
            where = $"{where} and operation_type = {OperationType}";
        if (VaultId is not null)
        {
            where = $"""
                {where} and id in (
                    select b.policy_id from policy_vaults b join vaults v on v.id = b.vault_id
                    where b.vault_id = {VaultId} and v.deleted_at_tick is null)
                """;
        }

        return where;
    }
}
