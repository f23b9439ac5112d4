using System.Text.Json;
using Strongroom.Contract.Backups;
using Strongroom.Contract.Checkpoints;
using Strongroom.Contract.Resources;
using Strongroom.Contract.Tasks;
using Strongroom.Contract.Vaults;

namespace Strongroom.Cli.Tests.Client;

/// <summary>Answers of the service, small but whole.</summary>
internal static class Shapes
{
    public const string VaultId = "0d4f7c52-8a3b-4e19-b6c7-2f5e91a0d384";
    public const string ServerId = "3a9e6b14-d07f-4c52-8b61-e5f04a9d7c28";
    public const string DiskId = "b57d0c83-1e6a-49f4-a2d8-7c39e0f6154b";
    public const string BackupId = "e2630b9f-7d14-4c8a-8f5e-a09c71d3b546";
    public const string DiskBackupId = "58f1d2c4-a6e9-4073-b8d1-0c4e9a7f3b62";
    public const string CheckpointId = "94c8a1e7-6f2d-4b05-93ea-1d7b50f8c6a2";
    public const string TaskId = "a1d85f27-3c9b-4e60-87f2-d94b06e5c713";
    private const string At = "2024-11-05T03:00:12.415902";

    public static VaultShape Vault { get; } = new()
    {
        Id = VaultId,
        Name = "web",
        Description = null,
        Resources =
        [
            new VaultResourceShape
            {
                Id = ServerId, Type = ResourceTypes.Server, Name = "web-1", AutoProtect = true, Size = 60, BackupSize = 12, BackupCount = 3,
                ProtectStatus = "available", ExtraInfo = ResourceExtraInfoShape.Empty,
            },
        ],
        ProviderId = "0daac4c5-6707-4851-97ba-169e36266b66",
        CreatedAt = At,
        ProjectId = ServiceDouble.ProjectId,
        EnterpriseProjectId = "0",
        AutoBind = false,
        BindRules = BindRulesShape.NeverSet,
        AutoExpand = false,
        SmnNotify = true,
        Threshold = 80,
        UserId = "u",
        Billing = new BillingShape
        {
            Allocated = 60, CloudType = "public", ConsistentLevel = "crash_consistent", FrozenScene = null, ChargingMode = "post_paid",
            OrderId = null, ProductId = null, ProtectType = "backup", ObjectType = "server", SpecCode = "vault.backup.server.normal",
            IsMultiAz = false, IsDoubleAz = false, Used = 12, StorageUnit = null, Status = "available", Size = 200, PartnerBpId = null,
        },
        Tags = [new TagShape("env", "prod")],
        BackupNamePrefix = null,
        DemandBilling = false,
        CbcDeleteCount = 0,
        Frozen = false,
        AvailabilityZone = "",
        SysLockSourceService = "",
        Supplier = "",
        Locked = false,
        CrossAccount = false,
        CrossAccountUrn = "",
    };

    public static string VaultReply(VaultShape vault) => JsonSerializer.Serialize(new VaultReply(vault), VaultJson.Default.VaultReply);

    public static string VaultList(int count, params VaultShape[] vaults) =>
        JsonSerializer.Serialize(new VaultListReply(vaults, count, 0, 1000), VaultJson.Default.VaultListReply);

    public static string Checkpoint(string status, params SkippedResourceShape[] skipped) => JsonSerializer.Serialize(
        new CheckpointReply(new CheckpointShape
        {
            Id = CheckpointId,
            ProjectId = ServiceDouble.ProjectId,
            Status = status,
            CreatedAt = At,
            Vault = new CheckpointVaultShape
            {
                Id = VaultId,
                Name = "web",
                ProviderId = "p",
                Resources =
                [
                    new CheckpointResourceShape
                    {
                        Id = ServerId, Name = "web-1", Type = ResourceTypes.Server, ExtraInfo = "{}", ResourceSize = "60", BackupSize = "12",
                        BackupCount = "3", ProtectStatus = "protecting",
                    },
                ],
                SkippedResources = skipped,
            },
            ExtraInfo = new CheckpointExtraInfoShape("nightly", "", -1),
        }),
        CheckpointJson.Default.CheckpointReply);

    public static string OperationLogs(params string[] ids) => JsonSerializer.Serialize(
        new OperationLogListReply(
            [
                .. ids.Select(id => new OperationLogShape
                {
                    Id = id, ProjectId = ServiceDouble.ProjectId, OperationType = "backup", Status = "running", CheckpointId = CheckpointId,
                    VaultId = VaultId, VaultName = "web", PolicyId = null, ProviderId = "p", CreatedAt = At, StartedAt = At, EndedAt = null,
                    UpdatedAt = At, ErrorInfo = new TaskErrorShape("", ""),
                    ExtraInfo = new TaskExtraInfoShape
                    {
                        Common = new TaskCommonShape(10, "req-1", id), Resource = new TaskResourceShape(ServerId, "web-1", ResourceTypes.Server),
                    },
                }),
            ],
            ids.Length, 1000, 0),
        TaskShapesJson.Default.OperationLogListReply);

    public static string TaskReply(string status, string errorMessage = "", params string[] problems) => JsonSerializer.Serialize(
        new TaskReply(new TaskShape
        {
            Id = TaskId, Kind = "backup", Status = status, Phase = "reading", Progress = 40, BytesDone = 400, BytesTotal = 1000, BytesChanged = 100,
            BytesStored = 50, Error = new TaskErrorShape(errorMessage.Length > 0 ? "BackupService.9910" : "", errorMessage),
            ProblemCount = problems.Length, Problems = problems, Attempts = 1, CancelRequested = false, VaultId = VaultId, BackupId = BackupId,
            CheckpointId = CheckpointId, Resource = new TaskResourceShape(ServerId, "web-1", ResourceTypes.Server), CreatedAt = At, StartedAt = At,
            EndedAt = null, QueuePosition = null, PolicyId = null, SlotAt = null, Notice = null,
        }),
        TaskShapesJson.Default.TaskReply);

    public static string ServerBackup() => JsonSerializer.Serialize(
        new BackupReply(Backup(BackupId, ServerId, ResourceTypes.Server) with
        {
            Children = [Backup(DiskBackupId, DiskId, ResourceTypes.Disk) with { ParentId = BackupId }],
        }),
        BackupJson.Default.BackupReply);

    public static string Restore() => JsonSerializer.Serialize(new RestoreReply(TaskId), BackupJson.Default.RestoreReply);

    private static BackupShape Backup(string id, string resourceId, string type) => new()
    {
        Id = id, Children = [], CheckpointId = CheckpointId, CreatedAt = At, Description = null, ExpiredAt = null,
        ExtendInfo = new BackupExtendInfoShape
        {
            AutoTrigger = false, Bootable = null, Progress = null, SupportedRestoreMode = "backup", SystemDisk = false, AppConsistency = null,
            ContainSystemDisk = null, Architecture = null, Incremental = true,
        },
        ImageType = "backup", Incremental = true, Name = "nightly", ParentId = null, ProjectId = ServiceDouble.ProjectId, ProtectedAt = At,
        ProviderId = "p", ResourceId = resourceId, ResourceName = "web-1", ResourceSize = 60, ResourceType = type, Status = "available",
        UpdatedAt = At, VaultId = VaultId, EnterpriseProjectId = "0",
    };
}
