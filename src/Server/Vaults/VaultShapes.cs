using Strongroom.Contract;
using Strongroom.Contract.Vaults;

namespace Strongroom.Server.Vaults;

/// <summary>A vault as it goes out (atlas of the vault API, sections 8.1, 8.2 and 8.7).</summary>
internal static class VaultShapes
{
    private const int DeleteNotificationCount = 0; // nothing here is told by a billing system to delete vaults

    public static VaultShape ToShape(this Vault vault)
    {
        var resources = new VaultResourceShape[vault.Resources.Count];
        for (int i = 0; i < resources.Length; i++)
            resources[i] = ToShape(vault.Resources[i], vault.IsReplication);
        return new VaultShape
        {
            Id = vault.Id.Value,
            Name = vault.Name,
            Description = vault.Description,
            Resources = resources,
            ProviderId = vault.ProviderId,
            CreatedAt = WireUnits.Instant(vault.CreatedAt),
            ProjectId = vault.ProjectId,
            EnterpriseProjectId = vault.EnterpriseProjectId,
            AutoBind = vault.AutoBind,
            BindRules = vault.BindRules is { } rules ? new BindRulesShape { Tags = rules } : BindRulesShape.NeverSet,
            AutoExpand = vault.AutoExpand,
            SmnNotify = vault.SmnNotify,
            Threshold = vault.Threshold,
            UserId = vault.UserId,
            Billing = BillingOf(vault),
            Tags = vault.Tags,
            BackupNamePrefix = vault.BackupNamePrefix,
            DemandBilling = vault.DemandBilling,
            CbcDeleteCount = DeleteNotificationCount,
            Frozen = vault.Status == VaultStatuses.Frozen,
            AvailabilityZone = vault.AvailabilityZone,
            SysLockSourceService = vault.SysLockSourceService,
            Supplier = "",
            Locked = vault.IsLocked,
            CrossAccount = false,
            CrossAccountUrn = "",
        };
    }

    private static BillingShape BillingOf(Vault vault) => new()
    {
        Allocated = WireUnits.SumGb(vault.AllocatedGb),
        CloudType = vault.CloudType,
        ConsistentLevel = vault.ConsistentLevel,
        FrozenScene = null,
        ChargingMode = vault.Charging.Mode,
        OrderId = vault.Charging.OrderId,
        ProductId = vault.Charging.ProductId,
        ProtectType = vault.ProtectType,
        ObjectType = vault.ObjectType,
        SpecCode = vault.SpecCode,
        IsMultiAz = vault.IsMultiAz,
        IsDoubleAz = false,
        Used = WireUnits.UsedMb(vault.UsedBytes),
        StorageUnit = null,
        Status = vault.Status,
        Size = WireUnits.SumGb(vault.SizeGb),
        PartnerBpId = null,
    };

    private static VaultResourceShape ToShape(VaultResource resource, bool isReplica) => new()
    {
        Id = resource.Id.Value,
        Type = resource.Type,
        Name = resource.Name,
        AutoProtect = resource.AutoProtect,
        Size = WireUnits.SumGb(resource.SizeGb),
        BackupSize = WireUnits.UsedMb(resource.BackupBytes),
        BackupCount = resource.BackupCount,
        ProtectStatus = isReplica ? null : resource.Status,
        ExtraInfo = isReplica ? null : resource.Disks.ToShape(),
    };
}
