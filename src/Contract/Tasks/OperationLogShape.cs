using System.Text.Json.Serialization;

namespace Strongroom.Contract.Tasks;

public sealed record OperationLogReply(OperationLogShape OperationLog);

/// <param name="Count">Matches before paging.</param>
public sealed record OperationLogListReply(IReadOnlyList<OperationLogShape> OperationLogs, long Count, int Limit, int Offset);

/// <summary>A task as CBR clients see it.</summary>
public sealed record OperationLogShape
{
    public required string Id { get; init; }

    public required string ProjectId { get; init; }

    public required string OperationType { get; init; }

    public required string Status { get; init; }

    public required string? CheckpointId { get; init; }

    public required string? VaultId { get; init; }

    public required string? VaultName { get; init; }

    public required string? PolicyId { get; init; }

    public required string ProviderId { get; init; }

    public required string CreatedAt { get; init; }

    /// <summary>Of a waiting task: when it was created, since clients expect a time.</summary>
    public required string StartedAt { get; init; }

    public required string? EndedAt { get; init; }

    public required string UpdatedAt { get; init; }

    public required TaskErrorShape ErrorInfo { get; init; }

    public required TaskExtraInfoShape ExtraInfo { get; init; }
}

/// <summary>Both empty when there is no error.</summary>
public sealed record TaskErrorShape(string Code, string Message);

/// <summary>Always the first two members, and one more by kind of task.</summary>
public sealed record TaskExtraInfoShape
{
    public required TaskCommonShape Common { get; init; }

    public required TaskResourceShape Resource { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public TaskBackupShape? Backup { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public TaskDeleteShape? Delete { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public TaskRestoreShape? Restore { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public TaskRemoveResourcesShape? RemoveResources { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public TaskVaultDeleteShape? VaultDelete { get; init; }
}

/// <param name="Progress">0 to 100.</param>
/// <param name="RequestId">Of the request that asked for it, <c>req-…</c>.</param>
public sealed record TaskCommonShape(int Progress, string RequestId, string TaskId);

/// <summary>No <c>extra_info</c>: one client types it as something else.</summary>
public sealed record TaskResourceShape(string Id, string Name, string Type);

/// <summary>No <c>incremental</c>: one client needs a string there, another a boolean.</summary>
public sealed record TaskBackupShape
{
    public required string BackupId { get; init; }

    public required string BackupName { get; init; }

    public string AppConsistencyStatus { get; init; } = "0";

    public string AppConsistencyErrorCode { get; init; } = "0";

    public string AppConsistencyErrorMessage { get; init; } = "";
}

public sealed record TaskDeleteShape(string BackupId, string BackupName);

public sealed record TaskRestoreShape(string BackupId, string BackupName, string TargetResourceId, string TargetResourceName);

public sealed record TaskRemoveResourcesShape(int FailCount, int TotalCount, IReadOnlyList<TaskResourceShape> Resources);

/// <summary>Both pairs say the same: one Terraform provider reads the second.</summary>
public sealed record TaskVaultDeleteShape(int FailCount, int TotalCount)
{
    public int FailDeleteCount => FailCount;

    public int TotalDeleteCount => TotalCount;
}
