using System.Security.Cryptography;

namespace Strongroom.Server.Identity;

/// <summary>Makes a new installation usable: domain <c>default</c>, project <c>demo</c>, user <c>admin</c>.</summary>
internal static class FirstStart
{
    public const string ProjectName = "demo";
    public const string UserName = "admin";

    /// <summary>Does nothing unless the database is empty.</summary>
    /// <param name="administration">Of the database to fill.</param>
    /// <param name="options">Holds the password, if the operator gave one.</param>
    /// <param name="output">Where a made-up password is shown, this once.</param>
    /// <param name="cancellationToken">Stops before anything is stored.</param>
    public static async Task EnsureAsync(
        IdentityAdministration administration,
        IdentityOptions options,
        TextWriter output,
        CancellationToken cancellationToken)
    {
        if (!await administration.IsEmptyAsync(cancellationToken))
            return;
        string? given = string.IsNullOrEmpty(options.AdminPassword) ? null : options.AdminPassword;
        string password = given ?? RandomNumberGenerator.GetString("abcdefghjkmnpqrstuvwxyzABCDEFGHJKMNPQRSTUVWXYZ23456789", 20);
        if (await administration.TryBootstrapAsync(UserName, password, ProjectName, cancellationToken) && given is null)
        {
            await output.WriteLineAsync(
                $"First start: log in as user '{UserName}' of project '{ProjectName}', domain 'default', with the password {password} (shown only now).");
        }
    }
}
