using Strongroom.Contract;
using Strongroom.Contract.Shares;
using Strongroom.Contract.Vaults;
using Strongroom.Server.Backups;
using Strongroom.Server.Database;
using Strongroom.Server.Vaults;

namespace Strongroom.Server.Shares;

public readonly record struct ShareId(string Value) : IStoredAsText
{
    public string StoredText => Value;

    public static ShareId New() => new(Guid.NewGuid().ToString());

    public override string ToString() => Value;
}

public enum ShareStatus
{
    Pending,
    Accepted,
    Rejected,
}

/// <summary>
/// A backup shown to another project, which it may accept into a vault of its own and then restore from. The data stays where
/// it is, and counts where it is. Rules: atlas of backups, section 21.
/// </summary>
internal sealed record Share
{
    /// <summary>Projects one backup is shared with.</summary>
    public const int CountMax = 10;

    public required ShareId Id { get; init; }

    public required BackupId BackupId { get; init; }

    /// <summary>The recipient.</summary>
    public required string ProjectId { get; init; }

    public ShareStatus Status { get; init; } = ShareStatus.Pending;

    /// <summary>The recipient's vault; of a rejected share the deleted one it was in, if any.</summary>
    public VaultId? VaultId { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset? UpdatedAt { get; init; }

    public MemberShape ToShape() => new(
        Id.Value,
        BackupId.Value,
        ProjectId,
        WireWord.Of(Status),
        Status == ShareStatus.Accepted ? VaultId?.Value : null,
        ImageId: null,
        WireUnits.Instant(CreatedAt),
        UpdatedAt is { } updatedAt ? WireUnits.Instant(updatedAt) : null);

    /// <summary>Whether its owner may share a backup now.</summary>
    /// <param name="vault">The one it is in.</param>
    public static void RefuseUnlessShareable(Backup backup, Vault? vault)
    {
        if (backup.ParentId is { } parentId)
            throw new RefusedException(ErrorCodes.ShareKindRefused, $"Backup {backup.Id} is one disk of backup {parentId}: share that one.");
        if (!backup.IsServer && !backup.IsDisk)
            throw new RefusedException(ErrorCodes.ShareKindRefused, $"Backup {backup.Id} is of {backup.ResourceType}: only backups of servers and disks can be shared.");
        if (backup.Status != BackupStatus.Available)
        {
            throw new RefusedException(
                ErrorCodes.ShareBackupUnavailable, $"Backup {backup.Id} is in status {WireWord.Of(backup.Status)}: only an available one can be shared.");
        }

        if (vault?.Status is not (VaultStatuses.Available or VaultStatuses.Lock))
            throw new RefusedException(ErrorCodes.ShareVaultStatusForbids, $"Vault {backup.VaultId} is {vault?.Status ?? "gone"}: it must be available to share from it.");
    }

    /// <summary>Whether the recipient's vault can take a backup that was shared.</summary>
    public static void RefuseUnfit(Backup backup, Vault vault)
    {
        if (!VaultKind.Takes(vault.ObjectType, backup.ResourceType) || vault.ProtectType != ProtectTypes.Backup)
        {
            throw new RefusedException(
                ErrorCodes.VaultTypeDiffers,
                $"Vault {vault.Id} is for {vault.ProtectType} of {vault.ObjectType}, backup {backup.Id} is of {backup.ResourceType}: choose a backup vault for that type.");
        }

        if (vault.Status is not (VaultStatuses.Available or VaultStatuses.Lock))
            throw new RefusedException(ErrorCodes.ShareVaultStatusForbids, $"Vault {vault.Id} is {vault.Status}: it must be available to accept a backup into it.");
        if (vault.DemandBilling || vault.AutoExpand)
            return;
        long freeBytes = (vault.SizeGb * WireUnits.BytesPerGb) - vault.UsedBytes;
        if (freeBytes < backup.SizeGb * WireUnits.BytesPerGb)
        {
            throw new RefusedException(
                ErrorCodes.ShareChangeFailed,
                $"Vault {vault.Id} has {Math.Max(0, freeBytes / WireUnits.BytesPerGb)} GB free, backup {backup.Id} is of {backup.SizeGb} GB: choose one with more room.");
        }
    }
}
