using Microsoft.AspNetCore.Routing;
using Strongroom.Contract;
using Strongroom.Contract.Capabilities;
using Strongroom.Contract.Vaults;
using Strongroom.Server.Backups;
using Strongroom.Server.Database;
using Strongroom.Server.Http;
using Strongroom.Server.Vaults;

namespace Strongroom.Server.Capabilities;

/// <summary>
/// Operations of the wire that stand for something this installation does not have: copies at another site, storage on
/// premises, file-backup clients, a predecessor to take data over from. Each checks its request and what it names, and then
/// answers what it is documented to answer where that is missing, so that clients are told and nothing is pretended.
/// </summary>
internal sealed class AbsentEndpoints(MetadataDatabase database)
{
    private const string Agents = "/v3/{project_id}/agents";
    private const string OneAgent = Agents + "/{agent_id}";
    private const string Migrations = "/v3/migrates";

    private const int SyncCountMax = 50;
    private const int PathCountMax = 128;
    private const int PathCharsMax = 4096;

    private static readonly string[] AgentTypes = ["cloud", "native"];
    private static readonly string[] SyncResourceTypes = ["OS::Native::Server", "OS::VMware::Server"];

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapPost("/v3/{project_id}/checkpoints/replicate", CopyCheckpointAsync).WithAction("cbr:vaults:replicate");
        routes.MapPost("/v3/{project_id}/checkpoints/sync", SyncCheckpointAsync).WithAction("cbr:vaults:sync");
        routes.MapPost(BackupEndpoints.OneBackup + "/replicate", CopyBackupAsync).WithAction("cbr:backups:replicate");
        routes.MapPost("/v3/{project_id}/backups/sync", SyncBackupsAsync).WithAction("cbr:backups:sync");
        routes.MapPost(Agents, RegisterAgentAsync).WithAction("cbr:agents:register");
        routes.MapGet(Agents, ListAgentsAsync).WithAction("cbr:agents:list");
        routes.MapGet(OneAgent, context => throw NoAgent(context)).WithAction("cbr:agents:get");
        routes.MapPut(OneAgent, context => RefuseAgentAsync(context, ReadAgentChange)).WithAction("cbr:agents:update");
        routes.MapDelete(OneAgent, context => throw NoAgent(context)).WithAction("cbr:agents:delete");
        routes.MapPost(OneAgent + "/add-path", context => RefuseAgentAsync(context, ReadAddedPaths)).WithAction("cbr:agents:addPath");
        routes.MapPost(OneAgent + "/remove-path", context => RefuseAgentAsync(context, ReadRemovedPaths)).WithAction("cbr:agents:removePath");
        routes.MapPost(Migrations, MigrateAsync).ForAnyCaller();
        routes.MapGet(Migrations, ShowMigrationAsync).ForAnyCaller();
    }

    private async Task CopyCheckpointAsync(HttpContext context)
    {
        (VaultId vaultId, string projectId) = await BodyReader.ReadAsync(context, ReadCheckpointCopy);
        Vault vault = await FindVaultAsync(context, vaultId);
        if (vault.ProtectType != ProtectTypes.Backup || vault.ObjectType != ObjectTypes.Server)
        {
            throw new RefusedException(
                ErrorCodes.VaultTypeNotReplicated, $"Vault {vaultId} is for {vault.ProtectType} of {vault.ObjectType}: only backup vaults for servers are copied.");
        }

        throw NoDestination(projectId);
    }

    private async Task CopyBackupAsync(HttpContext context)
    {
        BackupId id = BackupEndpoints.PathBackup(context);
        string projectId = await BodyReader.ReadAsync(context, ReadBackupCopy);
        Backup backup = await database.ReadAsync(
            session => BackupEndpoints.RequireOwnAsync(session, context.Caller().ProjectId, id, context.RequestAborted), context.RequestAborted);
        if (!backup.IsServer)
            throw new RefusedException(ErrorCodes.ResourceTypeNotReplicated, $"Backup {id} is of {backup.ResourceType}: only backups of servers are copied.");
        throw NoDestination(projectId);
    }

    private async Task SyncCheckpointAsync(HttpContext context)
    {
        VaultId vaultId = await BodyReader.ReadAsync(context, ReadCheckpointSync);
        await FindVaultAsync(context, vaultId);
        throw new RefusedException(ErrorCodes.SyncUnsupported, $"Vault {vaultId} is not one whose backups lie on premises: there is nothing to read anew.");
    }

    private static async Task SyncBackupsAsync(HttpContext context)
    {
        int count = await BodyReader.ReadAsync(context, ReadSync);
        throw new RefusedException(ErrorCodes.SyncUnsupported, $"No vault here keeps backups on premises: the {count} named cannot be taken over.");
    }

    private static async Task RegisterAgentAsync(HttpContext context)
    {
        string id = await BodyReader.ReadAsync(context, ReadAgent);
        throw new RefusedException(ErrorCodes.AgentIdInvalid, $"Client {ShownText.Quoted(id)} cannot register: this installation takes no file-backup clients.");
    }

    private static Task ListAgentsAsync(HttpContext context)
    {
        (int limit, int offset) = ReadAgentPage(context.Request);
        return JsonReply.WriteAsync(context, new AgentListReply([], 0, limit, offset), CapabilityJson.Default.AgentListReply);
    }

    /// <summary>Filters are checked, though there is nothing to filter.</summary>
    internal static (int Limit, int Offset) ReadAgentPage(HttpRequest request)
    {
        var query = new QueryReader(request);
        query.Text("status");
        query.Text("agent_id");
        return (query.Limit(), query.Offset());
    }

    private static async Task RefuseAgentAsync(HttpContext context, Func<BodyValue, bool> read)
    {
        await BodyReader.ReadAsync(context, read);
        throw NoAgent(context);
    }

    private static async Task MigrateAsync(HttpContext context)
    {
        await BodyReader.ReadAsync(context, ReadMigration);
        throw BodyReader.Refused("There is nothing to migrate: this service has no predecessor in this installation.");
    }

    private static Task ShowMigrationAsync(HttpContext context)
    {
        new QueryReader(context.Request).Flag("all_regions");
        throw new RefusedException(ErrorCodes.MigrationMissing, "Nothing was ever migrated here.");
    }

    private async Task<Vault> FindVaultAsync(HttpContext context, VaultId id) => await database.ReadAsync(
        session => VaultEndpoints.RequireAsync(session, context.Caller().ProjectId, id, context.RequestAborted), context.RequestAborted);

    internal static (VaultId VaultId, string ProjectId) ReadCheckpointCopy(BodyValue body)
    {
        // One client wraps it once more.
        BodyValue copy = body["checkpoint"].IsGiven ? body["checkpoint"]["replicate"] : body["replicate"];
        copy["auto_trigger"].FlagOrNull();
        copy["cross_account_urn"].TextOrNull(0, 255);
        return (new VaultId(copy["vault_id"].Id()), ReadDestination(copy));
    }

    internal static string ReadBackupCopy(BodyValue body)
    {
        BodyValue copy = body["replicate"].Object();
        copy["name"].TextOrNull(1, 64, TextRule.Name);
        copy["description"].TextOrNull(0, 255, TextRule.NoAngleBrackets);
        return ReadDestination(copy);
    }

    private static string ReadDestination(BodyValue copy)
    {
        copy["destination_vault_id"].Id();
        copy["destination_region"].Text(0, 255);
        copy["enable_acceleration"].FlagOrNull();
        return copy["destination_project_id"].Text(1, 64);
    }

    internal static VaultId ReadCheckpointSync(BodyValue body)
    {
        BodyValue sync = body["sync"].Object();
        sync["auto_trigger"].FlagOrNull();
        return new VaultId(sync["vault_id"].Id());
    }

    internal static int ReadSync(BodyValue body) => body["sync"].List(1, SyncCountMax, ReadSynced).Count;

    private static bool ReadSynced(BodyValue item)
    {
        item["backup_id"].Id();
        item["backup_name"].Text(1, 64, TextRule.Name);
        item["bucket_name"].Text(1, 255);
        item["image_path"].Text(1, PathCharsMax);
        item["resource_id"].Id();
        item["resource_name"].Text(0, 255);
        item["resource_type"].Word(SyncResourceTypes);
        item["created_at"].Int(0, int.MaxValue);
        return true;
    }

    internal static string ReadAgent(BodyValue body)
    {
        BodyValue agent = body["agent"].Object();
        agent["host_name"].Text(0, 255);
        agent["host_ip"].Text(0, 255);
        agent["host_os"].Text(0, 255);
        agent["host_nickname"].TextOrNull(0, 255);
        agent["agent_version"].TextOrNull(0, 255);
        agent["agent_type"].WordOrNull(AgentTypes);
        return agent["agent_id"].Text(1, 255);
    }

    internal static bool ReadAgentChange(BodyValue body) => body["agent"]["status"].Word(["uninstall"]).Length > 0;

    internal static bool ReadAddedPaths(BodyValue body)
    {
        body["exclude_path"].ListOrNull(
            0,
            PathCountMax,
            item =>
            {
                item["exclude_path_name"].ListOrNull(0, PathCountMax, path => path.Text(1, PathCharsMax));
                return item["path_name"].TextOrNull(1, PathCharsMax);
            });
        return body["add_path"].List(1, PathCountMax, path => path.Text(1, PathCharsMax)).Count > 0;
    }

    internal static bool ReadRemovedPaths(BodyValue body) =>
        body["remove_path"].List(1, PathCountMax, path => path.Text(1, PathCharsMax)).Count > 0;

    internal static bool ReadMigration(BodyValue body)
    {
        body["reservation"].Number(0, 1);
        return body["all_regions"].Flag();
    }

    private static RefusedException NoDestination(string projectId) =>
        new(ErrorCodes.DestinationUnsupported, $"Nothing can be copied to project {ShownText.Quoted(projectId)}: this installation has no other site (see replication-capabilities).");

    private static RefusedException NoAgent(HttpContext context) =>
        new(ErrorCodes.AgentMissing, $"There is no file-backup client {ShownText.Quoted((string)context.Request.RouteValues["agent_id"]!)}.");
}
