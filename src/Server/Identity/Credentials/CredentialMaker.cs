using System.Security.Cryptography;
using Strongroom.Contract;
using Strongroom.Server.Database;

namespace Strongroom.Server.Identity;

/// <summary>Makes access keys and stores them sealed.</summary>
internal sealed class CredentialMaker(MetadataDatabase database, TimeProvider time, CredentialSeal seal)
{
    // One user's; programs share one, and rotating takes two. The public clouds allow 2, and a bound on what a log-in can make.
    public const int LastingCountMax = 100;
    public const int TemporaryCountMax = 1000;
    public const int DescriptionLengthMax = 255;

    private const string Capitals = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    private const string Letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

    /// <summary>One that lasts until it is deleted; durable on return.</summary>
    /// <param name="userId">Whose it is; must exist.</param>
    /// <param name="projectId">The only project it is good for, or null.</param>
    /// <param name="description">For people.</param>
    /// <param name="cancellationToken">Stops before it is stored.</param>
    public Task<NewCredential> MakeAsync(string userId, string? projectId, string description, CancellationToken cancellationToken) =>
        StoreAsync(userId, projectId, description, validFor: null, cancellationToken);

    /// <summary>One that is only good together with its security token, and for this long.</summary>
    public Task<NewCredential> MakeTemporaryAsync(string userId, string? projectId, TimeSpan validFor, CancellationToken cancellationToken) =>
        StoreAsync(userId, projectId, "", validFor, cancellationToken);

    private Task<NewCredential> StoreAsync(
        string userId, string? projectId, string description, TimeSpan? validFor, CancellationToken cancellationToken)
    {
        if (description.Length > DescriptionLengthMax || description.Any(char.IsControl))
            throw new RefusedException(ErrorCodes.ParameterInvalid, $"description has at most {DescriptionLengthMax} characters and no control characters.");
        bool isTemporary = validFor is not null;
        int countMax = isTemporary ? TemporaryCountMax : LastingCountMax;
        string accessKey = (isTemporary ? "HST" : "") + RandomNumberGenerator.GetString(Capitals, isTemporary ? 17 : 20);
        string secret = RandomNumberGenerator.GetString(Letters, 40);
        string? securityToken = isTemporary ? TokenHash.NewText() : null;
        return database.WriteAsync(
            async session =>
            {
                if (await CredentialTable.CountAsync(session, userId, isTemporary, cancellationToken) >= countMax)
                    throw new RefusedException(IdentityErrorCodes.Conflict, $"The user has {countMax} access keys already: delete one that is not used any more.");
                DateTimeOffset now = time.GetStoredNow();
                var credential = new Credential(accessKey, userId, projectId, description, now, now + validFor, isTemporary);
                SealedSecret sealedSecret = await seal.SealAsync(session, accessKey, secret, cancellationToken);
                string? hash = securityToken is null ? null : SignedIdentity.HashOf(securityToken);
                await CredentialTable.InsertAsync(session, new StoredCredential(credential, sealedSecret, hash), cancellationToken);
                return new NewCredential(credential, secret, securityToken);
            },
            cancellationToken);
    }
}
