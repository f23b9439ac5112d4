using Strongroom.Contract;
using Strongroom.Contract.Vaults;
using Strongroom.Server.Resources;

namespace Strongroom.Server.Vaults;

/// <summary>A vault and the rules that need nothing but it. What may enter it is in <see cref="ResourceBinding"/>.</summary>
internal sealed record Vault
{
    /// <summary>Bound resources, of the vault as a whole and in one request.</summary>
    public const int ResourceCountMax = 256;

    public const int DefaultThreshold = 80;

    public required VaultId Id { get; init; }

    public required string ProjectId { get; init; }

    public required string Name { get; init; }

    public string? Description { get; init; }

    public string EnterpriseProjectId { get; init; } = "0";

    /// <summary>Who made it.</summary>
    public required string UserId { get; init; }

    public required string ObjectType { get; init; }

    public required string ProtectType { get; init; }

    public required string ConsistentLevel { get; init; }

    public string CloudType { get; init; } = CloudTypes.Public;

    public bool IsMultiAz { get; init; }

    /// <summary>One of <see cref="VaultStatuses"/>.</summary>
    public string Status { get; init; } = VaultStatuses.Available;

    public required long SizeGb { get; init; }

    /// <summary>What all backups in it amount to, those of resources that have left included.</summary>
    public long UsedBytes { get; init; }

    public long BackupCount { get; init; }

    public bool AutoBind { get; init; }

    /// <summary>Null until rules were first set; they may then be set to none.</summary>
    public IReadOnlyList<TagShape>? BindRules { get; init; }

    public bool AutoExpand { get; init; }

    /// <summary>The size last grew by itself, and nobody set it since.</summary>
    public bool IsAutoExpanded { get; init; }

    public bool SmnNotify { get; init; } = true;

    /// <summary>Percent of used to size from which users are told.</summary>
    public int Threshold { get; init; } = DefaultThreshold;

    /// <summary>Write once, read many.</summary>
    public bool IsLocked { get; init; }

    public IReadOnlyList<TagShape> Tags { get; init; } = [];

    public string? BackupNamePrefix { get; init; }

    public bool DemandBilling { get; init; }

    public string AvailabilityZone { get; init; } = "";

    public string SysLockSourceService { get; init; } = "";

    public VaultCharging Charging { get; init; } = VaultCharging.PostPaid;

    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>Grows with every change of anything clients see of the vault.</summary>
    public long Version { get; init; }

    /// <summary>In the order they were added.</summary>
    public IReadOnlyList<VaultResource> Resources { get; init; } = [];

    public bool IsReplication => ProtectType == ProtectTypes.Replication;

    public bool IsPrePaid => Charging.Mode == ChargingModes.PrePaid;

    public string ProviderId => VaultKind.ProviderId(ObjectType, CloudType);

    public string SpecCode => VaultKind.SpecCode(ObjectType, ProtectType, ConsistentLevel, CloudType);

    /// <summary>What its resources take of its size; replication vaults reserve nothing.</summary>
    public long AllocatedGb => IsReplication ? 0 : Resources.Sum(resource => resource.SizeGb);

    public VaultResource? Find(ResourceId id) => Resources.FirstOrDefault(resource => resource.Id == id);

    /// <summary>A vault takes changes while it is well or its capacity is being changed.</summary>
    public bool IsWritable => Status is VaultStatuses.Available or VaultStatuses.Lock;

    /// <param name="what">What is refused otherwise: "its tags cannot be changed".</param>
    public void RefuseUnlessWritable(string what)
    {
        if (!IsWritable)
            throw StatusForbids(what);
    }

    public void RefuseUnlessBindable() => RefuseUnlessWritable("its resources cannot be changed");

    /// <summary>The vault after a change of its settings.</summary>
    /// <param name="change">What was asked for.</param>
    /// <param name="takenBytes">What backups that are being committed will add to it.</param>
    public Vault Changed(VaultChange change, long takenBytes)
    {
        RefuseUnlessWritable("it cannot be changed");
        if (change.Locked == false && IsLocked)
            throw new RefusedException(ErrorCodes.VaultNotChangeable, "vault not support to modify locked attribute from true to false.");
        if (change.Locked == true && ObjectType == ObjectTypes.Vmware)
            throw new RefusedException(ErrorCodes.VaultNotChangeable, $"Vault {Id}: VMware vaults cannot be locked.");
        bool autoExpand = change.AutoExpand ?? AutoExpand;
        if (autoExpand && IsPrePaid)
            throw new RefusedException(ErrorCodes.VaultNotChangeable, $"Vault {Id} is pre_paid: only post_paid vaults grow by themselves (auto_expand).");
        (long sizeGb, bool isAutoExpanded) = Resized(change.SizeGb, autoExpand, takenBytes);
        return this with
        {
            Name = change.Name ?? Name,
            SizeGb = sizeGb,
            IsAutoExpanded = isAutoExpanded,
            ConsistentLevel = Consistent(change.ConsistentLevel),
            AutoBind = change.AutoBind ?? AutoBind,
            BindRules = change.BindRules ?? BindRules,
            AutoExpand = autoExpand,
            SmnNotify = change.SmnNotify ?? SmnNotify,
            Threshold = change.Threshold ?? Threshold,
            IsLocked = change.Locked ?? IsLocked,
        };
    }

    public void RefuseUnlessDeletable()
    {
        if (Status is VaultStatuses.Deleting or VaultStatuses.Lock)
            throw StatusForbids("it cannot be deleted");
        if (IsPrePaid)
        {
            throw new RefusedException(
                ErrorCodes.VaultNotDeletable, $"Vault {Id} is pre_paid: it ends with its subscription. Unsubscribe from order {Charging.OrderId} instead.");
        }

        if (IsLocked && BackupCount > 0)
            throw new RefusedException(ErrorCodes.VaultNotDeletable, $"Vault {Id} is locked and holds {BackupCount} backups: they have to expire first.");
        foreach (VaultResource resource in Resources)
        {
            if (resource.Status is ProtectStatuses.Protecting or ProtectStatuses.Restoring)
                throw Busy(resource);
        }
    }

    /// <summary>The bindings to remove, in the order they were asked for, each once.</summary>
    /// <param name="ids">What was asked for.</param>
    /// <param name="departed">Those among them that were taken out before: asking again changes nothing.</param>
    public List<VaultResource> RemovableResources(IReadOnlyList<ResourceId> ids, IReadOnlySet<ResourceId> departed)
    {
        RefuseUnlessBindable();
        if (IsLocked)
            throw new RefusedException(ErrorCodes.VaultNotChangeable, $"Vault {Id} is locked: resources cannot leave it.");
        var leaving = new List<VaultResource>(ids.Count);
        foreach (ResourceId id in ids.Distinct())
        {
            if (departed.Contains(id) && Find(id) is null)
                continue;
            VaultResource resource = Settled(id);
            if (resource.Status is ProtectStatuses.Protecting or ProtectStatuses.Restoring)
                throw Busy(resource);
            leaving.Add(resource);
        }

        return leaving;
    }

    /// <summary>A resource that is in the vault and not on its way out.</summary>
    public VaultResource Settled(ResourceId id)
    {
        VaultResource resource = Find(id) ?? throw new RefusedException(ErrorCodes.ResourceNotInVault, $"Resource {id} is not in vault {Id}.");
        return resource.Status != ProtectStatuses.Removing
            ? resource
            : throw new RefusedException(ErrorCodes.ResourceBeingRemoved, $"Resource {id} is being removed from vault {Id}: wait until it is gone.");
    }

    private RefusedException StatusForbids(string what) =>
        new(ErrorCodes.VaultStatusForbids, $"Vault {Id} is in status {Status}: {what}.");

    private static RefusedException Busy(VaultResource resource) => new(
        ErrorCodes.BackupRunning,
        $"A {(resource.Status == ProtectStatuses.Protecting ? "backup" : "restore")} of resource {resource.Id} is running: wait until it ends.");

    private (long SizeGb, bool IsAutoExpanded) Resized(int? wantedGb, bool autoExpand, long takenBytes)
    {
        if (wantedGb is not { } sizeGb || sizeGb == SizeGb)
            return (SizeGb, IsAutoExpanded);

        // A tool that keeps sending the size it once set must not shrink what has grown by itself since.
        if (IsAutoExpanded && autoExpand && sizeGb < SizeGb)
            return (SizeGb, IsAutoExpanded);
        if (Status == VaultStatuses.Lock)
            throw new RefusedException(ErrorCodes.VaultExpansionPending, $"Vault {Id} is in status lock: its capacity is being changed already.");
        if (IsPrePaid)
            throw new RefusedException(ErrorCodes.VaultNotChangeable, $"Vault {Id} is pre_paid: change its size through its order.");
        if (sizeGb < AllocatedGb)
            throw TooSmall(sizeGb, $"its resources take {AllocatedGb} GB");
        int usedGb = WireUnits.UsedGb(UsedBytes + takenBytes);
        return sizeGb < usedGb ? throw TooSmall(sizeGb, $"its backups take {usedGb} GB") : (sizeGb, false);
    }

    private RefusedException TooSmall(int sizeGb, string why) =>
        new(ErrorCodes.VaultSizeInvalid, $"Vault {Id} cannot have {sizeGb} GB: {why}.");

    private string Consistent(string? wanted)
    {
        if (wanted is null || wanted == ConsistentLevel)
            return ConsistentLevel;
        if (wanted == ConsistentLevels.CrashConsistent)
            throw new RefusedException(ErrorCodes.VaultNotChangeable, $"Vault {Id} is app_consistent: it cannot go back to crash_consistent.");
        return ObjectType == ObjectTypes.Server
            ? wanted
            : throw new RefusedException(ErrorCodes.ParameterInvalid, $"vault.billing.consistent_level can be app_consistent only for servers; vault {Id} holds {ObjectType}.");
    }
}

/// <summary>How a vault is paid for. Nothing here charges anybody: it is kept and shown.</summary>
/// <param name="Mode">One of <see cref="ChargingModes"/>.</param>
/// <param name="PeriodType">Null when post_paid.</param>
internal sealed record VaultCharging(string Mode, string? PeriodType, int PeriodNum, bool IsAutoRenew, string? OrderId, string? ProductId)
{
    public static VaultCharging PostPaid { get; } = new(ChargingModes.PostPaid, null, 0, false, null, null);
}

/// <summary>What an update asks for; null leaves a setting as it is.</summary>
internal sealed record VaultChange
{
    public string? Name { get; init; }

    public int? SizeGb { get; init; }

    public string? ConsistentLevel { get; init; }

    public bool? AutoBind { get; init; }

    public IReadOnlyList<TagShape>? BindRules { get; init; }

    public bool? AutoExpand { get; init; }

    public bool? SmnNotify { get; init; }

    public int? Threshold { get; init; }

    public bool? Locked { get; init; }
}
