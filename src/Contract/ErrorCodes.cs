namespace Strongroom.Contract;

/// <summary>
/// Every refusal this service can answer, one line each. Codes and statuses are those of the CBR API Reference, "Error
/// Codes" (Open Telekom Cloud and Huawei Cloud, read 2026-01); the words beside them are ours. Codes of the original that
/// stand for something this service does not have (disaster recovery, agents, SCSI disks) are left out.
/// </summary>
public static class ErrorCodes
{
    // Before the service: the gateway's own codes.
    public static readonly ErrorCode NotAuthenticated = new("APIG.0301", 401);
    public static readonly ErrorCode NotAllowed = new("APIG.0302", 403); // a role or scope that does not reach so far
    public static readonly ErrorCode RouteUnknown = new("APIG.0101", 404);
    public static readonly ErrorCode MethodUnknown = new("APIG.0101", 405);
    public static readonly ErrorCode Throttled = new("APIG.0308", 429);

    // The request itself.
    public static readonly ErrorCode ParameterInvalid = Service(9900, 400); // shape, type, pattern, enum or range
    public static readonly ErrorCode IdempotencyKeyReused = ParameterInvalid with { Status = 409 }; // ours: with another request, or its answer is lost
    public static readonly ErrorCode NotPermitted = Service(8600, 403); // the account may not buy; roles are the gateway's matter
    public static readonly ErrorCode Unknown = Service(9910, 500);
    public static readonly ErrorCode InternalAuthenticationFailed = Service(9998, 500);

    // Vaults.
    public static readonly ErrorCode VaultMissing = Service(6105, 404);
    public static readonly ErrorCode VaultResourceCountExceeded = Service(6100, 400); // over 256 in the vault as a whole
    public static readonly ErrorCode VaultSizeInvalid = Service(6101, 400); // too small for what is in it
    public static readonly ErrorCode ResourceTypeUnfit = Service(6102, 400); // not for this vault's object_type
    public static readonly ErrorCode ResourceInOtherVault = Service(6103, 400);
    public static readonly ErrorCode ResourceNamedTwice = Service(6104, 400);
    public static readonly ErrorCode OrderMissing = Service(6109, 400);
    public static readonly ErrorCode VaultNotChangeable = Service(6110, 400);
    public static readonly ErrorCode VaultNotDeletable = Service(6111, 400); // pre_paid, or locked with backups
    public static readonly ErrorCode VaultStatusForbids = Service(6112, 400);
    public static readonly ErrorCode VaultStatusForbidsBackup = Service(6113, 400);
    public static readonly ErrorCode VaultFull = Service(6114, 400);
    public static readonly ErrorCode ProtectionUnsupported = Service(6116, 400); // resource type or protect_type
    public static readonly ErrorCode DestinationVaultCheckFailed = Service(6118, 400);
    public static readonly ErrorCode DestinationVaultTakesNoReplicas = Service(6119, 400);
    public static readonly ErrorCode DestinationVaultMissing = Service(6120, 400);
    public static readonly ErrorCode VaultExpansionPending = Service(6123, 400);
    public static readonly ErrorCode VaultTypeNotBackedUp = Service(6124, 400);
    public static readonly ErrorCode BackupTaskRunning = Service(6125, 400);
    public static readonly ErrorCode DestinationVaultFull = Service(6129, 400);
    public static readonly ErrorCode VaultCountExceeded = Service(6133, 400);
    public static readonly ErrorCode ResourceBeingRemoved = Service(6134, 400);
    public static readonly ErrorCode ResourceNotInVault = Service(6135, 400);
    public static readonly ErrorCode DiskProtectedTwice = Service(6137, 500); // a server's disk already in another vault
    public static readonly ErrorCode VaultTypeDiffers = Service(6713, 400);

    // Policies.
    public static readonly ErrorCode PolicyMissing = Service(6000, 404);
    public static readonly ErrorCode PolicyCountExceeded = Service(6001, 400);
    public static readonly ErrorCode PolicyNotBound = Service(6002, 404);
    public static readonly ErrorCode PolicyRegionFixed = Service(6003, 400);
    public static readonly ErrorCode PolicyTypeUnknown = Service(6117, 400);
    public static readonly ErrorCode ResourceTypeNotReplicated = Service(6122, 400);
    public static readonly ErrorCode PolicyUnfit = Service(6127, 400);
    public static readonly ErrorCode VaultTypeNotReplicated = Service(6128, 400);
    public static readonly ErrorCode HybridVaultTakesNoPolicy = Service(6136, 400);

    // Backups, restore points and tasks.
    public static readonly ErrorCode NothingToBackUp = Service(1, 400);
    public static readonly ErrorCode VaultBusy = Service(1001, 400); // a backup of this vault is running
    public static readonly ErrorCode BackupMissing = Service(6200, 404);
    public static readonly ErrorCode BackupNotDeletable = Service(6201, 400);
    public static readonly ErrorCode VaultNotRestorable = Service(6202, 400);
    public static readonly ErrorCode BackupRunning = Service(6203, 400);
    public static readonly ErrorCode BackupMetadataUnavailable = Service(6206, 400);
    public static readonly ErrorCode ResourceStateForbidsBackup = Service(6215, 400);
    public static readonly ErrorCode BackupInUse = Service(6216, 400);
    public static readonly ErrorCode CheckpointMissing = Service(6217, 404);
    public static readonly ErrorCode BackupLocked = Service(6220, 400); // policy-made, in a locked vault
    public static readonly ErrorCode OperationLogMissing = Service(6500, 404);
    public static readonly ErrorCode TaskMissing = Service(6501, 404);

    // Restore.
    public static readonly ErrorCode RestoreTargetTooSmall = Service(2001, 400);
    public static readonly ErrorCode RestoreSourceBusy = Service(2002, 400);
    public static readonly ErrorCode RestoreElsewhereRefused = Service(2003, 400);
    public static readonly ErrorCode BackupStatusForbidsRestore = Service(2005, 400);
    public static readonly ErrorCode RestoreRunning = Service(2010, 400);
    public static readonly ErrorCode DiskStateForbidsRestore = Service(2011, 400);
    public static readonly ErrorCode DisksNotRestorable = Service(2012, 400);

    // Resources.
    public static readonly ErrorCode ResourceMissing = Service(6302, 404); // the message carries the id: clients look for it
    public static readonly ErrorCode DiskMissing = Service(7000, 404);
    public static readonly ErrorCode DiskStateForbidsBackup = Service(7003, 400);
    public static readonly ErrorCode DiskInVault = Service(7006, 400);
    public static readonly ErrorCode ServerMissing = Service(7100, 404);
    public static readonly ErrorCode ServerHasNoDisk = Service(7108, 400);

    // Tags.
    public static readonly ErrorCode TagCountExceeded = Service(6600, 400);
    public static readonly ErrorCode TagMissing = Service(6601, 404);

    // Sharing.
    public static readonly ErrorCode ShareKindRefused = Service(6700, 400);
    public static readonly ErrorCode ShareCountExceeded = Service(6701, 400);
    public static readonly ErrorCode ShareBackupUnavailable = Service(6702, 400);
    public static readonly ErrorCode AlreadyShared = Service(6703, 400);
    public static readonly ErrorCode ShareProjectInvalid = Service(6704, 400);
    public static readonly ErrorCode MemberMissing = Service(6705, 404);
    public static readonly ErrorCode MemberValueInvalid = Service(6706, 400);
    public static readonly ErrorCode ShareRefused = Service(6707, 400); // the recipient only reads
    public static readonly ErrorCode ShareChangeFailed = Service(6708, 400);
    public static readonly ErrorCode ShareVaultStatusForbids = Service(6712, 400);
    public static readonly ErrorCode AlreadySharedToMember = Service(6714, 400);

    // What this installation does not have.
    public static readonly ErrorCode DestinationUnsupported = Service(1011, 400); // no copies at another site
    public static readonly ErrorCode MigrationMissing = Service(4001, 404);
    public static readonly ErrorCode SyncUnsupported = Service(7300, 400); // no storage on premises
    public static readonly ErrorCode AgentIdInvalid = Service(7403, 400);
    public static readonly ErrorCode AgentMissing = Service(7410, 404);

    private static ErrorCode Service(int number, int status) => new($"BackupService.{number:D4}", status);
}
