using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.AspNetCore.Routing;
using Strongroom.Contract;
using Strongroom.Contract.Checkpoints;
using Strongroom.Contract.Vaults;
using Strongroom.Server.Backups;
using Strongroom.Server.Audit;
using Strongroom.Server.Database;
using Strongroom.Server.Http;
using Strongroom.Server.Resources;
using Strongroom.Server.Tasks;
using Strongroom.Server.Vaults;

namespace Strongroom.Server.Checkpoints;

/// <summary>Checkpoints on the wire: create and show. There is no list and no delete: a checkpoint goes with its last backup.</summary>
internal sealed class CheckpointEndpoints(MetadataDatabase database, TaskSignal signal, TimeProvider time)
{
    private const string Checkpoints = "/v3/{project_id}/checkpoints";

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapPost(Checkpoints, CreateAsync).WithAction("cbr:vaults:backup");
        routes.MapGet(Checkpoints + "/{checkpoint_id}", ShowAsync).WithAction("cbr:vaults:showCheckpoint");
    }

    private async Task CreateAsync(HttpContext context)
    {
        Caller caller = context.Caller();
        CheckpointOrder order = await BodyReader.ReadAsync(context, CheckpointOrder.Read);
        CancellationToken cancellationToken = context.RequestAborted;
        int random = RandomNumberGenerator.GetInt32(1 << 16);
        CheckpointReply reply = await database.WriteAsync(
            async session =>
            {
                Vault vault = await VaultEndpoints.RequireAsync(session, caller.ProjectId, order.VaultId, cancellationToken);
                CheckpointPlan plan = await CheckpointPlanner.PlanAsync(session, vault, order, cancellationToken);
                plan.RefuseNothing(vault);
                var start = new CheckpointStart(vault, order, plan, random, caller.RequestId, time.GetStoredNow());
                context.AuditResource(start.Checkpoint.Id.Value);
                await start.SaveAsync(session, cancellationToken);
                return await ReadAsync(session, caller.ProjectId, start.Checkpoint.Id, cancellationToken)
                    ?? throw new System.Diagnostics.UnreachableException();
            },
            cancellationToken);
        signal.Notify();
        await JsonReply.WriteAsync(context, reply, CheckpointJson.Default.CheckpointReply);
    }

    private async Task ShowAsync(HttpContext context)
    {
        string text = (string)context.Request.RouteValues["checkpoint_id"]!;
        if (!WireId.IsWellFormed(text))
            throw BodyReader.Refused($"checkpoint_id in the path must be a UUID in lower case with dashes: it is {ShownText.Quoted(text)}.");
        string projectId = context.Caller().ProjectId;
        CheckpointReply? reply = await database.ReadAsync(
            session => ReadAsync(session, projectId, new CheckpointId(text), context.RequestAborted), context.RequestAborted);
        await JsonReply.WriteAsync(
            context,
            reply ?? throw new RefusedException(ErrorCodes.CheckpointMissing, $"There is no checkpoint with id {text} in this project."),
            CheckpointJson.Default.CheckpointReply);
    }

    /// <summary>Null when there is none, or when its last backup is gone.</summary>
    private static async ValueTask<CheckpointReply?> ReadAsync(
        DbSession session, string projectId, CheckpointId id, CancellationToken cancellationToken)
    {
        Checkpoint? checkpoint = await CheckpointTable.FindAsync(session, projectId, id, cancellationToken);
        if (checkpoint is null)
            return null;
        List<Backup> backups = await BackupTable.ListOfCheckpointAsync(session, projectId, id, cancellationToken);
        if (backups.Count == 0)
            return null;
        Vault? vault = await VaultTable.FindAsync(session, projectId, checkpoint.VaultId, cancellationToken);
        return new CheckpointReply(ToShape(checkpoint, backups, vault));
    }

    private static CheckpointShape ToShape(Checkpoint checkpoint, List<Backup> backups, Vault? vault) => new()
    {
        Id = checkpoint.Id.Value,
        ProjectId = checkpoint.ProjectId,
        Status = Checkpoint.StatusOf(backups),
        CreatedAt = WireUnits.Instant(checkpoint.CreatedAt),
        Vault = new CheckpointVaultShape
        {
            Id = checkpoint.VaultId.Value,
            Name = vault?.Name ?? "",
            ProviderId = backups[0].ProviderId,
            Resources = backups.ConvertAll(backup => ToShape(backup, vault?.Find(backup.ResourceId))),
            SkippedResources = JsonSerializer.Deserialize(checkpoint.SkippedJson, CheckpointJson.Default.IReadOnlyListSkippedResourceShape)!,
        },
        ExtraInfo = new CheckpointExtraInfoShape(checkpoint.Name, checkpoint.Description ?? "", checkpoint.RetentionDays),
    };

    private static CheckpointResourceShape ToShape(Backup backup, VaultResource? binding) => new()
    {
        Id = backup.ResourceId.Value,
        Name = backup.ResourceName,
        Type = backup.ResourceType,
        ExtraInfo = binding is null ? "{}" : JsonSerializer.Serialize(binding.Disks.ToShape(), VaultJson.Default.ResourceExtraInfoShape),
        ResourceSize = WireUnits.Decimal(backup.SizeGb),
        BackupSize = WireUnits.Decimal(WireUnits.UsedMb(binding?.BackupBytes ?? backup.ChangedBytes)),
        BackupCount = WireUnits.Decimal(binding?.BackupCount ?? 1),
        ProtectStatus = binding?.Status ?? ProtectStatuses.Available,
    };
}
