using System.Text.Json.Serialization;

namespace Strongroom.Contract.Backups;

/// <summary>Writers and readers of the backup shapes, made at compile time.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(BackupReply))]
[JsonSerializable(typeof(BackupListReply))]
[JsonSerializable(typeof(BackupMetadataReply))]
[JsonSerializable(typeof(RestoreReply))]
public sealed partial class BackupJson : JsonSerializerContext;
