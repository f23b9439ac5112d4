namespace Strongroom.Server.Identity;

/// <summary>The owner of projects and users; names are unique among all domains.</summary>
public sealed record Domain(string Id, string Name, bool Enabled);

/// <summary>What every resource, vault and backup belongs to. The id is 32 hex digits; the name is unique in its domain.</summary>
public sealed record Project(string Id, string DomainId, string Name, string Description, bool Enabled);

/// <summary>Somebody, or something, that logs in. The name is unique in its domain.</summary>
public sealed record User(string Id, string DomainId, string Name, bool Enabled);

/// <summary>A role that a user has in a project or domain; <see cref="ScopeName"/> is that one's name.</summary>
public sealed record RoleAssignment(string UserId, string UserName, ScopeKind Scope, string ScopeId, string ScopeName, string Role);
