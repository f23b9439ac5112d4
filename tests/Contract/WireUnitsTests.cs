namespace Strongroom.Contract.Tests;

public sealed class WireUnitsTests
{
    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 1)]
    [InlineData(1L << 30, 1)]
    [InlineData((1L << 30) + 1, 2)]
    [InlineData((40L << 30) - 1, 40)]
    [InlineData(long.MaxValue, int.MaxValue)]
    public void A_resource_takes_whole_GB_and_at_least_one(long bytes, int gb) => Assert.Equal(gb, WireUnits.ResourceSizeGb(bytes));

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 1)]
    [InlineData(1L << 20, 1)]
    [InlineData((1L << 20) + 1, 2)]
    [InlineData(long.MaxValue, int.MaxValue)]
    public void Used_space_is_whole_MB_and_nothing_only_when_there_is_nothing(long bytes, int mb) => Assert.Equal(mb, WireUnits.UsedMb(bytes));

    [Fact]
    public void Sums_past_32_bits_show_as_the_largest_number_clients_can_read()
    {
        Assert.Equal(2147483647, WireUnits.SumGb(2147483647));
        Assert.Equal(2147483647, WireUnits.SumGb(2147483648));
    }

    [Theory]
    [InlineData(0, "1970-01-01T00:00:00.000000")]
    [InlineData(1_730_775_612_415_902, "2024-11-05T03:00:12.415902")]
    [InlineData(1_730_775_612_000_000, "2024-11-05T03:00:12.000000")]
    public void Instants_have_six_digits_and_no_zone(long microseconds, string text) =>
        Assert.Equal(text, WireUnits.Instant(DateTimeOffset.UnixEpoch.AddTicks(microseconds * 10).ToOffset(TimeSpan.FromHours(5))));
}
