using System.Text.Json.Serialization;

namespace Strongroom.Server.Tasks;

/// <summary>The documents kept in a task's row.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(TaskPlan))]
[JsonSerializable(typeof(IReadOnlyList<string>))]
internal sealed partial class TaskJson : JsonSerializerContext;
