using System.Data.Common;
using System.Text.Json;
using Strongroom.Contract.Vaults;
using Strongroom.Server.Database;
using Strongroom.Server.Resources;

namespace Strongroom.Server.Vaults;

/// <summary>How vaults and their bindings are read and stored.</summary>
internal static partial class VaultTable
{
    private const int BindingColumn = 35;

    // What Read and ReadBinding take, in their order; the binding's columns are null for a vault without resources.
    private static Sql Columns =>
        $"""
        v.id, v.project_id, v.name, v.description, v.enterprise_project_id, v.user_id, v.object_type, v.protect_type,
        v.consistent_level, v.cloud_type, v.is_multi_az, v.status, v.size_gb, v.used_bytes, v.backup_count, v.auto_bind,
        v.bind_rules, v.auto_expand, v.auto_expanded, v.smn_notify, v.threshold, v.locked, v.tags, v.backup_name_prefix,
        v.demand_billing, v.availability_zone, v.sys_lock_source_service, v.charging_mode, v.period_type, v.period_num,
        v.is_auto_renew, v.order_id, v.product_id, v.created_at, v.version,
        r.resource_id, r.type, r.name, r.position, r.auto_protect, r.size_gb, r.backup_bytes, r.backup_count,
        r.protect_status, r.extra_info, r.added_at
        """;

    private static async ValueTask<List<Vault>> ReadAsync(
        DbSession session, Sql sql, CancellationToken cancellationToken)
    {
        var vaults = new List<Vault>();
        List<VaultResource> resources = [];
        await session.ForEachAsync(
            sql,
            row =>
            {
                if (vaults.Count == 0 || vaults[^1].Id.Value != row.GetString(0))
                {
                    resources = [];
                    vaults.Add(Read(row, resources));
                }

                if (!row.IsDBNull(BindingColumn))
                    resources.Add(ReadBinding(row));
            },
            cancellationToken);
        return vaults;
    }

    private static Vault Read(DbDataReader row, List<VaultResource> resources) => new()
    {
        Id = new VaultId(row.GetString(0)),
        ProjectId = row.GetString(1),
        Name = row.GetString(2),
        Description = row.GetTextOrNull(3),
        EnterpriseProjectId = row.GetString(4),
        UserId = row.GetString(5),
        ObjectType = row.GetString(6),
        ProtectType = row.GetString(7),
        ConsistentLevel = row.GetString(8),
        CloudType = row.GetString(9),
        IsMultiAz = row.GetBoolean(10),
        Status = row.GetString(11),
        SizeGb = row.GetInt64(12),
        UsedBytes = row.GetInt64(13),
        BackupCount = row.GetInt64(14),
        AutoBind = row.GetBoolean(15),
        BindRules = row.GetTextOrNull(16) is { } rules ? ReadTags(rules) : null,
        AutoExpand = row.GetBoolean(17),
        IsAutoExpanded = row.GetBoolean(18),
        SmnNotify = row.GetBoolean(19),
        Threshold = (int)row.GetInt64(20),
        IsLocked = row.GetBoolean(21),
        Tags = ReadTags(row.GetString(22)),
        BackupNamePrefix = row.GetTextOrNull(23),
        DemandBilling = row.GetBoolean(24),
        AvailabilityZone = row.GetString(25),
        SysLockSourceService = row.GetString(26),
        Charging = ReadCharging(row),
        CreatedAt = row.GetInstant(33),
        Version = row.GetInt64(34),
        Resources = resources,
    };

    private static VaultCharging ReadCharging(DbDataReader row)
    {
        string mode = row.GetString(27);
        return mode == ChargingModes.PostPaid
            ? VaultCharging.PostPaid
            : new VaultCharging(
                mode, row.GetTextOrNull(28), (int)row.GetInt64(29), row.GetBoolean(30), row.GetTextOrNull(31), row.GetTextOrNull(32));
    }

    private static VaultResource ReadBinding(DbDataReader row) => new()
    {
        Id = new ResourceId(row.GetString(BindingColumn)),
        Type = row.GetString(BindingColumn + 1),
        Name = row.GetString(BindingColumn + 2),
        Position = row.GetInt64(BindingColumn + 3),
        AutoProtect = row.GetBoolean(BindingColumn + 4),
        SizeGb = row.GetInt64(BindingColumn + 5),
        BackupBytes = row.GetInt64(BindingColumn + 6),
        BackupCount = (int)row.GetInt64(BindingColumn + 7),
        Status = row.GetString(BindingColumn + 8),
        Disks = ReadDisks(row.GetString(BindingColumn + 9)),
        AddedAt = row.GetInstant(BindingColumn + 10),
    };

    private static TaggedVault ReadTagged(DbDataReader row) =>
        new(new VaultId(row.GetString(0)), row.GetString(1), ReadTags(row.GetString(2)));

    private static BindingHolder ReadHolder(DbDataReader row) =>
        new(new ResourceId(row.GetString(0)), new VaultId(row.GetString(1)), row.GetString(2), ReadDisks(row.GetString(3)));

    private static string StoredTags(IReadOnlyList<TagShape> tags) =>
        tags.Count == 0 ? "[]" : JsonSerializer.Serialize(tags, VaultJson.Default.IReadOnlyListTagShape);

    private static string? StoredRules(IReadOnlyList<TagShape>? rules) => rules is null ? null : StoredTags(rules);

    private static IReadOnlyList<TagShape> ReadTags(string stored) =>
        stored == "[]" ? [] : JsonSerializer.Deserialize(stored, VaultJson.Default.IReadOnlyListTagShape) ?? [];

    private static string StoredDisks(DiskSelection disks) =>
        disks == DiskSelection.All ? "{}" : JsonSerializer.Serialize(disks.ToShape(), VaultJson.Default.ResourceExtraInfoShape);

    private static DiskSelection ReadDisks(string stored) =>
        stored == "{}" ? DiskSelection.All : DiskSelection.Of(JsonSerializer.Deserialize(stored, VaultJson.Default.ResourceExtraInfoShape)!);
}
