using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Routing;
using Strongroom.Contract;
using Strongroom.Contract.Capabilities;
using Strongroom.Contract.Resources;
using Strongroom.Server.Database;
using Strongroom.Server.Http;
using Strongroom.Server.Identity;
using Strongroom.Server.Resources;

namespace Strongroom.Server.Capabilities;

/// <summary>
/// What this installation offers: feature switches, where to copies can go, whether servers run an agent (atlas of backups,
/// sections 9.1 and 10).
/// </summary>
internal sealed class CapabilityEndpoints(MetadataDatabase database, IdentityOptions identity)
{
    private const string Features = "/v3/{project_id}/cbr-features";
    private const int FeatureOffsetMax = 1000;
    private const int FeatureKeyCharsMax = 255;

    private static readonly string[] AgentResourceTypes = [ResourceTypes.Server, "OS::Ironic::BareMetalServer"];

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet(Features, ListFeaturesAsync).WithAction("cbr:features:list");
        routes.MapGet(Features + "/{feature_key}", ShowFeatureAsync).WithAction("cbr:features:get");
        routes.MapGet("/v3/{project_id}/replication-capabilities", ReplicationAsync).WithAction("cbr:backups:queryReplicationCapability");
        routes.MapPost("/v3/{project_id}/agent/check", CheckAgentsAsync).WithAction("cbr:backups:checkAgent");
    }

    /// <summary>By key, in alphabetical order. There is one region and no second zone, so nothing can be copied elsewhere.</summary>
    private SortedDictionary<string, JsonNode> FeatureValues() => new(StringComparer.Ordinal)
    {
        ["features.backup_double_az"] = false,
        ["replication.destination_dgw_regions"] = new JsonArray(),
        ["replication.destination_regions"] = new JsonArray(),
        ["replication.enable"] = false,
        ["replication.source_region"] = identity.Region,
    };

    private Task ListFeaturesAsync(HttpContext context)
    {
        (int limit, int offset) = ReadPage(context.Request);
        return ReplyAsync(context, FeatureValues().Skip(offset).Take(limit));
    }

    /// <summary>An unknown key is refused with a bare JSON string, as published.</summary>
    private Task ShowFeatureAsync(HttpContext context)
    {
        string key = (string)context.Request.RouteValues["feature_key"]!;
        if (key.Length > FeatureKeyCharsMax)
            throw BodyReader.Refused($"feature_key is {key.Length} characters long; at most {FeatureKeyCharsMax} are allowed.");
        return FeatureValues().TryGetValue(key, out JsonNode? value)
            ? ReplyAsync(context, [new KeyValuePair<string, JsonNode>(key, value)])
            : JsonReply.WriteAsync(
                context, $"There is no feature {ShownText.Quoted(key)}.", CapabilityJson.Default.String, StatusCodes.Status400BadRequest);
    }

    private static Task ReplicationAsync(HttpContext context) =>
        JsonReply.WriteAsync(context, new ReplicationCapabilitiesReply([]), CapabilityJson.Default.ReplicationCapabilitiesReply);

    /// <summary>No agent reports here, so none is installed as far as anybody knows. The servers have to be there.</summary>
    private async Task CheckAgentsAsync(HttpContext context)
    {
        string projectId = context.Caller().ProjectId;
        List<ResourceId> ids = await BodyReader.ReadAsync(context, ReadAgentCheck);
        List<Resource> known = await database.ReadAsync(
            session => ResourceTable.FindWithDisksAsync(session, projectId, ids, context.RequestAborted), context.RequestAborted);
        foreach (ResourceId id in ids)
        {
            if (!known.Exists(resource => resource.Id == id && resource.Type == ResourceTypes.Server))
                throw new RefusedException(ErrorCodes.ServerMissing, $"There is no server {id} in this project.");
        }

        var reply = new AgentCheckReply(ids.ConvertAll(id => new AgentStatusShape(id.Value, Installed: false, null, null, null, null)));
        await JsonReply.WriteAsync(context, reply, CapabilityJson.Default.AgentCheckReply);
    }

    internal static (int Limit, int Offset) ReadPage(HttpRequest request)
    {
        var query = new QueryReader(request);
        return (query.Limit(), query.Int("offset", 0, FeatureOffsetMax) ?? 0);
    }

    internal static List<ResourceId> ReadAgentCheck(BodyValue body) => body["agent_status"].List(
        1,
        Vaults.Vault.ResourceCountMax,
        item =>
        {
            item["resource_type"].Word(AgentResourceTypes);
            item["resource_name"].TextOrNull(0, 255);
            return new ResourceId(item["resource_id"].Id());
        });

    private static Task ReplyAsync(HttpContext context, IEnumerable<KeyValuePair<string, JsonNode>> features) =>
        JsonReply.WriteAsync(context, new Dictionary<string, JsonNode>(features), CapabilityJson.Default.IReadOnlyDictionaryStringJsonNode);
}
