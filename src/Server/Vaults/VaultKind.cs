using Strongroom.Contract.Vaults;

namespace Strongroom.Server.Vaults;

/// <summary>
/// What a vault is for, and what follows from it: who may be in it, and the two codes clients read its kind from (atlas of
/// the vault API, sections 8.4 and 8.5).
/// </summary>
internal static class VaultKind
{
    private const string ServerProvider = "0daac4c5-6707-4851-97ba-169e36266b66";
    private const string DiskProvider = "d1603440-187d-4516-af25-121250c7cc97";
    private const string FileSystemProvider = "3f3c3220-245c-4805-b811-758870015881";
    private const string HybridProvider = "a13639de-00be-4e94-af30-26912d75e4a2";
    private const string DesktopProvider = "86a80900-71bf-4961-956a-d52df944f84a";

    // No source tells the one of databases; clients want a UUID, so this one is ours.
    private const string DatabaseProvider = "6e4a1b5c-9d27-4c83-8f60-2b7d5e1a9c34";

    private static readonly (string ResourceType, string ObjectType)[] Fits =
    [
        ("OS::Nova::Server", ObjectTypes.Server),
        ("OS::Ironic::BareMetalServer", ObjectTypes.Server),
        ("OS::Cinder::Volume", ObjectTypes.Disk),
        ("OS::Sfs::Turbo", ObjectTypes.FileSystem),
        ("OS::Native::Server", ObjectTypes.Vmware),
        ("OS::Workspace::DesktopV2", ObjectTypes.Desktop),
    ];

    /// <summary>Every resource type the wire knows, whether or not a driver here reads it.</summary>
    public static readonly string[] ResourceTypes = [.. Fits.Select(fit => fit.ResourceType)];

    public static bool Takes(string objectType, string resourceType) => Fits.Contains((resourceType, objectType));

    public static string ProviderId(string objectType, string cloudType) => objectType switch
    {
        _ when cloudType == CloudTypes.Hybrid => HybridProvider,
        ObjectTypes.Server => ServerProvider,
        ObjectTypes.Disk => DiskProvider,
        ObjectTypes.FileSystem => FileSystemProvider,
        ObjectTypes.Desktop => DesktopProvider,
        ObjectTypes.Database => DatabaseProvider,
        _ => HybridProvider,
    };

    public static string SpecCode(string objectType, string protectType, string consistentLevel, string cloudType)
    {
        if (cloudType == CloudTypes.Hybrid)
            return "vault.hybrid.server.normal";

        // A disk is a "volume" here and nowhere else.
        string thing = objectType == ObjectTypes.Disk ? "volume" : objectType;
        if (protectType == ProtectTypes.Replication)
            return $"vault.replication.{thing}.normal";

        // "Database" vaults are server vaults whose backups are consistent for applications.
        return consistentLevel == ConsistentLevels.AppConsistent ? "vault.backup.database.normal" : $"vault.backup.{thing}.normal";
    }
}
