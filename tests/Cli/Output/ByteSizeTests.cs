using Strongroom.Cli.Output;

namespace Strongroom.Cli.Tests.Output;

public sealed class ByteSizeTests
{
    [Theory]
    [InlineData(0, "0 B")]
    [InlineData(1023, "1023 B")]
    [InlineData(1024, "1.0 KiB")]
    [InlineData(1536, "1.5 KiB")]
    [InlineData((1 << 20) - 1, "1.0 MiB")]
    [InlineData(268435456, "256.0 MiB")]
    [InlineData(1099511627776, "1.0 TiB")]
    [InlineData(long.MaxValue, "8.0 EiB")]
    [InlineData(-2048, "-2.0 KiB")]
    public void Sizes_are_shown_in_IEC_units(long bytes, string expected) =>
        Assert.Equal(expected, new ByteSize(bytes).ToString());
}
