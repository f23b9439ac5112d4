using System.ComponentModel.DataAnnotations;

namespace Strongroom.Server.Vaults;

/// <summary>Limits the public clouds differ in.</summary>
public sealed class VaultOptions
{
    /// <summary>The smallest vault that can be made: 10 in the current API reference, 1 in older ones.</summary>
    [Range(1, 10485760)]
    public int SizeMinGb { get; set; } = 10;

    /// <summary>Tags per vault: 20 on Open Telekom Cloud since 2023-08, 10 on Huawei Cloud.</summary>
    [Range(1, 100)]
    public int TagCountMax { get; set; } = 20;

    /// <summary>Vaults per project. The clouds set none; a bound keeps one project's lists from becoming everybody's load.</summary>
    [Range(1, 100_000)]
    public int VaultCountMax { get; set; } = 10_000;

    /// <summary>How often vaults with <c>auto_bind</c> look for resources their rules ask for; zero: only on request.</summary>
    public TimeSpan BindInterval { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>
    /// A vault takes nothing by itself unless more than this of it is unallocated. 40 on the public clouds, whose vaults are large;
    /// 0 here, because what does not join is not protected.
    /// </summary>
    [Range(0, 10485760)]
    public int BindReserveGb { get; set; }

    /// <summary>What a vault's rules brought in leaves it when its source has been missing for so long, in time the service runs.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "3650.00:00:00")]
    public TimeSpan SourceGoneAfter { get; set; } = TimeSpan.FromDays(7);

    /// <summary>Vaults kept ready to be sent: some ten thousand of them with ten resources each.</summary>
    [Range(0, 1L << 40)]
    public long CacheBytesMax { get; set; } = 64 << 20;
}
