namespace Strongroom.Server.Identity;

/// <summary>An access key. It signs as its user, with the roles the user has at the time.</summary>
/// <param name="AccessKey">20 capital letters and digits.</param>
/// <param name="UserId">Whose it is.</param>
/// <param name="ProjectId">The only project it is good for; null: all in which the user has a role.</param>
/// <param name="Description">For people; may be empty.</param>
/// <param name="CreatedAt">When it was made.</param>
/// <param name="ExpiresAt">Until when it is good; null: until it is deleted.</param>
/// <param name="IsTemporary">Whether it is only good together with a security token.</param>
public sealed record Credential(
    string AccessKey,
    string UserId,
    string? ProjectId,
    string Description,
    DateTimeOffset CreatedAt,
    DateTimeOffset? ExpiresAt,
    bool IsTemporary);

/// <summary>An access key just made: the only moment its secret is known.</summary>
/// <param name="Credential">What is kept.</param>
/// <param name="Secret">40 letters and digits.</param>
/// <param name="SecurityToken">Of a temporary key; else null.</param>
public sealed record NewCredential(Credential Credential, string Secret, string? SecurityToken);

/// <summary>As the database has it.</summary>
internal sealed record StoredCredential(Credential Credential, SealedSecret Secret, string? SecurityTokenHash);
