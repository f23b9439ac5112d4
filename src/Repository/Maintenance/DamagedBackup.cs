using System.Security.Cryptography;
using Strongroom.ObjectStores;
using Strongroom.Repository.Format;

namespace Strongroom.Repository.Maintenance;

/// <summary>
/// The mark on a backup of which chunks are missing (docs/repository-format.md, section 10): no backup is compared with it,
/// since what is taken over unread could be what is missing. The mark's being there counts, not what it says.
/// </summary>
internal static class DamagedBackup
{
    public static async ValueTask<bool> IsMarkedAsync(RepositoryDomain domain, string backupId, CancellationToken cancellationToken) =>
        await domain.Store.StatAsync(domain.Names.DamagedBackup(backupId), cancellationToken) is not null;

    public static ValueTask MarkAsync(RepositoryDomain domain, string backupId, CancellationToken cancellationToken)
    {
        var text = new DamagedText(FormatVersion.Current, backupId);
        return domain.Store.PutAsync(
            domain.Names.DamagedBackup(backupId), CheckedText.Write(text, FormatJson.Default.DamagedText, SHA256.HashData), PutMode.Replace, cancellationToken);
    }

    public static ValueTask ClearAsync(RepositoryDomain domain, string backupId, CancellationToken cancellationToken) =>
        domain.Store.DeleteAsync(domain.Names.DamagedBackup(backupId), cancellationToken);

    public static async ValueTask<List<string>> ListAsync(RepositoryDomain domain, CancellationToken cancellationToken) =>
        await domain.Store.ListAsync(domain.Names.Damaged, cancellationToken)
            .Select(stat => stat.Name[domain.Names.Damaged.Length..])
            .Where(ObjectNames.IsValidId)
            .ToListAsync(cancellationToken);

    /// <exception cref="RepositoryException">The mark is not as written.</exception>
    public static async ValueTask CheckAsync(RepositoryDomain domain, string backupId, CancellationToken cancellationToken)
    {
        string name = domain.Names.DamagedBackup(backupId);
        if (await CheckedText.ReadAsync(domain.Store, name, cancellationToken) is { } line
            && (!line.Matches(SHA256.HashData(line.Line)) || line.Parse(FormatJson.Default.DamagedText).Backup != backupId))
            throw new RepositoryException(RepositoryFailure.Damaged, name, "Its check does not match.");
    }
}
