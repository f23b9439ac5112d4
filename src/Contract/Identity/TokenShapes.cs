using System.Text.Json.Serialization;

namespace Strongroom.Contract.Identity;

// The shapes of Keystone's Identity API v3 ("Password authentication with scoped authorization", read 2026-01), in its member order.

public sealed record TokenReply(TokenShape Token);

/// <param name="Methods">How the user proved who they are.</param>
/// <param name="User">Whose token it is.</param>
/// <param name="AuditIds">The token's own audit id; then that of the first token of its chain, if it was made from another.</param>
/// <param name="ExpiresAt">Six fraction digits and a Z.</param>
/// <param name="IssuedAt">As <paramref name="ExpiresAt"/>.</param>
/// <param name="Project">Only for a token of a project.</param>
/// <param name="IsDomain">False with a project, else absent.</param>
/// <param name="Domain">Only for a token of a domain.</param>
/// <param name="Roles">Absent for a token of nothing.</param>
/// <param name="Catalog">Absent for a token of nothing, and when the caller did not want it.</param>
public sealed record TokenShape(
    IReadOnlyList<string> Methods,
    TokenUserShape User,
    IReadOnlyList<string> AuditIds,
    string ExpiresAt,
    string IssuedAt,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] ScopedProjectShape? Project,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] bool? IsDomain,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] NamedShape? Domain,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyList<NamedShape>? Roles,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyList<ServiceShape>? Catalog);

/// <param name="Id">32 hex digits.</param>
/// <param name="Name">Unique in the domain.</param>
/// <param name="Domain">The user's domain.</param>
/// <param name="PasswordExpiresAt">Always null: passwords do not expire.</param>
public sealed record TokenUserShape(string Id, string Name, NamedShape Domain, string? PasswordExpiresAt);

public sealed record ScopedProjectShape(string Id, string Name, NamedShape Domain);

/// <summary>A domain or role where only its id and name are told.</summary>
public sealed record NamedShape(string Id, string Name);

/// <summary>One service of the catalogue.</summary>
public sealed record ServiceShape(string Id, string Type, string Name, IReadOnlyList<EndpointShape> Endpoints);

/// <param name="Id">Unique in the catalogue.</param>
/// <param name="Interface"><c>public</c>, <c>internal</c> or <c>admin</c>.</param>
/// <param name="RegionId">Same as <paramref name="Region"/>.</param>
/// <param name="Region">Clients compare it with the one they are set to.</param>
/// <param name="Url">Of type <c>cbr</c>: ends with <c>/v3/{project_id}</c>.</param>
public sealed record EndpointShape(string Id, string Interface, string RegionId, string Region, string Url);

public sealed record CatalogReply(IReadOnlyList<ServiceShape> Catalog, LinksShape Links);

public sealed record ProjectReply(ProjectShape Project);

public sealed record ProjectListReply(IReadOnlyList<ProjectShape> Projects, LinksShape Links);

/// <param name="Id">32 hex digits.</param>
/// <param name="Name">Unique in the domain.</param>
/// <param name="DomainId">The owner.</param>
/// <param name="ParentId">Same as <paramref name="DomainId"/>: projects are not nested.</param>
/// <param name="Description">May be empty.</param>
/// <param name="Enabled">A disabled one lets nobody in.</param>
/// <param name="IsDomain">Always false.</param>
/// <param name="Links">Where it is found.</param>
public sealed record ProjectShape(
    string Id,
    string Name,
    string DomainId,
    string ParentId,
    string Description,
    bool Enabled,
    bool IsDomain,
    SelfLinkShape Links);

public sealed record DomainListReply(IReadOnlyList<DomainShape> Domains, LinksShape Links);

public sealed record DomainShape(string Id, string Name, string Description, bool Enabled, SelfLinkShape Links);

public sealed record SelfLinkShape(string Self);

/// <summary>Of a list; there are no further pages, so the other two are null.</summary>
public sealed record LinksShape(string Self, string? Previous, string? Next);
