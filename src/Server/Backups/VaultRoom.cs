using Strongroom.Contract;
using Strongroom.Protection;
using Strongroom.Server.Vaults;

namespace Strongroom.Server.Backups;

/// <summary>What a backup may add to its vault.</summary>
/// <param name="FreeBytes">Without bound where the vault grows by itself or is billed by use.</param>
internal sealed record VaultRoom(VaultId? VaultId, long SizeGb, long FreeBytes)
{
    /// <param name="vault">Null: it is gone, and nothing is counted in it.</param>
    public static VaultRoom Of(Vault? vault)
    {
        if (vault is null)
            return new VaultRoom(null, 0, long.MaxValue);
        long freeBytes = (vault.SizeGb * WireUnits.BytesPerGb) - vault.UsedBytes;
        bool isBounded = !vault.DemandBilling && !(vault.AutoExpand && freeBytes > 0);
        return new VaultRoom(vault.Id, vault.SizeGb, isBounded ? freeBytes : long.MaxValue);
    }

    public RefusedException Full() => new(
        ErrorCodes.VaultFull, $"Vault {VaultId} is full: its {SizeGb} GB do not hold this backup. Enlarge it, switch auto_expand on, or delete backups.");
}

/// <summary>Passes progress on and stops the run when it has found more than its vault has room for.</summary>
internal sealed class RoomWatch : IProgress<RunProgress>, IDisposable
{
    private readonly VaultRoom room;
    private readonly IProgress<RunProgress> progress;
    private readonly CancellationTokenSource stop;

    public RoomWatch(VaultRoom room, IProgress<RunProgress> progress, CancellationToken cancellationToken)
    {
        this.room = room;
        this.progress = progress;
        stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Token = stop.Token;
    }

    public CancellationToken Token { get; }

    public bool IsOver { get; private set; }

    public void Report(RunProgress value)
    {
        progress.Report(value);
        if (IsOver || value.BytesChanged <= room.FreeBytes)
            return;
        IsOver = true;
        stop.Cancel();
    }

    public void Dispose() => stop.Dispose();
}
