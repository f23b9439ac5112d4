using System.Data.Common;
using Strongroom.Contract;
using Strongroom.Protection;
using Strongroom.Server.Vaults;

namespace Strongroom.Server.Backups;

/// <summary>What a backup may add to its vault.</summary>
/// <param name="FreeBytes">Without bound where the vault grows by itself or is billed by use.</param>
internal sealed record VaultRoom(VaultId? VaultId, long SizeGb, long FreeBytes)
{
    /// <param name="vault">Null: it is gone, and nothing is counted in it.</param>
    /// <param name="takenBytes">What other backups that are not counted yet will add.</param>
    public static VaultRoom Of(Vault? vault, long takenBytes)
    {
        if (vault is null)
            return new VaultRoom(null, 0, long.MaxValue);
        long freeBytes = (vault.SizeGb * WireUnits.BytesPerGb) - vault.UsedBytes;
        bool isBounded = !vault.DemandBilling && !(vault.AutoExpand && freeBytes > 0);
        return new VaultRoom(vault.Id, vault.SizeGb, isBounded ? freeBytes - takenBytes : long.MaxValue);
    }

    public RefusedException Full() => new(
        ErrorCodes.VaultFull, $"Vault {VaultId} is full: its {SizeGb} GB do not hold this backup. Enlarge it, switch auto_expand on, or delete backups.");
}

/// <summary>
/// Passes progress on and stops the run when it has found more than its vault has room for. Looks again every so often, since
/// other runs fill the vault meanwhile; what counts in the end is what the commit asks.
/// </summary>
internal sealed class RoomWatch : IProgress<RunProgress>, IAsyncDisposable
{
    private readonly IProgress<RunProgress> progress;
    private readonly CancellationTokenSource stop;
    private readonly CancellationTokenSource ending = new();
    private readonly Task looking;
    private long freeBytes;
    private long changedBytes;

    /// <param name="room">At the start.</param>
    /// <param name="look">Tells the room there is now.</param>
    /// <param name="interval">How often to look.</param>
    /// <param name="time">The clock.</param>
    /// <param name="progress">Where progress goes on to.</param>
    /// <param name="cancellationToken">Of the run.</param>
    public RoomWatch(
        VaultRoom room,
        Func<CancellationToken, Task<VaultRoom>> look,
        TimeSpan interval,
        TimeProvider time,
        IProgress<RunProgress> progress,
        CancellationToken cancellationToken)
    {
        this.progress = progress;
        freeBytes = room.FreeBytes;
        stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Token = stop.Token;
        looking = LookAsync(look, interval, time);
    }

    public CancellationToken Token { get; }

    public bool IsOver { get; private set; }

    public void Report(RunProgress value)
    {
        progress.Report(value);
        Volatile.Write(ref changedBytes, value.BytesChanged);
        StopWhenOver();
    }

    public async ValueTask DisposeAsync()
    {
        await ending.CancelAsync();
        await looking.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        ending.Dispose();
        stop.Dispose();
    }

    private async Task LookAsync(Func<CancellationToken, Task<VaultRoom>> look, TimeSpan interval, TimeProvider time)
    {
        while (true)
        {
            await Task.Delay(interval, time, ending.Token);
            try
            {
                Volatile.Write(ref freeBytes, (await look(ending.Token)).FreeBytes);
            }
            catch (DbException)
            {
                // The next look, or the commit, tells.
                continue;
            }

            StopWhenOver();
        }
    }

    private void StopWhenOver()
    {
        if (IsOver || Volatile.Read(ref changedBytes) <= Volatile.Read(ref freeBytes))
            return;
        IsOver = true;
        stop.Cancel();
    }
}
