using Strongroom.Server.Http;

namespace Strongroom.Server.Tests.Http;

public sealed class ActionPolicyTests : IDisposable
{
    private readonly ActionPolicy policy = new();
    private readonly DirectoryInfo directory = Directory.CreateTempSubdirectory("strongroom-policy-");

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
        bool[] actual = [.. policy.Roles.Select(role => policy.Allows([role], action))];

        Assert.Equal(expected, actual);
    }

    [Fact]
    public void Roles_add_up_and_unknown_ones_count_for_nothing()
    {
        Assert.False(policy.Allows([], "cbr:vaults:get"));
        Assert.False(policy.Allows(["member", "Admin"], "cbr:vaults:get"));
        Assert.True(policy.Allows(["member", "cbr_reader", "cbr_operator"], "cbr:vaults:create"));
    }

    [Fact]
    public void A_file_adds_roles_and_puts_other_rules_in_place_of_built_in_ones()
    {
        ActionPolicy written = Load("""
            {
              "roles": {
                // Comments are allowed.
                "backup_only": ["cbr:*:get*", "cbr:vaults:backup"],
                "cbr_operator": ["cbr:*", "!cbr:policies:*", "!cbr:backups:delete"],
              },
            }
            """);

        Assert.Equal(["admin", "cbr_full", "cbr_operator", "cbr_reader", "backup_only"], written.Roles);
        Assert.True(written.Allows(["backup_only"], "cbr:vaults:backup"));
        Assert.True(written.Allows(["backup_only"], "cbr:backups:getMetadata"));
        Assert.False(written.Allows(["backup_only"], "cbr:vaults:backups"));
        Assert.False(written.Allows(["backup_only"], "cbr:vaults:delete"));
        Assert.False(written.Allows(["cbr_operator"], "cbr:policies:get"));
        Assert.False(written.Allows(["cbr_operator"], "cbr:backups:delete"));
        Assert.True(written.Allows(["cbr_operator", "cbr_full"], "cbr:backups:delete"));
        Assert.True(written.Allows(["cbr_reader"], "cbr:policies:list"));
    }

    [Theory]
    [InlineData("", "JSON")]
    [InlineData("[]", "it must look like")]
    [InlineData("""{"roles":{},"rules":{}}""", "'rules'")]
    [InlineData("""{"roles":{"admin":["*"]}}""", "'admin' may do everything")]
    [InlineData("""{"roles":{"a b":["*"]}}""", "'a b'")]
    [InlineData("""{"roles":{"x":"*"}}""", "'x' must be a list")]
    [InlineData("""{"roles":{"x":["cbr:vaults"]}}""", "\"cbr:vaults\"")]
    [InlineData("""{"roles":{"x":["cbr:*:*:*"]}}""", "\"cbr:*:*:*\"")]
    [InlineData("""{"roles":{"x":["cbr:va*ts:get"]}}""", "\"cbr:va*ts:get\"")]
    [InlineData("""{"roles":{"x":[7]}}""", "the rule 7")]
    [InlineData("""{"roles":{"x":[]},"roles":{}}""", "roles")]
    [InlineData("""{"roles":{"x":["cbr:vault:get"]}}""", "no action matches the rule 'cbr:vault:get' of the role 'x'")]
    public void A_wrong_file_is_refused_with_what_is_wrong(string text, string reason)
    {
        string file = WriteFile(text);

        var refusal = Assert.Throws<StartRefusedException>(() => StrongroomHost.ExplainPolicy(file));

        Assert.Contains(file, refusal.Message, StringComparison.Ordinal);
        Assert.Contains(reason, refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_file_stops_the_start()
    {
        var options = new ServerOptions { DataDirectory = Path.GetTempPath() };
        options.Identity.PolicyFile = "/nowhere/policy.json";

        var refusal = Assert.Throws<StartRefusedException>(() => StrongroomHost.Build(options));

        Assert.Contains("/nowhere/policy.json", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_built_in_printed_as_a_file_is_the_same_policy()
    {
        string file = WriteFile(policy.ToFileText());

        Assert.Equivalent(StrongroomHost.ExplainPolicy(null), StrongroomHost.ExplainPolicy(file), strict: true);
    }

    public void Dispose() => directory.Delete(recursive: true);

    private ActionPolicy Load(string text) => ActionPolicy.Load(WriteFile(text));

    private string WriteFile(string text)
    {
        string file = Path.Combine(directory.FullName, "policy.json");
        File.WriteAllText(file, text);
        return file;
    }
}
