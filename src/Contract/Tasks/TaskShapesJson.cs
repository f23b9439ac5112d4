using System.Text.Json.Serialization;

namespace Strongroom.Contract.Tasks;

/// <summary>Writers and readers of the task shapes, made at compile time.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(OperationLogReply))]
[JsonSerializable(typeof(OperationLogListReply))]
[JsonSerializable(typeof(TaskReply))]
public sealed partial class TaskShapesJson : JsonSerializerContext;
