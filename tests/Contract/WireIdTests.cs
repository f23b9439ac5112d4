namespace Strongroom.Contract.Tests;

public sealed class WireIdTests
{
    [Theory]
    [InlineData("7f0a4a1c-9b52-4d27-8f0f-31c7f7a2d6e4", true)]
    [InlineData("00000000-0000-0000-0000-000000000000", true)]
    [InlineData("7F0a4a1c-9b52-4d27-8f0f-31c7f7a2d6e4", false)]
    [InlineData("7f0a4a1c-9b52-4d27-8f0f-31c7f7a2d6eg", false)]
    [InlineData("7f0a4a1c-9b52-4d27-8f0f-31c7f7a2d6e", false)]
    [InlineData("7f0a4a1c-9b52-4d27-8f0f-31c7f7a2d6e44", false)]
    [InlineData("7f0a4a1c9-b52-4d27-8f0f-31c7f7a2d6e4", false)]
    [InlineData("7f0a4a1c9b524d278f0f31c7f7a2d6e4", false)]
    [InlineData("7f0a4a1c 9b52 4d27 8f0f 31c7f7a2d6e4", false)]
    [InlineData("7f0a4a1c-9b52-4d27-8f0f-31c7f7a2d6\u0665\u0664", false)]
    [InlineData("", false)]
    public void An_id_is_a_UUID_in_lower_case_with_dashes(string text, bool isWellFormed) => Assert.Equal(isWellFormed, WireId.IsWellFormed(text));

    [Fact]
    public void Every_new_id_is_well_formed() => Assert.True(WireId.IsWellFormed(Guid.NewGuid().ToString()));
}
