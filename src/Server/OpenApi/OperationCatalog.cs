using System.Collections.Frozen;
using System.Text.Json.Serialization.Metadata;
using Strongroom.Contract.Audit;
using Strongroom.Contract.Backups;
using Strongroom.Contract.Capabilities;
using Strongroom.Contract.Checkpoints;
using Strongroom.Contract.Identity;
using Strongroom.Contract.OrganizationPolicies;
using Strongroom.Contract.Notifications;
using Strongroom.Contract.Policies;
using Strongroom.Contract.Resources;
using Strongroom.Contract.Shares;
using Strongroom.Contract.Tasks;
using Strongroom.Contract.Undo;
using Strongroom.Contract.Vaults;
using Strongroom.Server.Audit;
using Strongroom.Server.Backups;
using Strongroom.Server.Capabilities;
using Strongroom.Server.Checkpoints;
using Strongroom.Server.Http;
using Strongroom.Server.Identity;
using Strongroom.Server.OrganizationPolicies;
using Strongroom.Server.Notifications;
using Strongroom.Server.Policies;
using Strongroom.Server.Resources;
using Strongroom.Server.Shares;
using Strongroom.Server.Tasks;
using Strongroom.Server.Vaults;

namespace Strongroom.Server.OpenApi;

/// <summary>
/// Every operation by its route: what answers, and which functions read the request. They are the same functions and types
/// that serve it, so there is nothing here to keep in step by hand but the names; the tests hold every answer of the running
/// service against it.
/// </summary>
internal sealed class OperationCatalog(VaultOptions vaults)
{
    private const string Project = "/v3/{project_id}";
    private const string Vaults = Project + "/vaults";
    private const string OneVault = Vaults + "/{vault_id}";
    private const string VaultTags = Project + "/vault/{vault_id}/tags";
    private const string OneBackup = Project + "/backups/{backup_id}";
    private const string Members = OneBackup + "/members";
    private const string OneMember = Members + "/{member_id}";
    private const string Policies = Project + "/policies";
    private const string OnePolicy = Policies + "/{policy_id}";
    private const string OrganizationPolicies = Project + "/organization-policies";
    private const string OneOrganizationPolicy = OrganizationPolicies + "/{organization_policy_id}";
    private const string Agents = Project + "/agents";
    private const string OneAgent = Agents + "/{agent_id}";
    private const string Instances = Project + "/protectables/{protectable_type}/instances";
    private const string Tokens = "/v3/auth/tokens";
    private const string Ours = "/strongroom/v1/{project_id}";

    private readonly Dictionary<string, Operation> operations = new(StringComparer.Ordinal);

    /// <summary>By method and route, as in <c>GET /v3/{project_id}/vaults</c>.</summary>
    public FrozenDictionary<string, Operation> Build()
    {
        AddVaults();
        AddTags();
        AddCheckpointsAndTasks();
        AddBackups();
        AddPolicies();
        AddCapabilities();
        AddIdentity();
        AddOurs();
        return operations.ToFrozenDictionary(StringComparer.Ordinal);
    }

    private void AddVaults()
    {
        VaultJson json = VaultJson.Default;
        Add(
            "POST " + Vaults,
            "CreateVault",
            json.VaultReply,
            operation => operation.Takes(body => VaultRequests.Creation(body, vaults)) with { OtherAnswer = json.OrderReply });
        Add("GET " + Vaults, "ListVault", json.VaultListReply, operation => operation.Asks(VaultFilter.Of));
        Add("GET " + OneVault, "ShowVault", json.VaultReply);
        Add("PUT " + OneVault, "UpdateVault", json.VaultReply, operation => operation.Takes(VaultRequests.Change));
        AddBare("DELETE " + OneVault, "DeleteVault");
        Add("POST " + OneVault + "/addresources", "AddVaultResource", json.AddResourcesReply, operation => operation.Takes(VaultRequests.ResourceAdditions));
        Add("POST " + OneVault + "/removeresources", "RemoveVaultResource", json.RemoveResourcesReply, operation => operation.Takes(VaultRequests.ResourceIds));
        Add("POST " + OneVault + "/migrateresources", "MigrateVaultResource", json.MigrateResourcesReply, operation => operation.Takes(VaultRequests.Migration));
        Add("PUT " + OneVault + "/set-resources", "SetVaultResource", json.SetResourcesReply, operation => operation.Takes(VaultRequests.Suspension));
        Add("PUT " + Vaults + "/batch-update", "BatchUpdateVault", json.BatchUpdateReply, operation => operation.Takes(VaultRequests.NotificationChange));
        Add("GET " + Vaults + "/external", "ListExternalVault", json.VaultListReply, operation => operation.Asks(VaultReportEndpoints.ReadExternal));
        Add("GET " + Vaults + "/summary", "ShowSummary", json.SummaryReply);
        Add("GET " + Project + "/storage_usage", "ShowStorageUsage", json.StorageUsageReply, operation => operation.Asks(VaultReportEndpoints.ReadStorageUsage));
        Add("POST " + Vaults + "/order", "CreatePostPaidVault", json.OrderReply, operation => operation.Takes(body => VaultRequests.Order(body, vaults, "")));
        Add("POST " + Project + "/orders/change", "ChangeOrder", json.OrderChangeReply, operation => operation.Takes(OrderChange.Read));
        Add("PUT " + Project + "/orders/{order_id}", "UpdateOrder", json.OldOrderChangeReply, operation => operation.Takes(OrderChange.ReadOld));
        Add("POST " + Vaults + "/change-charge-mode", "ChangeVaultChargeMode", json.OrderChangeReply, operation => operation.Takes(ChargeModeChange.Read));
    }

    private void AddTags()
    {
        VaultJson json = VaultJson.Default;
        Add("GET " + VaultTags, "ShowVaultTag", json.VaultTagsReply);
        AddBare("POST " + VaultTags, "CreateVaultTags", operation => operation.Takes(body => TagRules.Addition(body["tag"].Object())));
        AddBare("DELETE " + VaultTags + "/{key}", "DeleteVaultTag");
        AddBare("POST " + VaultTags + "/action", "BatchCreateAndDeleteVaultTags", operation => operation.Takes(body => VaultTagEndpoints.ReadChange(body, vaults)));
        Add("GET " + Project + "/vault/tags", "ShowVaultProjectTag", json.ProjectTagsReply);
        Add(
            "POST " + Project + "/vault/resource_instances/action",
            "ShowVaultResourceInstances",
            json.TaggedVaultsReply,
            operation => operation.Takes(body => VaultTagFilter.Read(body, vaults)).Asks(request => new QueryReader(request).Text("enterprise_project_id")));
    }

    private void AddCheckpointsAndTasks()
    {
        Add("POST " + Project + "/checkpoints", "CreateCheckpoint", CheckpointJson.Default.CheckpointReply, operation => operation.Takes(CheckpointOrder.Read));
        Add("GET " + Project + "/checkpoints/{checkpoint_id}", "ShowCheckpoint", CheckpointJson.Default.CheckpointReply);
        AddBare("POST " + Project + "/checkpoints/replicate", "CopyCheckpoint", operation => operation.Takes(AbsentEndpoints.ReadCheckpointCopy));
        AddBare("POST " + Project + "/checkpoints/sync", "ImportCheckpoint", operation => operation.Takes(AbsentEndpoints.ReadCheckpointSync));
        Add("GET " + Project + "/operation-logs", "ListOpLogs", TaskShapesJson.Default.OperationLogListReply, operation => operation.Asks(request => new TaskQuery("", request)));
        Add("GET " + Project + "/operation-logs/{task_id}", "ShowOpLog", TaskShapesJson.Default.OperationLogReply);
        Add("GET " + Instances, "ListProtectable", ProtectableJson.Default.ProtectableListReply, operation => operation.Asks(ProtectableEndpoints.ReadFilter));
        Add("GET " + Instances + "/{instance_id}", "ShowProtectable", ProtectableJson.Default.ProtectableReply);
    }

    private void AddBackups()
    {
        BackupJson json = BackupJson.Default;
        Add("GET " + Project + "/backups", "ListBackups", json.BackupListReply, operation => operation.Asks(request => new BackupQuery("", request)));
        Add("GET " + OneBackup, "ShowBackup", json.BackupReply);
        Add("PUT " + OneBackup, "UpdateBackup", json.BackupReply, operation => operation.Takes(BackupEndpoints.ReadName));
        AddBare("DELETE " + OneBackup, "DeleteBackup");
        Add("POST " + OneBackup + "/restore", "RestoreBackup", json.RestoreReply, operation => operation.Takes(RestoreOrder.Read), StatusCodes.Status202Accepted);
        AddBare("POST " + OneBackup + "/replicate", "CopyBackup", operation => operation.Takes(AbsentEndpoints.ReadBackupCopy));
        AddBare("POST " + Project + "/backups/sync", "ImportBackup", operation => operation.Takes(AbsentEndpoints.ReadSync));
        Add("GET " + OneBackup + "/metadata", "ShowMetadata", json.BackupMetadataReply);
        Add("POST " + Members, "AddMember", MemberJson.Default.MemberListReply, operation => operation.Takes(ShareEndpoints.ReadRecipients));
        Add("GET " + Members, "ShowMembersDetail", MemberJson.Default.MemberListReply, operation => operation.Asks(request => new ShareQuery(request)));
        Add("GET " + OneMember, "ShowMemberDetail", MemberJson.Default.MemberReply);
        Add("PUT " + OneMember, "UpdateMemberStatus", MemberJson.Default.MemberReply, operation => operation.Takes(ShareAnswer.Read));
        AddBare("DELETE " + OneMember, "DeleteMember");
    }

    private void AddPolicies()
    {
        PolicyJson json = PolicyJson.Default;
        Add("POST " + Policies, "CreatePolicy", json.PolicyReply, operation => operation.Takes(PolicyRequests.Creation));
        Add("GET " + Policies, "ListPolicies", json.PolicyListReply, operation => operation.Asks(PolicyFilter.Of));
        Add("GET " + OnePolicy, "ShowPolicy", json.PolicyReply);
        Add("PUT " + OnePolicy, "UpdatePolicy", json.PolicyReply, operation => operation.Takes(PolicyRequests.Change));
        AddBare("DELETE " + OnePolicy, "DeletePolicy");
        OrganizationPolicyJson organization = OrganizationPolicyJson.Default;
        Add("POST " + OrganizationPolicies, "CreateOrganizationPolicy", organization.OrganizationPolicyReply, operation => operation.Takes(OrganizationPolicyRequests.Creation));
        Add("GET " + OrganizationPolicies, "ListOrganizationPolicies", organization.OrganizationPolicyListReply, operation => operation.Asks(OrganizationPolicyRequests.List));
        Add("GET " + OneOrganizationPolicy, "ShowOrganizationPolicy", organization.OrganizationPolicyReply);
        Add("PUT " + OneOrganizationPolicy, "UpdateOrganizationPolicy", organization.OrganizationPolicyReply, operation => operation.Takes(OrganizationPolicyRequests.Change));
        AddBare("DELETE " + OneOrganizationPolicy, "DeleteOrganizationPolicy");
        Add(
            "GET " + OneOrganizationPolicy + "/policy-detail",
            "ListOrganizationPolicyDetail",
            organization.OrganizationPolicyDetailReply,
            operation => operation.Asks(OrganizationPolicyRequests.Detail));
        Add("POST " + OneVault + "/associatepolicy", "AssociateVaultPolicy", json.AssociatePolicyReply, operation => operation.Takes(PolicyRequests.Association));
        Add("POST " + OneVault + "/dissociatepolicy", "DisassociateVaultPolicy", json.DissociatePolicyReply, operation => operation.Takes(PolicyRequests.Dissociation));
    }

    private void AddCapabilities()
    {
        CapabilityJson json = CapabilityJson.Default;
        Add("GET " + Project + "/cbr-features", "ListFeatures", json.IReadOnlyDictionaryStringJsonNode, operation => operation.Asks(CapabilityEndpoints.ReadPage));
        Add("GET " + Project + "/cbr-features/{feature_key}", "ShowFeature", json.IReadOnlyDictionaryStringJsonNode, operation => operation with { RefusesWithText = true });
        Add("GET " + Project + "/replication-capabilities", "ShowReplicationCapabilities", json.ReplicationCapabilitiesReply);
        Add("POST " + Project + "/agent/check", "CheckAgent", json.AgentCheckReply, operation => operation.Takes(CapabilityEndpoints.ReadAgentCheck));
        AddBare("POST " + Agents, "RegisterAgent", operation => operation.Takes(AbsentEndpoints.ReadAgent));
        Add("GET " + Agents, "ListAgent", json.AgentListReply, operation => operation.Asks(AbsentEndpoints.ReadAgentPage));
        AddBare("GET " + OneAgent, "ShowAgent");
        AddBare("PUT " + OneAgent, "UpdateAgent", operation => operation.Takes(AbsentEndpoints.ReadAgentChange));
        AddBare("DELETE " + OneAgent, "UnregisterAgent");
        AddBare("POST " + OneAgent + "/add-path", "AddAgentPath", operation => operation.Takes(AbsentEndpoints.ReadAddedPaths));
        AddBare("POST " + OneAgent + "/remove-path", "RemoveAgentPath", operation => operation.Takes(AbsentEndpoints.ReadRemovedPaths));
        AddBare("POST /v3/migrates", "MigrateDomain", operation => operation.Takes(AbsentEndpoints.ReadMigration));
        AddBare("GET /v3/migrates", "ShowMigrateStatus", operation => operation.Asks(request => new QueryReader(request).Flag("all_regions")));
    }

    private void AddIdentity()
    {
        IdentityJson json = IdentityJson.Default;
        foreach (string path in (string[])["/", "/vbs", "/csbs", "/cbr"])
            Add("GET " + path, "ListVersions" + (path.Length > 1 ? "Of" + path[1..] : ""), json.VersionsReply, status: StatusCodes.Status300MultipleChoices);
        Add("GET /v3", "ShowVersion", json.VersionsReply);
        Add("POST " + Tokens, "CreateToken", json.TokenReply, operation => operation.Takes(SignInRequest.Read), StatusCodes.Status201Created);
        Add("GET " + Tokens, "ShowToken", json.TokenReply);
        Add("HEAD " + Tokens, "CheckToken", json.TokenReply);
        AddBare("DELETE " + Tokens, "DeleteToken");
        Add("GET /v3/auth/catalog", "ShowCatalog", json.CatalogReply);
        Add("GET /v3/auth/projects", "ListOwnProjects", json.ProjectListReply);
        Add("GET /v3/auth/domains", "ListOwnDomains", json.DomainListReply, operation => operation.Asks(request => new QueryReader(request).Text("name")));
        Add("GET /v3/projects", "ListIdentityProjects", json.ProjectListReply, operation => operation.Asks(IdentityEndpoints.ReadFilter));
        Add("GET /v3/projects/{project}", "ShowIdentityProject", json.ProjectReply);
        Add("GET /v3/region-projects", "ListProjects", json.RegionProjectsReply);
        Add("GET /v3/domain/{domain_name}/projects", "ListDomainProjects", json.DomainProjectsReply);
        Add("GET /v3/domain/{source_project_id}", "ShowDomain", json.ProjectOwnerReply);
    }

    private void AddOurs()
    {
        Add("POST " + Ours + "/resources", "RegisterResource", ResourceJson.Default.ResourceReply, operation => operation.Takes(Registration.Read));
        Add("GET " + Ours + "/audit", "ListAuditRecords", AuditJson.Default.AuditListReply, operation => operation.Asks(request => new AuditQuery("", request)));
        Add("GET " + Ours + "/resources", "ListResources", ResourceJson.Default.ResourceListReply, operation => operation.Asks(ResourceEndpoints.ReadFilter));
        Add("GET " + Ours + "/resources/{resource_id}", "ShowResource", ResourceJson.Default.ResourceReply);
        Add("PUT " + Ours + "/resources/{resource_id}", "UpdateResource", ResourceJson.Default.ResourceReply, operation => operation.Takes(Registration.ReadChange));
        AddBare("DELETE " + Ours + "/resources/{resource_id}", "UnregisterResource");
        Add("GET " + Ours + "/policies/{policy_id}", "ShowPolicyClock", PolicyJson.Default.PolicyClockReply);
        Add("PUT " + Ours + "/policies/{policy_id}", "UpdatePolicyClock", PolicyJson.Default.PolicyClockReply, operation => operation.Takes(PolicyRequests.TimeZone));
        Add("GET " + Ours + "/tasks/{task_id}", "ShowTask", TaskShapesJson.Default.TaskReply);
        Add("POST " + Ours + "/tasks/{task_id}/cancel", "CancelTask", TaskShapesJson.Default.TaskReply, status: StatusCodes.Status202Accepted);
        Add(
            "POST " + Ours + "/policies/preview",
            "PreviewPolicy",
            PolicyPreviewJson.Default.PolicyPreviewReply,
            operation => operation.Takes(body => PolicyPreviewEndpoint.Read(body, DateTimeOffset.UnixEpoch)));
        AddNotifications();
        Add("GET " + Ours + "/deleted", "ListDeleted", DeletedJson.Default.DeletedReply);
        Add("POST " + Ours + "/vaults/{vault_id}/undelete", "UndeleteVault", VaultJson.Default.VaultReply);
        AddBare("POST " + Ours + "/backups/{backup_id}/undelete", "UndeleteBackup");
        Add("POST " + Ours + "/vaults/{vault_id}/bind", "BindVault", AutoBindJson.Default.AutoBindReply);
        AddBare("POST " + Ours + "/vaults/{vault_id}/unsubscribe", "UnsubscribeVault");
    }

    private void AddNotifications()
    {
        const string notifications = Ours + "/notifications";
        const string targets = notifications + "/targets";
        const string oneTarget = targets + "/{target_id}";
        // Described as where everything is allowed.
        var options = new NotificationOptions { AllowPrivateTargets = true, Smtp = { Host = "localhost" } };
        NotificationJson json = NotificationJson.Default;
        Add("GET " + notifications, "ListNotifications", json.NotificationListReply, operation => operation.Asks(request => new NotificationQuery("", request)));
        Add("GET " + notifications + "/{notification_id}", "ShowNotification", json.NotificationReply);
        Add("POST " + targets, "CreateNotificationTarget", json.NotificationTargetReply, operation => operation.Takes(body => TargetOrder.Creation(body, options)));
        Add("GET " + targets, "ListNotificationTargets", json.NotificationTargetListReply);
        Add("GET " + oneTarget, "ShowNotificationTarget", json.NotificationTargetReply);
        Add("PUT " + oneTarget, "UpdateNotificationTarget", json.NotificationTargetReply, operation => operation.Takes(body => TargetOrder.Change(body, options)));
        AddBare("DELETE " + oneTarget, "DeleteNotificationTarget");
        Add("POST " + oneTarget + "/test", "TestNotificationTarget", json.NotificationReply, status: StatusCodes.Status202Accepted);
    }

    private void Add(
        string route, string name, JsonTypeInfo? answer, Func<Operation, Operation>? complete = null, int status = StatusCodes.Status200OK)
    {
        var operation = new Operation(name, answer, status);
        operations.Add(route, complete?.Invoke(operation) ?? operation);
    }

    /// <summary>204 without a body, or nothing but refusals.</summary>
    private void AddBare(string route, string name, Func<Operation, Operation>? complete = null) =>
        Add(route, name, null, complete, StatusCodes.Status204NoContent);
}
