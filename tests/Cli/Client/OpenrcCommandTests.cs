namespace Strongroom.Cli.Tests.Client;

public sealed class OpenrcCommandTests
{
    [Fact]
    public async Task The_exports_name_the_service_the_user_and_the_project()
    {
        using var shell = new ShellDouble { Variables = { ["STRONGROOM_ADMIN_PASSWORD"] = "it's secret" } };

        await shell.Run("openrc", "--url", "http://10.0.0.5:8799/");

        Assert.Equal(
            """
            export OS_AUTH_URL='http://10.0.0.5:8799/v3'
            export OS_IDENTITY_API_VERSION='3'
            export OS_USERNAME='admin'
            export OS_PROJECT_NAME='demo'
            export OS_USER_DOMAIN_NAME='default'
            export OS_PROJECT_DOMAIN_NAME='default'
            export OS_PASSWORD='it'\''s secret'

            """,
            shell.Output);
    }

    [Fact]
    public async Task An_unknown_password_is_asked_for_by_the_shell_and_only_at_a_terminal()
    {
        using var shell = new ShellDouble();

        await shell.Run("openrc", "--username", "eve");

        Assert.Contains("[ -t 0 ]", shell.Output, StringComparison.Ordinal);
        Assert.Contains("printf 'Password of %s: ' 'eve' >&2", shell.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("export OS_PASSWORD=", shell.Output, StringComparison.Ordinal);
    }
}
