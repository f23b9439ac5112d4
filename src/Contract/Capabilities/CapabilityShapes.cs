using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace Strongroom.Contract.Capabilities;

/// <param name="Regions">Empty: nothing can be copied anywhere.</param>
public sealed record ReplicationCapabilitiesReply(IReadOnlyList<ReplicationRegionShape> Regions);

public sealed record ReplicationRegionShape(string Name, IReadOnlyList<string> ReplicationDestinations);

/// <param name="AgentStatus">One per server asked about, in that order.</param>
public sealed record AgentCheckReply(IReadOnlyList<AgentStatusShape> AgentStatus);

/// <summary>Whether a server runs the agent that makes its applications write everything out before a backup.</summary>
/// <param name="ResourceId">The server.</param>
/// <param name="Installed">False: the rest is null.</param>
/// <param name="IsOld">A newer one is to be had.</param>
/// <param name="Version">As the agent says.</param>
/// <param name="Code">Why it cannot be reached.</param>
/// <param name="Message">The same in words.</param>
public sealed record AgentStatusShape(string ResourceId, bool Installed, bool? IsOld, string? Version, int? Code, string? Message);

/// <summary>Clients that back up files of the machine they run on: there are none yet.</summary>
public sealed record AgentListReply(IReadOnlyList<AgentShape> Agents, long Count, int Limit, int Offset);

/// <param name="AgentId">What it registered under.</param>
/// <param name="AgentType"><c>cloud</c> or <c>native</c>.</param>
/// <param name="AgentVersion">As the client says.</param>
/// <param name="HostName">The machine it runs on; the next three as well.</param>
/// <param name="HostNickname">May be null.</param>
/// <param name="HostIp">Text.</param>
/// <param name="HostOs">May be null.</param>
/// <param name="Status"><c>normal</c> or <c>uninstall</c>.</param>
/// <param name="CreatedAt">When it registered.</param>
/// <param name="UpdatedAt">Null until it changes.</param>
/// <param name="LastActiveTime">Null until it reports.</param>
/// <param name="Paths">What it backs up.</param>
public sealed record AgentShape(
    string AgentId,
    string? AgentType,
    string? AgentVersion,
    string HostName,
    string? HostNickname,
    string HostIp,
    string? HostOs,
    string Status,
    string CreatedAt,
    string? UpdatedAt,
    string? LastActiveTime,
    IReadOnlyList<AgentPathShape>? Paths);

/// <param name="Id">UUID.</param>
/// <param name="AgentId">Whose path it is.</param>
/// <param name="DirPath">Absolute.</param>
/// <param name="ExcludePaths">Below it and left out, separated by commas.</param>
/// <param name="Status"><c>available</c> or <c>remove</c>.</param>
public sealed record AgentPathShape(string Id, string AgentId, string DirPath, string? ExcludePaths, string Status);

/// <summary>Writers and readers, made at compile time. Features are a map from keys with dots to any value.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(ReplicationCapabilitiesReply))]
[JsonSerializable(typeof(AgentCheckReply))]
[JsonSerializable(typeof(AgentListReply))]
[JsonSerializable(typeof(IReadOnlyDictionary<string, JsonNode>))]
[JsonSerializable(typeof(string))]
public sealed partial class CapabilityJson : JsonSerializerContext;
