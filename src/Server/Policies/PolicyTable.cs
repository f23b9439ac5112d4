using System.Data.Common;
using System.Text.Json;
using Strongroom.Contract.Policies;
using Strongroom.Server.Database;
using Strongroom.Server.OrganizationPolicies;
using Strongroom.Server.Vaults;

namespace Strongroom.Server.Policies;

/// <summary>The SQL of the table <c>policies</c>.</summary>
internal static class PolicyTable
{
    private static Sql Columns => $"id, project_id, name, operation_type, enabled, definition, trigger_id, patterns, start_at, created_at, time_zone, policy_type, organization_policy_id";

    /// <summary>Null when there is none, or when it is another project's.</summary>
    public static ValueTask<Policy?> FindAsync(DbSession session, string projectId, PolicyId id, CancellationToken cancellationToken) =>
        session.QueryFirstAsync(
            $"select {Columns} from policies where id = {id} and project_id = {projectId}", row => (Policy?)Read(row), cancellationToken);

    /// <summary>A policy that is bound to something, and so is there.</summary>
    public static async ValueTask<Policy> GetAsync(DbSession session, PolicyId id, CancellationToken cancellationToken) =>
        await session.QueryFirstAsync($"select {Columns} from policies where id = {id}", row => (Policy?)Read(row), cancellationToken)
            ?? throw new InvalidOperationException($"Policy {id} is bound to a vault and not there.");

    /// <summary>The enabled or disabled backup policy of a vault; null when it has none.</summary>
    public static ValueTask<Policy?> FindOfVaultAsync(DbSession session, VaultId id, CancellationToken cancellationToken) =>
        session.QueryFirstAsync(
            $"""
            select {Columns} from policies
            where id = (select policy_id from policy_vaults where vault_id = {id} and operation_type = {PolicyTypes.Backup})
            """,
            row => (Policy?)Read(row),
            cancellationToken);

    /// <summary>Without those that follow an organization policy.</summary>
    public static ValueTask<long> CountAsync(DbSession session, string projectId, string operationType, CancellationToken cancellationToken) =>
        session.QueryLongAsync(
            $"select count(*) from policies where project_id = {projectId} and operation_type = {operationType} and organization_policy_id is null", cancellationToken);

    /// <summary>One page, newest first.</summary>
    public static async ValueTask<(List<Policy> Page, long Count)> ListAsync(
        DbSession session, string projectId, PolicyFilter filter, CancellationToken cancellationToken)
    {
        Sql where = filter.Where(projectId);
        long count = await session.QueryLongAsync($"select count(*) from policies where {where}", cancellationToken);
        if (filter.Marker is { } marker)
        {
            where = $"""
                {where} and (created_at < (select created_at from policies where id = {marker})
                    or (created_at = (select created_at from policies where id = {marker}) and id < {marker}))
                """;
        }

        List<Policy> page = await session.QueryAsync(
            $"select {Columns} from policies where {where} order by created_at desc, id desc limit {filter.Limit} offset {filter.Offset}",
            Read,
            cancellationToken);
        return (page, count);
    }

    public static async ValueTask InsertAsync(DbSession session, Policy policy, CancellationToken cancellationToken) =>
        await session.ExecuteAsync(
            $"""
            insert into policies ({Columns})
            values ({policy.Id}, {policy.ProjectId}, {policy.Name}, {policy.OperationType}, {policy.Enabled}, {policy.Definition.Text},
                {policy.TriggerId}, {Stored(policy.Patterns)}, {policy.StartAt.ToMicroseconds()}, {policy.CreatedAt.ToMicroseconds()}, {policy.TimeZone},
                {policy.PolicyType}, {policy.OrganizationPolicyId})
            """,
            cancellationToken);

    public static async ValueTask UpdateAsync(DbSession session, Policy policy, CancellationToken cancellationToken) =>
        await session.ExecuteAsync(
            $"""
            update policies set name = {policy.Name}, enabled = {policy.Enabled}, definition = {policy.Definition.Text},
                patterns = {Stored(policy.Patterns)}, start_at = {policy.StartAt.ToMicroseconds()}, time_zone = {policy.TimeZone}
            where id = {policy.Id}
            """,
            cancellationToken);

    /// <summary>Its bindings have to be gone.</summary>
    public static async ValueTask DeleteAsync(DbSession session, PolicyId id, CancellationToken cancellationToken) =>
        await session.ExecuteAsync($"delete from policies where id = {id}", cancellationToken);

    /// <summary>Those that follow an organization policy, one per project, oldest first.</summary>
    public static ValueTask<List<Policy>> ListOfOrganizationAsync(DbSession session, OrganizationPolicyId id, CancellationToken cancellationToken) =>
        session.QueryAsync($"select {Columns} from policies where organization_policy_id = {id} order by created_at, id", Read, cancellationToken);

    /// <summary>It follows no organization policy any more.</summary>
    public static async ValueTask LetGoAsync(DbSession session, PolicyId id, CancellationToken cancellationToken) =>
        await session.ExecuteAsync(
            $"update policies set policy_type = {PolicyOrigins.Left}, organization_policy_id = null where id = {id}", cancellationToken);

    /// <summary>Of a project that is about to be deleted: its policies stay for vaults that could be brought back, and follow nothing.</summary>
    public static async ValueTask LetGoOfProjectAsync(DbSession session, string projectId, CancellationToken cancellationToken) =>
        await session.ExecuteAsync(
            $"update policies set policy_type = {PolicyOrigins.Left}, organization_policy_id = null where project_id = {projectId} and organization_policy_id is not null",
            cancellationToken);

    private static string Stored(IReadOnlyList<string> patterns) => JsonSerializer.Serialize(patterns, PolicyJson.Default.IReadOnlyListString);

    private static Policy Read(DbDataReader row) => new()
    {
        Id = new PolicyId(row.GetString(0)),
        ProjectId = row.GetString(1),
        Name = row.GetString(2),
        OperationType = row.GetString(3),
        Enabled = row.GetBoolean(4),
        Definition = PolicyDefinition.OfStored(row.GetString(5)),
        TriggerId = row.GetString(6),
        Patterns = JsonSerializer.Deserialize(row.GetString(7), PolicyJson.Default.IReadOnlyListString)!,
        StartAt = row.GetInstant(8),
        CreatedAt = row.GetInstant(9),
        TimeZone = row.GetTextOrNull(10),
        PolicyType = row.GetString(11),
        OrganizationPolicyId = row.GetTextOrNull(12) is { } owner ? new OrganizationPolicyId(owner) : null,
    };
}
