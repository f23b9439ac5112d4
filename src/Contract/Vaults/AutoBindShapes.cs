using System.Text.Json.Serialization;

namespace Strongroom.Contract.Vaults;

/// <summary>Answer of <c>POST /strongroom/v1/{project_id}/vaults/{vault_id}/bind</c>: what the rules of the vault did just now.</summary>
/// <param name="VaultId">The vault.</param>
/// <param name="Joined">Resources the rules brought in.</param>
/// <param name="Left">Resources that are there no more; their backups stay.</param>
/// <param name="Refused">Resources the rules ask for and that did not fit into it or any other vault.</param>
public sealed record AutoBindReply(
    string VaultId, IReadOnlyList<BoundResourceShape> Joined, IReadOnlyList<LeftResourceShape> Left, IReadOnlyList<RefusedResourceShape> Refused);

public sealed record BoundResourceShape(string Id, string Type, string Name);

public sealed record LeftResourceShape(string Id, string Type, string Name, string Reason);

/// <param name="Code">What adding it by hand would have been refused with.</param>
public sealed record RefusedResourceShape(string Id, string Type, string Name, string Code, string Reason);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(AutoBindReply))]
public sealed partial class AutoBindJson : JsonSerializerContext;
