using Strongroom.Contract;
using Strongroom.Contract.Vaults;
using Strongroom.Server.Http;
using Strongroom.Server.Resources;

namespace Strongroom.Server.Vaults;

/// <summary>
/// The bodies of the vault operations, member by member in the order of the API reference's tables (atlas of the vault
/// API, section 3).
/// </summary>
internal static class VaultRequests
{
    public const int SizeMaxGb = 10_485_760;

    private const int NameLengthMax = 64;
    private const int DescriptionLengthMax = 255;
    private const int ResourceNameLengthMax = 255;
    private const int BindRuleCountMax = 5;

    public static VaultCreation Creation(BodyValue body, VaultOptions limits)
    {
        BodyValue vault = body["vault"].Object();
        string name = vault["name"].Text(1, NameLengthMax, TextRule.Name);
        BodyValue billing = vault["billing"].Object();
        VaultBilling read = Billing(billing, limits, isOrder: false);
        return Creation(vault, name, billing, read, limits) with
        {
            BackupNamePrefix = vault["backup_name_prefix"].TextOrNull(0, 32, TextRule.Printable),
            DemandBilling = Only(vault["demand_billing"], read.Charging.Mode == ChargingModes.PrePaid, "can be true only for pre_paid vaults"),
            SysLockSourceService = vault["sys_lock_source_service"].WordOrNull(["", "SMB"]) ?? "",
            AvailabilityZone = vault["availability_zone"].TextOrNull(1, 32, TextRule.Printable) ?? "",
        };
    }

    /// <summary>Body of <c>POST …/vaults/order</c>: always paid in advance, and a name is made up when there is none.</summary>
    public static VaultCreation Order(BodyValue body, VaultOptions limits, string nameWhenNone)
    {
        BodyValue vault = body["vault"].Object();
        string name = vault["name"].TextOrNull(1, NameLengthMax, TextRule.Name) ?? nameWhenNone;
        BodyValue billing = vault["billing"].Object();
        VaultBilling read = Billing(billing, limits, isOrder: true);
        if (vault["parameters"].ObjectOrNull()?["combined_order"].ObjectOrNull() is { } combined)
        {
            combined["combined_order_id"].TextOrNull(0, 255, TextRule.Printable);
            combined["combined_order_ecs_num"].IntOrNull(1, 1000);
            combined["combined_order_num"].IntOrNull(1, 1000);
        }

        return Creation(vault, name, billing, read, limits);
    }

    public static VaultChange Change(BodyValue body)
    {
        BodyValue vault = body["vault"].Object();
        BodyValue? billing = vault["billing"].ObjectOrNull();
        return new VaultChange
        {
            Name = vault["name"].TextOrNull(1, NameLengthMax, TextRule.Name),
            SizeGb = billing?["size"].IntOrNull(1, SizeMaxGb),
            ConsistentLevel = billing?["consistent_level"].WordOrNull(ConsistentLevels.All),
            AutoBind = vault["auto_bind"].FlagOrNull(),
            BindRules = BindRules(vault["bind_rules"]) ?? (vault["bind_rules"].IsGiven ? [] : null),
            AutoExpand = vault["auto_expand"].FlagOrNull(),
            SmnNotify = vault["smn_notify"].FlagOrNull(),
            Threshold = vault["threshold"].IntOrNull(1, 100),
            Locked = vault["locked"].FlagOrNull(),
        };
    }

    /// <summary>Body of <c>PUT …/vaults/batch-update</c>.</summary>
    public static VaultChange NotificationChange(BodyValue body)
    {
        BodyValue vault = body["vault"].Object();
        return new VaultChange
        {
            SmnNotify = vault["smn_notify"].FlagOrNull(),
            Threshold = vault["threshold"].IntOrNull(1, 100),
        };
    }

    public static List<ResourceAddition> ResourceAdditions(BodyValue body) =>
        body["resources"].List(1, Vault.ResourceCountMax, Addition);

    public static List<ResourceId> ResourceIds(BodyValue body) =>
        body["resource_ids"].List(1, Vault.ResourceCountMax, item => new ResourceId(item.Id()));

    /// <summary>Body of <c>PUT …/set-resources</c>: which resources, and whether policies are to take them.</summary>
    public static (List<ResourceId> Ids, bool AutoProtect) Suspension(BodyValue body)
    {
        List<ResourceId> ids = ResourceIds(body);
        return (ids, body["action"].Word(["suspend", "unsuspend"]) == "unsuspend");
    }

    public static (VaultId Destination, List<ResourceId> Ids) Migration(BodyValue body) =>
        (new VaultId(body["destination_vault_id"].Id()), ResourceIds(body));

    private static VaultCreation Creation(BodyValue vault, string name, BodyValue billing, VaultBilling read, VaultOptions limits)
    {
        bool isPostPaid = read.Charging.Mode == ChargingModes.PostPaid;
        bool isLockable = read.ObjectType != ObjectTypes.Vmware;
        return new VaultCreation
        {
            Name = name,
            Billing = read,
            Resources = vault["resources"].List(0, Vault.ResourceCountMax, Addition),
            BackupPolicyId = vault["backup_policy_id"].IdOrNull(),
            Description = vault["description"].TextOrNull(0, DescriptionLengthMax, TextRule.NoAngleBrackets),
            Tags = vault["tags"].IsGiven ? TagRules.Additions(vault["tags"], limits.TagCountMax) : [],
            EnterpriseProjectId = vault["enterprise_project_id"].IsGiven ? EnterpriseProject(vault["enterprise_project_id"]) : "0",
            AutoBind = vault["auto_bind"].FlagOrNull() ?? false,
            BindRules = BindRules(vault["bind_rules"]),
            AutoExpand = Only(vault["auto_expand"], isPostPaid, "can be true only for post_paid vaults"),
            Threshold = vault["threshold"].IntOrNull(1, 100) ?? Vault.DefaultThreshold,
            SmnNotify = vault["smn_notify"].FlagOrNull() ?? true,
            Locked = Only(vault["locked"], isLockable, "can be true for any vault but VMware ones"),
        };
    }

    private static VaultBilling Billing(BodyValue billing, VaultOptions limits, bool isOrder)
    {
        string objectType = billing["object_type"].Word(ObjectTypes.All);
        string protectType = billing["protect_type"].Word(ProtectTypes.ToCreate);
        string consistentLevel = billing["consistent_level"].Word(ConsistentLevels.All);
        if (consistentLevel == ConsistentLevels.AppConsistent && objectType != ObjectTypes.Server)
            throw billing["consistent_level"].Refused("can be app_consistent only for object_type server");
        int sizeGb = billing["size"].Int(limits.SizeMinGb, SizeMaxGb);
        string cloudType = billing["cloud_type"].WordOrNull(CloudTypes.All) ?? CloudTypes.Public;
        if (cloudType != CloudTypes.Hybrid && objectType is ObjectTypes.Vmware or ObjectTypes.File)
            throw BodyReader.Refused($"{billing["cloud_type"].Path} must be hybrid for object_type {objectType}.");
        VaultCharging charging = Charging(billing, isOrder);
        billing["console_url"].TextOrNull(1, 255, TextRule.Printable);
        bool isMultiAz = billing["is_multi_az"].FlagOrNull() ?? false;
        billing["extra_info"].ObjectOrNull();
        if (objectType == ObjectTypes.Disk && protectType == ProtectTypes.Replication)
            throw new RefusedException(ErrorCodes.ProtectionUnsupported, $"{billing["protect_type"].Path} cannot be replication for object_type disk.");
        return new VaultBilling(objectType, protectType, consistentLevel, sizeGb, cloudType, charging, isMultiAz);
    }

    /// <summary>Periods count for pre_paid alone: several clients send them, and the automatic payments, with every vault.</summary>
    private static VaultCharging Charging(BodyValue billing, bool isOrder)
    {
        string mode = billing["charging_mode"].WordOrNull(ChargingModes.All) ?? (isOrder ? ChargingModes.PrePaid : ChargingModes.PostPaid);
        if (mode == ChargingModes.PostPaid)
            return isOrder ? throw billing["charging_mode"].Refused("must be pre_paid for an order") : VaultCharging.PostPaid;
        (string periodType, int periodNum) = Period(billing);
        bool isAutoRenew = billing["is_auto_renew"].FlagOrNull() ?? false;
        billing["is_auto_pay"].FlagOrNull();
        return new VaultCharging(mode, periodType, periodNum, isAutoRenew, null, null);
    }

    /// <summary>1 to 9 months or 1 to 5 years.</summary>
    public static (string Type, int Num) Period(BodyValue owner)
    {
        string type = owner["period_type"].Word(PeriodTypes.All);
        return (type, owner["period_num"].Int(1, type == PeriodTypes.Month ? 9 : 5));
    }

    private static bool Only(BodyValue flag, bool when, string rule)
    {
        bool value = flag.FlagOrNull() ?? false;
        return value && !when ? throw flag.Refused(rule) : value;
    }

    private static string EnterpriseProject(BodyValue value)
    {
        string id = value.Text(1, 36);
        return id == "0" || WireId.IsWellFormed(id) ? id : throw value.Refused("must be \"0\" or a UUID in lower case with dashes");
    }

    private static List<TagShape>? BindRules(BodyValue rules) =>
        rules.ObjectOrNull()?["tags"].ListOrNull(0, BindRuleCountMax, TagRules.Rule);

    private static ResourceAddition Addition(BodyValue item)
    {
        var id = new ResourceId(item["id"].Id());
        string type = item["type"].Word(VaultKind.ResourceTypes);
        string? name = item["name"].TextOrNull(0, ResourceNameLengthMax);
        return new ResourceAddition(id, type, name, DiskSelection.Read(item["extra_info"]));
    }
}

/// <summary>A vault as asked for.</summary>
internal sealed record VaultCreation
{
    public required string Name { get; init; }

    public required VaultBilling Billing { get; init; }

    public required IReadOnlyList<ResourceAddition> Resources { get; init; }

    public string? BackupPolicyId { get; init; }

    public string? Description { get; init; }

    public IReadOnlyList<TagShape> Tags { get; init; } = [];

    public string EnterpriseProjectId { get; init; } = "0";

    public bool AutoBind { get; init; }

    public IReadOnlyList<TagShape>? BindRules { get; init; }

    public bool AutoExpand { get; init; }

    public int Threshold { get; init; }

    public bool SmnNotify { get; init; }

    public bool Locked { get; init; }

    public string? BackupNamePrefix { get; init; }

    public bool DemandBilling { get; init; }

    public string SysLockSourceService { get; init; } = "";

    public string AvailabilityZone { get; init; } = "";

    public Vault ToVault(VaultId id, string projectId, string userId, DateTimeOffset createdAt) => new()
    {
        Id = id,
        ProjectId = projectId,
        UserId = userId,
        CreatedAt = createdAt,
        Name = Name,
        Description = Description,
        EnterpriseProjectId = EnterpriseProjectId,
        ObjectType = Billing.ObjectType,
        ProtectType = Billing.ProtectType,
        ConsistentLevel = Billing.ConsistentLevel,
        CloudType = Billing.CloudType,
        SizeGb = Billing.SizeGb,
        IsMultiAz = Billing.IsMultiAz,
        Charging = Billing.Charging,
        AutoBind = AutoBind,
        BindRules = BindRules,
        AutoExpand = AutoExpand,
        SmnNotify = SmnNotify,
        Threshold = Threshold,
        IsLocked = Locked,
        Tags = Tags,
        BackupNamePrefix = BackupNamePrefix,
        DemandBilling = DemandBilling,
        AvailabilityZone = AvailabilityZone,
        SysLockSourceService = SysLockSourceService,
    };
}

internal sealed record VaultBilling(
    string ObjectType,
    string ProtectType,
    string ConsistentLevel,
    int SizeGb,
    string CloudType,
    VaultCharging Charging,
    bool IsMultiAz);
