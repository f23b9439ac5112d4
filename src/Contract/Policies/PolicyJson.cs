using System.Text.Json.Serialization;

namespace Strongroom.Contract.Policies;

/// <summary>Writers and readers of the policy shapes, made at compile time.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(PolicyReply))]
[JsonSerializable(typeof(PolicyListReply))]
[JsonSerializable(typeof(PolicyClockReply))]
[JsonSerializable(typeof(AssociatePolicyReply))]
[JsonSerializable(typeof(DissociatePolicyReply))]
[JsonSerializable(typeof(IReadOnlyList<string>))]
public sealed partial class PolicyJson : JsonSerializerContext;
