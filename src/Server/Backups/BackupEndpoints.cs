using Microsoft.AspNetCore.Routing;
using Strongroom.Contract;
using Strongroom.Contract.Backups;
using Strongroom.Server.Database;
using Strongroom.Server.Http;
using Strongroom.Server.Shares;
using Strongroom.Server.Tasks;
using Strongroom.Server.Vaults;

namespace Strongroom.Server.Backups;

/// <summary>Backups on the wire: list, show, rename, delete, metadata. Restoring is in <see cref="RestoreEndpoint"/>.</summary>
internal sealed class BackupEndpoints(MetadataDatabase database, TimeProvider time)
{
    public const string OneBackup = Backups + "/{backup_id}";
    private const string Backups = "/v3/{project_id}/backups";

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet(Backups, ListAsync).WithAction("cbr:backups:list");
        routes.MapGet(OneBackup, ShowAsync).WithAction("cbr:backups:get");
        routes.MapPut(OneBackup, RenameAsync).WithAction("cbr:backups:update");
        routes.MapDelete(OneBackup, DeleteAsync).WithAction("cbr:backups:delete");
        routes.MapGet(OneBackup + "/metadata", MetadataAsync).WithAction("cbr:backups:getMetadata");
    }

    public static BackupId PathBackup(HttpContext context)
    {
        string id = (string)context.Request.RouteValues["backup_id"]!;
        return WireId.IsWellFormed(id)
            ? new BackupId(id)
            : throw BodyReader.Refused($"backup_id in the path must be a UUID in lower case with dashes: it is {ShownText.Quoted(id)}.");
    }

    public static RefusedException Missing(BackupId id) => new(ErrorCodes.BackupMissing, $"There is no backup with id {id} in this project.");

    /// <summary>The project's own backup, for what only its owner may do: a recipient sees it and is refused, to others it is not there.</summary>
    public static async ValueTask<Backup> RequireOwnAsync(DbSession session, string projectId, BackupId id, CancellationToken cancellationToken)
    {
        SeenBackup seen = await BackupTable.FindSeenAsync(session, projectId, id, BackupQuery.SharesShown, cancellationToken) ?? throw Missing(id);
        return seen.IsOwn
            ? seen.Backup
            : throw new RefusedException(ErrorCodes.ShareRefused, $"Backup {id} is shared with this project by another: only its owner can change, share or delete it.");
    }

    internal static string ReadName(BodyValue body) => body["backup"]["name"].Text(1, 64, TextRule.Name);

    private async Task ListAsync(HttpContext context)
    {
        string projectId = context.Caller().ProjectId;
        var query = new BackupQuery(projectId, context.Request);
        CancellationToken cancellationToken = context.RequestAborted;
        BackupListReply reply = await database.ReadAsync(
            async session =>
            {
                List<VaultId>? usedVaults = query.UsedPercent is { } percent
                    ? await VaultTable.ListUsedAsync(session, projectId, percent, cancellationToken)
                    : null;
                Sql filter = query.Filter(usedVaults);
                long count = await BackupTable.CountSeenAsync(session, query.Source, filter, cancellationToken);
                if (query.Marker is { } marker && !await BackupTable.WasThereAsync(session, projectId, new BackupId(marker), cancellationToken))
                    throw BodyReader.Refused($"marker must be the id of a backup of this project: there is none with id {marker}.");
                if (query.Marker is not null)
                    filter = $"{filter} and {query.Order.After(query.Marker)}";
                List<SeenBackup> page = await BackupTable.ListSeenAsync(
                    session, query.Source, filter, query.Order.OrderBy(), query.Limit, query.Offset, cancellationToken);
                return new BackupListReply(page.ConvertAll(backup => backup.ToShape([])), count, query.Offset, query.Limit);
            },
            cancellationToken);
        await JsonReply.WriteAsync(context, reply, BackupJson.Default.BackupListReply);
    }

    private async Task ShowAsync(HttpContext context)
    {
        (SeenBackup backup, List<Backup> children) = await FindAsync(context, BackupQuery.SharesShown);
        await JsonReply.WriteAsync(context, new BackupReply(backup.ToShape(children)), BackupJson.Default.BackupReply);
    }

    private async Task MetadataAsync(HttpContext context)
    {
        (SeenBackup seen, List<Backup> children) = await FindAsync(context, [ShareStatus.Accepted]);
        Backup backup = seen.Backup;
        if (backup.Status != BackupStatus.Available)
        {
            throw new RefusedException(
                ErrorCodes.BackupMetadataUnavailable, $"Backup {backup.Id} is in status {WireWord.Of(backup.Status)}: only an available one has metadata.");
        }

        await JsonReply.WriteAsync(context, BackupMetadata.ToReply(seen, children), BackupJson.Default.BackupMetadataReply);
    }

    private async Task RenameAsync(HttpContext context)
    {
        string projectId = context.Caller().ProjectId;
        BackupId id = PathBackup(context);
        string name = await BodyReader.ReadAsync(context, ReadName);
        CancellationToken cancellationToken = context.RequestAborted;
        (SeenBackup backup, List<Backup> children) = await database.WriteAsync(
            async session =>
            {
                await RequireOwnAsync(session, projectId, id, cancellationToken);
                await BackupTable.RenameAsync(session, id, name, time.GetStoredNow(), cancellationToken);
                return await FindAsync(session, projectId, id, [], cancellationToken);
            },
            cancellationToken);
        await JsonReply.WriteAsync(context, new BackupReply(backup.ToShape(children)), BackupJson.Default.BackupReply);
    }

    /// <summary>
    /// Marks the backup and records the task, in one transaction: it is gone for every client when the answer is sent, and
    /// an administrator can bring it back within the undo window.
    /// </summary>
    private async Task DeleteAsync(HttpContext context)
    {
        Caller caller = context.Caller();
        BackupId id = PathBackup(context);
        CancellationToken cancellationToken = context.RequestAborted;
        await database.WriteAsync(
            async session =>
            {
                Backup backup = await RequireOwnAsync(session, caller.ProjectId, id, cancellationToken);
                Vault? vault = await VaultTable.FindAsync(session, caller.ProjectId, backup.VaultId, cancellationToken);
                await BackupRemoval.OfOneAsync(session, backup, vault, caller.RequestId, time.GetStoredNow(), cancellationToken);
            },
            cancellationToken);
        JsonReply.NoContent(context);
    }

    private Task<(SeenBackup Backup, List<Backup> Children)> FindAsync(HttpContext context, IReadOnlyList<ShareStatus> whenShared)
    {
        BackupId id = PathBackup(context);
        return database.ReadAsync(
            session => FindAsync(session, context.Caller().ProjectId, id, whenShared, context.RequestAborted), context.RequestAborted);
    }

    private static async ValueTask<(SeenBackup Backup, List<Backup> Children)> FindAsync(
        DbSession session, string projectId, BackupId id, IReadOnlyList<ShareStatus> whenShared, CancellationToken cancellationToken)
    {
        SeenBackup seen = await BackupTable.FindSeenAsync(session, projectId, id, whenShared, cancellationToken) ?? throw Missing(id);
        return (seen, seen.Backup.IsServer ? await BackupTable.ListChildrenAsync(session, id, cancellationToken) : []);
    }
}
