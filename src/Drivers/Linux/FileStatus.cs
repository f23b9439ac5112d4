using System.Runtime.InteropServices;

namespace Strongroom.Drivers.Linux;

/// <summary><c>struct statx</c>, the one stat whose layout is the same on every architecture (statx(2)).</summary>
[StructLayout(LayoutKind.Explicit, Size = 256)]
internal struct FileStatus
{
    [FieldOffset(16)] internal uint LinkCount;
    [FieldOffset(20)] internal uint Uid;
    [FieldOffset(24)] internal uint Gid;
    [FieldOffset(28)] internal ushort ModeAndType;
    [FieldOffset(32)] internal ulong Inode;
    [FieldOffset(40)] internal long SizeBytes;
    [FieldOffset(96)] internal long ChangedSeconds;
    [FieldOffset(104)] internal uint ChangedNanoseconds;
    [FieldOffset(112)] internal long ModifiedSeconds;
    [FieldOffset(120)] internal uint ModifiedNanoseconds;
    [FieldOffset(128)] internal uint NodeMajor;
    [FieldOffset(132)] internal uint NodeMinor;
    [FieldOffset(136)] internal uint DeviceMajor;
    [FieldOffset(140)] internal uint DeviceMinor;

    private const int TypeMask = 0xF000;

    internal readonly int Permissions => ModeAndType & 0xFFF;

    internal readonly ulong Device => ((ulong)DeviceMajor << 32) | DeviceMinor;

    /// <summary>Null for a kind of file this product does not know.</summary>
    internal readonly TreeEntryType? Type => (ModeAndType & TypeMask) switch
    {
        0x8000 => TreeEntryType.File,
        0x4000 => TreeEntryType.Directory,
        0xA000 => TreeEntryType.SymbolicLink,
        0x1000 => TreeEntryType.Fifo,
        0xC000 => TreeEntryType.Socket,
        0x2000 => TreeEntryType.CharacterDevice,
        0x6000 => TreeEntryType.BlockDevice,
        _ => null,
    };

    internal readonly long ModifiedNs => NanosecondTime.FromParts(ModifiedSeconds, ModifiedNanoseconds);

    internal readonly long ChangedNs => NanosecondTime.FromParts(ChangedSeconds, ChangedNanoseconds);

    internal readonly bool IsSameFileAs(in FileStatus other) => Inode == other.Inode && Device == other.Device;
}

/// <summary>Nanoseconds since 1970 in a <see cref="long"/> reach from 1677 to 2262; a time beyond is kept as the nearest one.</summary>
internal static class NanosecondTime
{
    private const long PerSecond = 1_000_000_000;

    internal static long FromParts(long seconds, uint nanoseconds) =>
        CanHold(seconds) ? (seconds * PerSecond) + nanoseconds : seconds < 0 ? long.MinValue : long.MaxValue;

    internal static bool CanHold(long seconds) => seconds is > long.MinValue / PerSecond and < long.MaxValue / PerSecond;

    internal static TimeSpec ToTimeSpec(long nanoseconds)
    {
        (long seconds, long rest) = Math.DivRem(nanoseconds, PerSecond);
        return rest < 0
            ? new TimeSpec { Seconds = seconds - 1, Nanoseconds = rest + PerSecond }
            : new TimeSpec { Seconds = seconds, Nanoseconds = rest };
    }
}
