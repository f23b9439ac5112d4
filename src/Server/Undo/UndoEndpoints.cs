using Microsoft.AspNetCore.Routing;
using Strongroom.Contract;
using Strongroom.Contract.Undo;
using Strongroom.Contract.Vaults;
using Strongroom.Server.Backups;
using Strongroom.Server.Database;
using Strongroom.Server.Http;
using Strongroom.Server.Shares;
using Strongroom.Server.Vaults;

namespace Strongroom.Server.Undo;

/// <summary>
/// Within the undo window an administrator brings back what one call deleted: a vault with everything that went with it, or
/// single backups, those of resources that left their vault included. An addition of ours.
/// </summary>
internal sealed class UndoEndpoints(MetadataDatabase database, TimeProvider time)
{
    private const int ListedMax = 1000;

    private const string Root = "/strongroom/v1/{project_id}";

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet(Root + "/deleted", ListAsync).WithAction("strongroom:deleted:list");
        routes.MapPost(Root + "/vaults/{vault_id}/undelete", UndeleteVaultAsync).WithAction("strongroom:deleted:undelete");
        routes.MapPost(Root + "/backups/{backup_id}/undelete", UndeleteBackupAsync).WithAction("strongroom:deleted:undelete");
    }

    private async Task ListAsync(HttpContext context)
    {
        string projectId = context.Caller().ProjectId;
        DeletedReply reply = await database.ReadAsync(
            async session => new DeletedReply(
                [.. (await VaultTable.ListDeletedAsync(session, projectId, ListedMax, context.RequestAborted))
                    .Select(vault => new DeletedVaultShape(vault.Id.Value, vault.Name))],
                [.. (await BackupTable.ListDeletedAsync(session, projectId, ListedMax, context.RequestAborted)).Select(Shape)]),
            context.RequestAborted);
        await JsonReply.WriteAsync(context, reply, DeletedJson.Default.DeletedReply);
    }

    /// <summary>The vault comes back with its backups, and with those of its resources that no other vault took meanwhile.</summary>
    private async Task UndeleteVaultAsync(HttpContext context)
    {
        VaultId id = VaultEndpoints.PathVault(context);
        string projectId = context.Caller().ProjectId;
        Vault vault = await database.WriteAsync(
            async session =>
            {
                long tick = await VaultTable.UndeleteAsync(session, projectId, id, context.RequestAborted)
                    ?? throw new RefusedException(ErrorCodes.VaultMissing, $"There is no deleted vault with id {id} that could be brought back.");
                List<BackupId> backups = await BackupTable.ListDeletedWithVaultAsync(session, id, tick, context.RequestAborted);
                foreach (BackupId[] chunk in backups.Chunk(BackupTable.IdCountMax))
                    await BackupTable.UndeleteAsync(session, chunk, context.RequestAborted);
                await ShareTable.ReturnToVaultAsync(session, id, time.GetStoredNow(), context.RequestAborted);
                return await VaultEndpoints.RequireAsync(session, projectId, id, context.RequestAborted);
            },
            context.RequestAborted);
        await JsonReply.WriteAsync(context, new VaultReply(vault.ToShape()), VaultJson.Default.VaultReply);
    }

    /// <summary>The backup comes back into its vault, which has to be there, and counts in it again.</summary>
    private async Task UndeleteBackupAsync(HttpContext context)
    {
        string text = (string)context.Request.RouteValues["backup_id"]!;
        if (!WireId.IsWellFormed(text))
            throw BodyReader.Refused($"backup_id in the path must be a UUID in lower case with dashes: it is {ShownText.Quoted(text)}.");
        var id = new BackupId(text);
        string projectId = context.Caller().ProjectId;
        await database.WriteAsync(
            async session =>
            {
                Backup backup = await BackupTable.FindDeletedAsync(session, projectId, id, context.RequestAborted)
                    ?? throw new RefusedException(ErrorCodes.BackupMissing, $"There is no deleted backup with id {id} that could be brought back.");
                await VaultEndpoints.RequireAsync(session, projectId, backup.VaultId, context.RequestAborted);
                await BackupTable.UndeleteAsync(session, [id], context.RequestAborted);
                await BackupTable.LeaveToHandsAsync(session, id, context.RequestAborted);
                if (backup.Status == BackupStatus.Available)
                    await VaultTable.AddUsageAsync(session, backup.VaultId, backup.ResourceId, backup.ChangedBytes, 1, context.RequestAborted);
            },
            context.RequestAborted);
        JsonReply.NoContent(context);
    }

    private static DeletedBackupShape Shape(Backup backup) => new(
        backup.Id.Value,
        backup.Name,
        backup.VaultId.Value,
        backup.ResourceId.Value,
        backup.ResourceName,
        backup.ResourceType,
        WireUnits.Instant(backup.CreatedAt));
}
