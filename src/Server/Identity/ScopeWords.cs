using System.Diagnostics;

namespace Strongroom.Server.Identity;

/// <summary>The stored words of <see cref="ScopeKind"/>.</summary>
internal static class ScopeWords
{
    public static string ToWord(this ScopeKind scope) => scope switch
    {
        ScopeKind.None => "none",
        ScopeKind.Project => "project",
        ScopeKind.Domain => "domain",
        _ => throw new UnreachableException(),
    };

    public static ScopeKind Read(string word) => word switch
    {
        "none" => ScopeKind.None,
        "project" => ScopeKind.Project,
        "domain" => ScopeKind.Domain,
        _ => throw new InvalidDataException($"The database holds the unknown scope '{word}'."),
    };
}
