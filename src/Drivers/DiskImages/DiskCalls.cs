using Microsoft.Win32.SafeHandles;
using Strongroom.Drivers.Linux;

namespace Strongroom.Drivers.DiskImages;

/// <summary>What a restored disk is made durable with; tests have calls that fail, or take their time. Errors are left in errno.</summary>
internal class DiskCalls
{
    internal virtual bool Write(SafeFileHandle file, long offset, ReadOnlySpan<byte> bytes) => Posix.Write(file, offset, bytes);

    internal virtual bool Flush(SafeFileHandle file) => Libc.FSync(file) >= 0;
}
