using System.ComponentModel.DataAnnotations;

namespace Strongroom.Server.Identity;

public sealed class IdentityOptions
{
    /// <summary>24 hours as on the public clouds (IAM "Obtaining a user token").</summary>
    [Range(typeof(TimeSpan), "00:01:00", "30.00:00:00")]
    public TimeSpan TokenLifetime { get; set; } = TimeSpan.FromHours(24);

    /// <summary>The region of the catalogue's entries; clients compare it with the one they are set to.</summary>
    [Required]
    [StringLength(64)]
    public string Region { get; set; } = "RegionOne";

    /// <summary>
    /// How long another process may go on honouring a token after it was revoked, or its user disabled, through this one.
    /// The process that did it stops at once. See <see cref="TokenAuthenticator"/>.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:01:00")]
    public TimeSpan RevocationDelayMax { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// How far the date of a signed request may be from this server's clock, in both directions. Longer lets worse clocks in,
    /// and keeps more used signatures.
    /// </summary>
    [Range(typeof(TimeSpan), "00:01:00", "01:00:00")]
    public TimeSpan SignatureWindow { get; set; } = TimeSpan.FromMinutes(15);

    /// <summary>
    /// What the secrets of access keys are sealed with: 32 random bytes in base64. Null: <c>keys/credentials.key</c> under
    /// the data directory, made with the first access key. All servers of one database need the same.
    /// </summary>
    public string? CredentialKey { get; set; }

    /// <summary>
    /// A file with roles of one's own, or other rules for the built-in ones (<see cref="Http.PolicyFile"/>). Null: the
    /// built-in ones alone. All servers of one database should have the same.
    /// </summary>
    public string? PolicyFile { get; set; }

    /// <summary>The password of the first user, from <c>STRONGROOM_ADMIN_PASSWORD</c>. Null: one is made up and shown once.</summary>
    public string? AdminPassword { get; set; }

    /// <summary>Rounds of password hashing. Not a setting: tests alone turn it down.</summary>
    internal int PasswordIterations { get; set; } = PasswordHash.DefaultIterations;
}
