using System.Text.Json;
using System.Text.Json.Serialization;

namespace Strongroom.Contract.Vaults;

/// <summary>Writers and readers of the vault shapes, made at compile time.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(VaultShape))]
[JsonSerializable(typeof(VaultReply))]
[JsonSerializable(typeof(VaultListReply))]
[JsonSerializable(typeof(AddResourcesReply))]
[JsonSerializable(typeof(RemoveResourcesReply))]
[JsonSerializable(typeof(MigrateResourcesReply))]
[JsonSerializable(typeof(SetResourcesReply))]
[JsonSerializable(typeof(BatchUpdateReply))]
[JsonSerializable(typeof(SummaryReply))]
[JsonSerializable(typeof(StorageUsageReply))]
[JsonSerializable(typeof(VaultTagsReply))]
[JsonSerializable(typeof(ProjectTagsReply))]
[JsonSerializable(typeof(TaggedVaultsReply))]
[JsonSerializable(typeof(OrderReply))]
[JsonSerializable(typeof(OrderChangeReply))]
[JsonSerializable(typeof(OldOrderChangeReply))]
[JsonSerializable(typeof(IReadOnlyList<TagShape>))]
[JsonSerializable(typeof(ResourceExtraInfoShape))]
[JsonSerializable(typeof(BindRulesShape))]
public sealed partial class VaultJson : JsonSerializerContext;
