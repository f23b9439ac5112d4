using System.Globalization;
using Strongroom.Drivers.Linux;

namespace Strongroom.Drivers.DiskImages;

/// <summary>How much has been written to a block device, by the kernel's own account (Documentation/block/stat.rst).</summary>
internal static class DeviceWrites
{
    private const int WrittenSectorsField = 6;

    /// <summary>Sectors written since the device appeared, or null when the kernel does not say.</summary>
    internal static long? Count(in FileStatus device)
    {
        string path = string.Create(
            CultureInfo.InvariantCulture, $"/sys/dev/block/{device.NodeMajor}:{device.NodeMinor}/stat");
        if (!File.Exists(path))
            return null;
        string[] fields = File.ReadAllText(path).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        return fields.Length > WrittenSectorsField
            && long.TryParse(fields[WrittenSectorsField], CultureInfo.InvariantCulture, out long sectors)
            ? sectors
            : null;
    }
}
