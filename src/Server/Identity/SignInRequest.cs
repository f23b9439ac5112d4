using Strongroom.Server.Http;

namespace Strongroom.Server.Identity;

/// <summary>A domain named by id or by name.</summary>
internal sealed record DomainReference(string? Id, string? Name)
{
    /// <summary>Clients that say no domain mean the one every installation has.</summary>
    public static readonly DomainReference Default = new(IdentityAdministration.DefaultDomainId, null);
}

/// <summary>A user or project named by its id, or by its name in a domain.</summary>
internal sealed record OwnedReference(string? Id, string? Name, DomainReference Domain);

/// <summary>The scope a new token is wanted for: at most one of the two is there.</summary>
internal sealed record ScopeReference(OwnedReference? Project, DomainReference? Domain)
{
    public static readonly ScopeReference None = new(null, null);
}

/// <summary>
/// The body of <c>POST /v3/auth/tokens</c>: either a user with a password, or a token. Source: Keystone Identity API v3,
/// "Authentication and token management" (read 2026-01).
/// </summary>
internal sealed record SignInRequest(OwnedReference? User, string? Password, string? TokenText, ScopeReference Scope)
{
    /// <summary>Stands for whoever comes with a token that nobody has, in the audit and where failures are counted.</summary>
    public const string NameOfTokens = "(token)";

    // Longer than any name or id that can exist, so that what is longer is refused before it is looked up or remembered.
    private const int NameLengthMax = 255;
    private const int SecretLengthMax = 4096;

    /// <summary>As whom somebody wants to sign in, as far as that is said.</summary>
    public string ClaimedName => User is null ? NameOfTokens : User.Name ?? User.Id!;

    public static SignInRequest Read(BodyValue body)
    {
        BodyValue auth = body["auth"].Object();
        BodyValue identity = auth["identity"].Object();
        string[] methods = [.. identity["methods"].List(1, 8, method => method.Text(1, NameLengthMax)).Distinct(StringComparer.Ordinal)];
        ScopeReference scope = ReadScope(auth["scope"]);
        return methods switch
        {
            ["password"] => ReadPassword(identity["password"]["user"], scope),
            ["token"] => new SignInRequest(null, null, identity["token"]["id"].Text(1, SecretLengthMax), scope),
            _ => throw identity["methods"].Refused("must be one of password and token"),
        };
    }

    private static SignInRequest ReadPassword(BodyValue user, ScopeReference scope) =>
        new(ReadOwned(user), user["password"].Text(0, SecretLengthMax), null, scope);

    private static ScopeReference ReadScope(BodyValue scope)
    {
        if (!scope.IsGiven || (scope.IsText && scope.Word(["unscoped"]).Length > 0))
            return ScopeReference.None;
        BodyValue project = scope["project"];
        BodyValue domain = scope["domain"];
        return (project.IsGiven, domain.IsGiven, scope["unscoped"].IsGiven) switch
        {
            (true, false, false) => new ScopeReference(ReadOwned(project), null),
            (false, true, false) => new ScopeReference(null, ReadDomain(domain)),
            (false, false, true) => ScopeReference.None,
            _ => throw scope.Refused("must hold one of project, domain and unscoped"),
        };
    }

    private static OwnedReference ReadOwned(BodyValue value)
    {
        BodyValue domain = value["domain"];
        return value["id"].TextOrNull(1, NameLengthMax) is { } id
            ? new OwnedReference(id, null, DomainReference.Default)
            : new OwnedReference(null, value["name"].Text(1, NameLengthMax), domain.IsGiven ? ReadDomain(domain) : DomainReference.Default);
    }

    private static DomainReference ReadDomain(BodyValue domain) =>
        domain["id"].TextOrNull(1, NameLengthMax) is { } id
            ? new DomainReference(id, null)
            : new DomainReference(null, domain["name"].Text(1, NameLengthMax));
}
