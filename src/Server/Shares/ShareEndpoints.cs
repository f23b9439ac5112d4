using Microsoft.AspNetCore.Routing;
using Strongroom.Contract;
using Strongroom.Contract.Shares;
using Strongroom.Server.Backups;
using Strongroom.Server.Database;
using Strongroom.Server.Http;
using Strongroom.Server.Identity;
using Strongroom.Server.Vaults;

namespace Strongroom.Server.Shares;

/// <summary>
/// Sharing backups with other projects (atlas of backups, sections 5 and 21). The owner adds and removes members and sees
/// them all; a recipient sees its own record and nothing of the others, and answers it. A member goes by its project's id.
/// </summary>
internal sealed class ShareEndpoints(MetadataDatabase database, TimeProvider time)
{
    private const string Members = BackupEndpoints.OneBackup + "/members";
    private const string OneMember = Members + "/{member_id}";

    private static readonly IReadOnlyList<ShareStatus> Any = [ShareStatus.Pending, ShareStatus.Accepted, ShareStatus.Rejected];

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapPost(Members, AddAsync).WithAction("cbr:member:create");
        routes.MapGet(Members, ListAsync).WithAction("cbr:member:list");
        routes.MapGet(OneMember, ShowAsync).WithAction("cbr:member:get");
        routes.MapPut(OneMember, AnswerAsync).WithAction("cbr:member:update");
        routes.MapDelete(OneMember, RemoveAsync).WithAction("cbr:member:delete");
    }

    internal static List<string> ReadRecipients(BodyValue body) => body["members"].List(1, Share.CountMax, member => member.Text(0, 255));

    private async Task AddAsync(HttpContext context)
    {
        string projectId = context.Caller().ProjectId;
        BackupId id = BackupEndpoints.PathBackup(context);
        List<string> recipients = await BodyReader.ReadAsync(context, ReadRecipients);
        CancellationToken cancellationToken = context.RequestAborted;
        DateTimeOffset now = time.GetStoredNow();
        List<Share> added = await database.WriteAsync(
            async session =>
            {
                Backup backup = await BackupEndpoints.RequireOwnAsync(session, projectId, id, cancellationToken);
                Share.RefuseUnlessShareable(backup, await VaultTable.FindAsync(session, projectId, backup.VaultId, cancellationToken));
                await RefuseUnknownAsync(session, projectId, recipients, cancellationToken);
                RefuseRepeated(id, recipients, await ShareTable.ListRecipientsAsync(session, id, cancellationToken));
                List<Share> shares = recipients.ConvertAll(
                    recipient => new Share { Id = ShareId.New(), BackupId = id, ProjectId = recipient, CreatedAt = now });
                foreach (Share share in shares)
                    await ShareTable.InsertAsync(session, share, cancellationToken);
                return shares;
            },
            cancellationToken);
        var reply = new MemberListReply(added.ConvertAll(share => share.ToShape()), added.Count);
        await JsonReply.WriteAsync(context, reply, MemberJson.Default.MemberListReply);
    }

    private async Task ListAsync(HttpContext context)
    {
        string projectId = context.Caller().ProjectId;
        BackupId id = BackupEndpoints.PathBackup(context);
        var query = new ShareQuery(context.Request);
        CancellationToken cancellationToken = context.RequestAborted;
        MemberListReply reply = await database.ReadAsync(
            async session =>
            {
                SeenBackup backup = await BackupTable.FindSeenAsync(session, projectId, id, Any, cancellationToken) ?? throw BackupEndpoints.Missing(id);
                Sql seen = $"backup_id = {id}";
                if (!backup.IsOwn)
                    seen = $"{seen} and dest_project_id = {projectId}";
                if (query.Marker is { } marker && await ShareTable.CountAsync(session, $"{seen} and id = {marker}", cancellationToken) == 0)
                    throw BodyReader.Refused($"marker must be the id of a member record of this backup: there is none with id {marker}.");
                Sql filter = query.Filter(seen);
                long count = await ShareTable.CountAsync(session, filter, cancellationToken);
                if (query.Marker is not null)
                    filter = $"{filter} and {query.Order.After(query.Marker)}";
                List<Share> page = await ShareTable.ListAsync(
                    session, filter, query.Order.OrderBy(), query.Limit, query.Offset, cancellationToken);
                return new MemberListReply(page.ConvertAll(share => share.ToShape()), count);
            },
            cancellationToken);
        await JsonReply.WriteAsync(context, reply, MemberJson.Default.MemberListReply);
    }

    private async Task ShowAsync(HttpContext context)
    {
        string projectId = context.Caller().ProjectId;
        BackupId id = BackupEndpoints.PathBackup(context);
        string memberId = PathMember(context);
        Share share = await database.ReadAsync(
            async session =>
            {
                SeenBackup backup = await BackupTable.FindSeenAsync(session, projectId, id, Any, context.RequestAborted) ?? throw BackupEndpoints.Missing(id);
                return backup.IsOwn || memberId == projectId
                    ? await RequireAsync(session, id, memberId, context.RequestAborted)
                    : throw Missing(id, memberId);
            },
            context.RequestAborted);
        await ReplyAsync(context, share);
    }

    /// <summary>The recipient accepts, moves to another vault of its own, or rejects. An acceptance may be repeated.</summary>
    private async Task AnswerAsync(HttpContext context)
    {
        string projectId = context.Caller().ProjectId;
        BackupId id = BackupEndpoints.PathBackup(context);
        string memberId = PathMember(context);
        ShareAnswer answer = await BodyReader.ReadAsync(context, ShareAnswer.Read);
        CancellationToken cancellationToken = context.RequestAborted;
        Share share = await database.WriteAsync(
            async session =>
            {
                SeenBackup seen = await BackupTable.FindSeenAsync(session, projectId, id, Any, cancellationToken) ?? throw BackupEndpoints.Missing(id);
                if (!seen.IsOwn && memberId != projectId)
                    throw Missing(id, memberId);
                Share share = await RequireAsync(session, id, memberId, cancellationToken);
                if (seen.IsOwn)
                    throw new RefusedException(ErrorCodes.ShareChangeFailed, $"Only project {memberId} itself can accept or reject backup {id}.");
                if (answer.VaultId is { } vaultId && seen.VaultId != vaultId)
                {
                    Vault vault = await VaultEndpoints.RequireAsync(session, projectId, vaultId, cancellationToken);
                    Share.RefuseUnfit(seen.Backup, vault);
                }
                else if (answer.IsAccepted)
                {
                    return share;
                }

                ShareStatus status = answer.IsAccepted ? ShareStatus.Accepted : ShareStatus.Rejected;
                await ShareTable.AnswerAsync(session, share.Id, status, answer.VaultId, time.GetStoredNow(), cancellationToken);
                return await RequireAsync(session, id, memberId, cancellationToken);
            },
            cancellationToken);
        await ReplyAsync(context, share);
    }

    /// <summary>The owner takes a share back, whatever its status: the recipient sees the backup no more. A restore that runs already ends as it began.</summary>
    private async Task RemoveAsync(HttpContext context)
    {
        string projectId = context.Caller().ProjectId;
        BackupId id = BackupEndpoints.PathBackup(context);
        string memberId = PathMember(context);
        await database.WriteAsync(
            async session =>
            {
                await BackupEndpoints.RequireOwnAsync(session, projectId, id, context.RequestAborted);
                Share share = await RequireAsync(session, id, memberId, context.RequestAborted);
                await ShareTable.DeleteAsync(session, share.Id, context.RequestAborted);
            },
            context.RequestAborted);
        JsonReply.NoContent(context);
    }

    private static async ValueTask RefuseUnknownAsync(
        DbSession session, string ownerId, List<string> recipients, CancellationToken cancellationToken)
    {
        foreach (string recipient in recipients)
        {
            if (!WireId.IsProject(recipient))
                throw new RefusedException(ErrorCodes.ShareProjectInvalid, $"members: {ShownText.Quoted(recipient)} is no project id; it has 32 hexadecimal digits.");
            if (recipient == ownerId)
                throw new RefusedException(ErrorCodes.ShareProjectInvalid, $"members: {recipient} is the project the backup belongs to.");
            if (await ProjectTable.FindAsync(session, recipient, cancellationToken) is not { Enabled: true })
                throw new RefusedException(ErrorCodes.ShareProjectInvalid, $"members: there is no project {recipient}.");
        }
    }

    private static void RefuseRepeated(BackupId id, List<string> recipients, List<string> known)
    {
        foreach (string recipient in recipients)
        {
            if (known.Contains(recipient))
                throw new RefusedException(ErrorCodes.AlreadyShared, $"Backup {id} is shared with project {recipient} already.");
            if (recipients.Count(other => other == recipient) > 1)
                throw new RefusedException(ErrorCodes.AlreadySharedToMember, $"members names project {recipient} twice.");
        }

        if (known.Count + recipients.Count > Share.CountMax)
        {
            throw new RefusedException(
                ErrorCodes.ShareCountExceeded, $"Backup {id} is shared with {known.Count} projects; with {recipients.Count} more it would exceed {Share.CountMax}.");
        }
    }

    private static string PathMember(HttpContext context)
    {
        string text = (string)context.Request.RouteValues["member_id"]!;
        return WireId.IsProject(text)
            ? text
            : throw BodyReader.Refused($"member_id in the path must be the id of a project, 32 hexadecimal digits: it is {ShownText.Quoted(text)}.");
    }

    private static async ValueTask<Share> RequireAsync(DbSession session, BackupId id, string memberId, CancellationToken cancellationToken) =>
        await ShareTable.FindAsync(session, id, memberId, cancellationToken) ?? throw Missing(id, memberId);

    private static RefusedException Missing(BackupId id, string memberId) =>
        new(ErrorCodes.MemberMissing, $"Backup {id} is not shared with project {memberId}.");

    private static Task ReplyAsync(HttpContext context, Share share) =>
        JsonReply.WriteAsync(context, new MemberReply(share.ToShape()), MemberJson.Default.MemberReply);
}
