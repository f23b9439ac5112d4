using System.Text.Json.Serialization;

namespace Strongroom.Contract.Checkpoints;

/// <summary>Writers and readers of the checkpoint shapes, made at compile time.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(CheckpointReply))]
[JsonSerializable(typeof(IReadOnlyList<SkippedResourceShape>))]
public sealed partial class CheckpointJson : JsonSerializerContext;
