using System.Text.Json.Serialization;

namespace Strongroom.Contract.Undo;

/// <summary>What a project deleted and an administrator can still bring back, the latest first; at most 1000 of each.</summary>
public sealed record DeletedReply(IReadOnlyList<DeletedVaultShape> Vaults, IReadOnlyList<DeletedBackupShape> Backups);

public sealed record DeletedVaultShape(string Id, string Name);

public sealed record DeletedBackupShape(
    string Id, string Name, string VaultId, string ResourceId, string ResourceName, string ResourceType, string CreatedAt);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(DeletedReply))]
public sealed partial class DeletedJson : JsonSerializerContext;
