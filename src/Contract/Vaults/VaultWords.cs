namespace Strongroom.Contract.Vaults;

// The words of the vault part of the wire, stored and sent as they are.

public static class ObjectTypes
{
    public const string Server = "server";
    public const string Disk = "disk";
    public const string FileSystem = "turbo";
    public const string Desktop = "workspace";
    public const string Vmware = "vmware";
    public const string Database = "rds";
    public const string File = "file";

    public static readonly string[] All = [Server, Disk, FileSystem, Desktop, Vmware, Database, File];
}

public static class ProtectTypes
{
    public const string Backup = "backup";
    public const string Replication = "replication";

    /// <summary>Only ever asked for in lists.</summary>
    public const string Hybrid = "hybrid";

    public static readonly string[] ToCreate = [Backup, Replication];
    public static readonly string[] ToList = [Backup, Replication, Hybrid];
}

public static class ConsistentLevels
{
    public const string CrashConsistent = "crash_consistent";
    public const string AppConsistent = "app_consistent";

    public static readonly string[] All = [CrashConsistent, AppConsistent];
}

public static class CloudTypes
{
    public const string Public = "public";
    public const string Hybrid = "hybrid";

    public static readonly string[] All = [Public, Hybrid];
}

public static class ChargingModes
{
    public const string PostPaid = "post_paid";
    public const string PrePaid = "pre_paid";

    public static readonly string[] All = [PostPaid, PrePaid];
}

public static class PeriodTypes
{
    public const string Year = "year";
    public const string Month = "month";

    public static readonly string[] All = [Year, Month];
}

public static class VaultStatuses
{
    public const string Available = "available";

    /// <summary>Its capacity is being changed. Not the write-once flag <c>locked</c>.</summary>
    public const string Lock = "lock";
    public const string Frozen = "frozen";
    public const string Deleting = "deleting";
    public const string Error = "error";

    public static readonly string[] All = [Available, Lock, Frozen, Deleting, Error];
}

public static class ProtectStatuses
{
    public const string Available = "available";
    public const string Error = "error";
    public const string Protecting = "protecting";
    public const string Restoring = "restoring";
    public const string Removing = "removing";

    /// <summary>The resource was unregistered while in the vault; its backups are still there.</summary>
    public const string Deleted = "deleted";
}
