using Strongroom.Contract.Backups;
using Strongroom.Server.Shares;
using Strongroom.Server.Vaults;

namespace Strongroom.Server.Backups;

/// <summary>A backup as one project sees it: its own, or one another project shares with it.</summary>
/// <param name="Backup">As its owner has it.</param>
/// <param name="Share">What the recipient answered; null for the owner.</param>
/// <param name="VaultId">The one it is in for this project: of a shared one the recipient's, null unless it accepted.</param>
internal sealed record SeenBackup(Backup Backup, ShareStatus? Share, VaultId? VaultId)
{
    public bool IsOwn => Share is null;

    /// <summary>On the wire. Nothing of the owner's vault shows to others.</summary>
    /// <param name="children">A server's disks where one backup is shown; empty in lists.</param>
    public BackupShape ToShape(IReadOnlyList<Backup> children)
    {
        BackupShape shape = Backup.ToShape(children);
        return IsOwn
            ? shape
            : shape with { VaultId = VaultId?.Value, Children = [.. shape.Children.Select(child => child with { VaultId = VaultId?.Value })] };
    }
}
