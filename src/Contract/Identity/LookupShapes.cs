namespace Strongroom.Contract.Identity;

/// <summary>The projects of one domain, in CBR's form.</summary>
public sealed record DomainProjectsReply(IReadOnlyList<DomainProjectShape> Projects);

public sealed record DomainProjectShape(string ProjectId, string ProjectName);

/// <summary>Whose project it is: asked for by those a backup is shared with.</summary>
public sealed record ProjectOwnerReply(string DomainId, string DomainName, string ProjectId, string ProjectName);

/// <param name="Links">Of the list itself.</param>
/// <param name="Projects">Those the caller has a role in.</param>
public sealed record RegionProjectsReply(SelfLinkShape Links, IReadOnlyList<ProjectShape> Projects);
