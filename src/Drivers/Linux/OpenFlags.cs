using System.Runtime.InteropServices;

namespace Strongroom.Drivers.Linux;

/// <summary>Flags of openat(2). Four of them have other numbers on arm64.</summary>
internal static class OpenFlags
{
    private static readonly bool Arm = RuntimeInformation.ProcessArchitecture is Architecture.Arm64;

    internal const int Read = 0;
    internal const int Write = 1;
    internal const int ReadWrite = 2;
    internal const int Create = 0x40;
    internal const int Exclusive = 0x80;
    internal const int NonBlocking = 0x800;
    internal const int NoAccessTime = 0x40000;
    internal const int CloseOnExec = 0x80000;
    internal const int PathOnly = 0x200000;

    internal static readonly int Direct = Arm ? 0x10000 : 0x4000;
    internal static readonly int Directory = Arm ? 0x4000 : 0x10000;
    internal static readonly int NoFollow = Arm ? 0x8000 : 0x20000;
    internal static readonly int Unnamed = 0x400000 | Directory;
}

/// <summary>Flags of the <c>…at</c> calls.</summary>
internal static class AtFlags
{
    internal const int NoFollow = 0x100;
    internal const int RemoveDirectory = 0x200;
    internal const int NoAutomount = 0x800;
    internal const int EmptyPath = 0x1000;
}
