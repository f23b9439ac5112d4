using System.Text.Json.Serialization;

namespace Strongroom.Contract.Identity;

/// <summary>
/// What versions there are. CBR lists them under <c>versions</c> ("Querying API Versions", Open Telekom Cloud); Keystone
/// describes one under <c>version</c>. An answer may carry both.
/// </summary>
public sealed record VersionsReply(
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] VersionShape? Version,
    IReadOnlyList<VersionShape> Versions);

/// <param name="Id"><c>v3</c>.</param>
/// <param name="Status"><c>CURRENT</c>.</param>
/// <param name="Links">Where it is.</param>
/// <param name="MediaTypes">Only where Keystone is meant.</param>
public sealed record VersionShape(
    string Id,
    string Status,
    IReadOnlyList<VersionLinkShape> Links,
    [property: JsonPropertyName("media-types")]
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    IReadOnlyList<MediaTypeShape>? MediaTypes);

public sealed record VersionLinkShape(string Href, string Rel);

public sealed record MediaTypeShape(string Base, string Type);
