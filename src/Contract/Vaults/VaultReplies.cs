using System.Text.Json.Serialization;

namespace Strongroom.Contract.Vaults;

/// <summary>Answer to create, show and update.</summary>
public sealed record VaultReply(VaultShape Vault);

/// <param name="Vaults">Newest first.</param>
/// <param name="Count">Vaults matching the filters, not the length of this page.</param>
public sealed record VaultListReply(IReadOnlyList<VaultShape> Vaults, int Count, int Offset, int Limit);

/// <summary>The ids as they were asked for, in that order.</summary>
public sealed record AddResourcesReply(IReadOnlyList<string> AddResourceIds);

public sealed record RemoveResourcesReply(IReadOnlyList<string> RemoveResourceIds);

public sealed record MigrateResourcesReply(IReadOnlyList<string> MigratedResources);

public sealed record SetResourcesReply(IReadOnlyList<string> SetResourceIds);

public sealed record BatchUpdateReply(IReadOnlyList<string> UpdatedVaultsId);

/// <summary>Both in GB, over all vaults of the project.</summary>
public sealed record SummaryReply(int Size, int UsedSize);

public sealed record StorageUsageReply(int ResourceCount, IReadOnlyList<StorageUsageShape> StorageUsage);

/// <summary>What one resource's backups take, in MB, over all vaults of the project.</summary>
public sealed record StorageUsageShape(
    string ResourceId,
    string ResourceName,
    string ResourceType,
    int BackupCount,
    int BackupSize,
    [property: JsonPropertyName("backup_size_multiaz")] int BackupSizeMultiAz);

public sealed record VaultTagsReply(IReadOnlyList<TagShape> Tags);

public sealed record ProjectTagsReply(IReadOnlyList<ProjectTagShape> Tags);

/// <param name="Values">Distinct, in order.</param>
public sealed record ProjectTagShape(string Key, IReadOnlyList<string> Values);

/// <param name="Resources">Left out when only the count was asked for.</param>
public sealed record TaggedVaultsReply(
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyList<TaggedVaultShape>? Resources,
    int TotalCount);

public sealed record TaggedVaultShape(string ResourceId, string ResourceName, VaultReply ResourceDetail, IReadOnlyList<TagShape> Tags);

/// <summary>
/// Answer to creating a vault that is paid in advance. Its members are camel case and snake case side by side, as published;
/// a top-level <c>error_code</c> of "0" is part of the success answer.
/// </summary>
public sealed record OrderReply(
    IReadOnlyList<OrderShape> Orders,
    [property: JsonPropertyName("retCode")] int RetCode,
    [property: JsonPropertyName("errText")] string ErrText,
    [property: JsonPropertyName("error_code")] string ErrorCode);

/// <param name="SubscribeResult">1: done.</param>
public sealed record OrderShape(
    [property: JsonPropertyName("cloudServiceId")] string CloudServiceId,
    [property: JsonPropertyName("orderId")] string OrderId,
    [property: JsonPropertyName("resourceId")] string ResourceId,
    [property: JsonPropertyName("subscribeResult")] int SubscribeResult);

/// <summary>Answer to a change of an order or of the charging mode.</summary>
public sealed record OrderChangeReply(
    [property: JsonPropertyName("orderId")] string OrderId,
    [property: JsonPropertyName("retCode")] int RetCode,
    [property: JsonPropertyName("retMsg")] string RetMsg);

/// <summary>The same for the deprecated <c>PUT /orders/{order_id}</c>, where <c>retCode</c> is text.</summary>
public sealed record OldOrderChangeReply(
    [property: JsonPropertyName("orderId")] string OrderId,
    [property: JsonPropertyName("retCode")] string RetCode,
    [property: JsonPropertyName("retMsg")] string RetMsg);
