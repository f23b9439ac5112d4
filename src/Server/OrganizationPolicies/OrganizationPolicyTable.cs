using System.Data.Common;
using System.Text.Json;
using Strongroom.Contract.Policies;
using Strongroom.Server.Database;
using Strongroom.Server.Policies;

namespace Strongroom.Server.OrganizationPolicies;

/// <summary>The SQL of the table <c>organization_policies</c>. What is out of a caller's reach is not there.</summary>
internal static class OrganizationPolicyTable
{
    private static Sql Columns =>
        $"""
        id, domain_id, project_id, name, description, operation_type, policy_name, policy_enabled, definition, patterns,
        effective_scope, covers_domain, created_at
        """;

    public static ValueTask<OrganizationPolicy?> FindAsync(
        DbSession session, OrganizationReach reach, OrganizationPolicyId id, CancellationToken cancellationToken) =>
        session.QueryFirstAsync(
            $"select {Columns} from organization_policies o where id = {id} and {Within(reach)}", row => (OrganizationPolicy?)Read(row), cancellationToken);

    /// <summary>Those made in one project.</summary>
    public static ValueTask<long> CountAsync(DbSession session, string projectId, string operationType, CancellationToken cancellationToken) =>
        session.QueryLongAsync(
            $"select count(*) from organization_policies where project_id = {projectId} and operation_type = {operationType}", cancellationToken);

    /// <summary>One page, newest first.</summary>
    public static async ValueTask<(List<OrganizationPolicy> Page, long Count)> ListAsync(
        DbSession session, OrganizationReach reach, OrganizationPolicyQuery query, CancellationToken cancellationToken)
    {
        Sql where = Within(reach);
        if (query.OperationType is { } type)
            where = $"{where} and operation_type = {type}";
        long count = await session.QueryLongAsync($"select count(*) from organization_policies o where {where}", cancellationToken);
        if (query.Marker is { } marker)
            where = $"{where} and (created_at, id) < (select created_at, id from organization_policies where id = {marker})";
        List<OrganizationPolicy> page = await session.QueryAsync(
            $"select {Columns} from organization_policies o where {where} order by created_at desc, id desc limit {query.Limit} offset {query.Offset}",
            Read,
            cancellationToken);
        return (page, count);
    }

    /// <summary>Those for every project of a domain, oldest first.</summary>
    public static ValueTask<List<OrganizationPolicy>> ListCoveringAsync(DbSession session, string domainId, CancellationToken cancellationToken) =>
        session.QueryAsync(
            $"select {Columns} from organization_policies where domain_id = {domainId} and covers_domain order by created_at, id", Read, cancellationToken);

    public static async ValueTask InsertAsync(DbSession session, OrganizationPolicy policy, CancellationToken cancellationToken) =>
        await session.ExecuteAsync(
            $"""
            insert into organization_policies ({Columns})
            values ({policy.Id}, {policy.DomainId}, {policy.ProjectId}, {policy.Name}, {policy.Description}, {policy.OperationType},
                {policy.PolicyName}, {policy.PolicyEnabled}, {policy.Definition.Text}, {Stored(policy.Patterns)},
                {policy.EffectiveScope}, {policy.CoversDomain}, {policy.CreatedAt.ToMicroseconds()})
            """,
            cancellationToken);

    public static async ValueTask UpdateAsync(DbSession session, OrganizationPolicy policy, CancellationToken cancellationToken) =>
        await session.ExecuteAsync(
            $"""
            update organization_policies set name = {policy.Name}, description = {policy.Description}, policy_name = {policy.PolicyName},
                policy_enabled = {policy.PolicyEnabled}, definition = {policy.Definition.Text}, patterns = {Stored(policy.Patterns)},
                effective_scope = {policy.EffectiveScope}, covers_domain = {policy.CoversDomain}
            where id = {policy.Id}
            """,
            cancellationToken);

    public static async ValueTask DeleteAsync(DbSession session, OrganizationPolicyId id, CancellationToken cancellationToken) =>
        await session.ExecuteAsync($"delete from organization_policies where id = {id}", cancellationToken);

    private static Sql Within(OrganizationReach reach) => reach.IsWhole
        ? $"o.domain_id = {reach.DomainId}"
        : (Sql)$"""
          o.domain_id = {reach.DomainId} and not o.covers_domain and o.project_id in {reach.ProjectIds}
              and not exists (select 1 from policies p where p.organization_policy_id = o.id and p.project_id not in {reach.ProjectIds})
          """;

    private static string Stored(IReadOnlyList<string> patterns) => JsonSerializer.Serialize(patterns, PolicyJson.Default.IReadOnlyListString);

    private static OrganizationPolicy Read(DbDataReader row) => new()
    {
        Id = new OrganizationPolicyId(row.GetString(0)),
        DomainId = row.GetString(1),
        ProjectId = row.GetString(2),
        Name = row.GetString(3),
        Description = row.GetString(4),
        OperationType = row.GetString(5),
        PolicyName = row.GetString(6),
        PolicyEnabled = row.GetBoolean(7),
        Definition = PolicyDefinition.OfStored(row.GetString(8)),
        Patterns = JsonSerializer.Deserialize(row.GetString(9), PolicyJson.Default.IReadOnlyListString)!,
        EffectiveScope = row.GetString(10),
        CoversDomain = row.GetBoolean(11),
        CreatedAt = row.GetInstant(12),
    };
}
