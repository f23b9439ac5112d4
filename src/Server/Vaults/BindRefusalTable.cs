using Strongroom.Server.Database;
using Strongroom.Server.Resources;

namespace Strongroom.Server.Vaults;

/// <summary>The SQL of the table <c>bind_refusals</c>: what rules ask for and could not have, when it was last looked.</summary>
internal static class BindRefusalTable
{
    public static ValueTask<List<BindRefusal>> ListAsync(DbSession session, string projectId, CancellationToken cancellationToken) =>
        session.QueryAsync(
            $"select resource_id, vault_id, code, message from bind_refusals where project_id = {projectId} order by resource_id",
            row => new BindRefusal(new ResourceId(row.GetString(0)), new VaultId(row.GetString(1)), row.GetString(2), row.GetString(3)),
            cancellationToken);

    public static async ValueTask PutAsync(DbSession session, string projectId, BindRefusal refusal, CancellationToken cancellationToken) =>
        await session.ExecuteAsync(
            $"""
            insert into bind_refusals (resource_id, project_id, vault_id, code, message)
            values ({refusal.ResourceId}, {projectId}, {refusal.VaultId}, {refusal.Code}, {refusal.Message})
            on conflict (resource_id) do update set vault_id = excluded.vault_id, code = excluded.code, message = excluded.message
            """,
            cancellationToken);

    public static async ValueTask DeleteAsync(DbSession session, IReadOnlyCollection<ResourceId> resourceIds, CancellationToken cancellationToken) =>
        await session.ExecuteAsync($"delete from bind_refusals where resource_id in {resourceIds}", cancellationToken);
}

/// <param name="Code">As a request for it would have been answered.</param>
internal sealed record BindRefusal(ResourceId ResourceId, VaultId VaultId, string Code, string Message);
