using System.Text.Json;
using System.Text.Json.Serialization;

namespace Strongroom.Contract.Identity;

/// <summary>Writers and readers of the identity shapes, made at compile time.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(TokenReply))]
[JsonSerializable(typeof(CatalogReply))]
[JsonSerializable(typeof(ProjectListReply))]
[JsonSerializable(typeof(ProjectReply))]
[JsonSerializable(typeof(DomainListReply))]
[JsonSerializable(typeof(VersionsReply))]
[JsonSerializable(typeof(DomainProjectsReply))]
[JsonSerializable(typeof(ProjectOwnerReply))]
[JsonSerializable(typeof(RegionProjectsReply))]
public sealed partial class IdentityJson : JsonSerializerContext;
