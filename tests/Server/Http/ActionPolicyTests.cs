using Strongroom.Server.Http;

namespace Strongroom.Server.Tests.Http;

public sealed class ActionPolicyTests
{
    private readonly ActionPolicy policy = new();

    [Theory]
    //                                   admin  full   operator reader
    [InlineData("cbr:vaults:get", true, true, true, true)]
    [InlineData("cbr:vaults:list", true, true, true, true)]
    [InlineData("cbr:vaults:listExternalVaults", true, true, true, true)]
    [InlineData("cbr:vaults:showSummary", true, true, true, true)]
    [InlineData("cbr:backups:getMetadata", true, true, true, true)]
    [InlineData("cbr:vaults:create", true, true, true, false)]
    [InlineData("cbr:vaults:addResources", true, true, true, false)]
    [InlineData("cbr:policies:get", true, true, true, true)]
    [InlineData("cbr:policies:create", true, true, false, false)]
    [InlineData("cbr:policies:update", true, true, false, false)]
    [InlineData("cbr:policies:delete", true, true, false, false)]
    [InlineData("cbr:vaults:associatePolicy", true, true, true, false)]
    [InlineData("strongroom:resources:create", true, false, false, false)]
    [InlineData("strongroom:resources:list", true, false, false, false)]
    public void Each_role_may_do_what_it_is_for(string action, params bool[] expected)
    {
        bool[] actual = [.. ActionPolicy.Roles.Select(role => policy.Allows([role], action))];

        Assert.Equal(expected, actual);
    }

    [Fact]
    public void Roles_add_up_and_unknown_ones_count_for_nothing()
    {
        Assert.False(policy.Allows([], "cbr:vaults:get"));
        Assert.False(policy.Allows(["member", "Admin"], "cbr:vaults:get"));
        Assert.True(policy.Allows(["member", "cbr_reader", "cbr_operator"], "cbr:vaults:create"));
    }
}
