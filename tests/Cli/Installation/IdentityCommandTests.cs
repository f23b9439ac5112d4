using System.Text.Json;

namespace Strongroom.Cli.Tests.Installation;

/// <summary>On a real installation in a directory of its own.</summary>
public sealed class IdentityCommandTests : IDisposable
{
    private readonly string directory = Directory.CreateTempSubdirectory("strongroom-cli-").FullName;

    public void Dispose() => Directory.Delete(directory, recursive: true);

    [Fact]
    public async Task A_new_user_gets_a_password_that_is_shown_once_and_the_role_it_is_given()
    {
        using ShellDouble created = await Run("user", "create", "eve", "-f", "json");
        await Run("project", "create", "shop", "--description", "the web shop");
        await Run("role", "add", "eve", "cbr_reader", "--project", "shop");
        using ShellDouble users = await Run("user", "list", "-f", "value", "-c", "name");
        using ShellDouble roles = await Run("role", "list", "-f", "value");

        Assert.Equal(20, JsonDocument.Parse(created.Output).RootElement.GetProperty("password").GetString()!.Length);
        Assert.Equal("admin\neve\n", users.Output);
        Assert.Contains("eve\tcbr_reader\tproject\tshop\n", roles.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_password_can_come_from_a_file_and_is_not_printed()
    {
        string file = Path.Combine(directory, "password");
        await File.WriteAllTextAsync(file, "correct horse\n");

        using ShellDouble created = await Run("user", "create", "eve", "--password-file", file);

        Assert.DoesNotContain("correct horse", created.Output + created.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_access_key_shows_its_secret_once_and_can_be_listed_and_deleted()
    {
        using ShellDouble created = await Run("credential", "create", "--project", "demo", "--description", "for tests", "-f", "json");
        using ShellDouble temporary = await Run("credential", "create", "--valid-seconds", "900", "-f", "json");
        JsonElement made = JsonDocument.Parse(created.Output).RootElement;
        string accessKey = made.GetProperty("access_key").GetString()!;
        using ShellDouble list = await Run("credential", "list", "-f", "json");
        await Run("credential", "delete", accessKey);
        using ShellDouble rest = await Run("credential", "list", "-f", "value", "-c", "temporary");

        Assert.Equal(20, accessKey.Length);
        Assert.Equal(40, made.GetProperty("secret_key").GetString()!.Length);
        Assert.Equal(JsonValueKind.Null, made.GetProperty("security_token").ValueKind);
        Assert.NotNull(JsonDocument.Parse(temporary.Output).RootElement.GetProperty("security_token").GetString());
        Assert.Contains("for tests", list.Output, StringComparison.Ordinal);
        Assert.DoesNotContain(made.GetProperty("secret_key").GetString()!, list.Output, StringComparison.Ordinal);
        Assert.Equal("true\n", rest.Output);
        Assert.True(File.Exists(Path.Combine(directory, "keys", "credentials.key")));
    }

    [Theory]
    [InlineData(ExitCode.NotFound, "There is no access key 'AK'", "credential", "delete", "AK")]
    [InlineData(ExitCode.NotFound, "There is no user 'nobody'", "credential", "create", "--user", "nobody")]
    [InlineData(ExitCode.Usage, "--valid-seconds is 900 to 86400.", "credential", "create", "--valid-seconds", "899")]
    [InlineData(ExitCode.NotFound, "There is no user 'nobody'", "user", "delete", "nobody")]
    [InlineData(ExitCode.Refused, "There is a project 'demo'", "project", "create", "demo")]
    [InlineData(ExitCode.Usage, "Say where with either --project or --on-domain.", "role", "add", "admin", "cbr_reader")]
    internal async Task What_cannot_be_done_is_said(ExitCode expected, string message, params string[] arguments)
    {
        using ShellDouble shell = await Run(expected, arguments);

        Assert.Contains(message, shell.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_mistyped_directory_does_not_become_an_installation()
    {
        using var shell = new ShellDouble();
        string missing = Path.Combine(directory, "missing");

        Assert.Equal(ExitCode.NotFound, await shell.Run("user", "list", "--data", missing));
        Assert.False(Directory.Exists(missing));
    }

    private Task<ShellDouble> Run(params string[] arguments) => Run(ExitCode.Done, arguments);

    private async Task<ShellDouble> Run(ExitCode expected, string[] arguments)
    {
        var shell = new ShellDouble();
        ExitCode code = await shell.Run([.. arguments, "--data", directory]);
        Assert.True(code == expected, $"{code}: {shell.Error}");
        return shell;
    }
}
