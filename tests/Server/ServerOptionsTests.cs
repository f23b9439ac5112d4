namespace Strongroom.Server.Tests;

public sealed class ServerOptionsTests : IDisposable
{
    private readonly string file = Path.GetTempFileName();

    public void Dispose() => File.Delete(file);

    [Fact]
    public void The_defaults_are_sound() => new ServerOptions().Validate();

    [Fact]
    public void A_file_sets_what_it_names_and_leaves_the_rest()
    {
        File.WriteAllText(file, """
            {
              // Comments are welcome.
              "Url": "http://*:9000",
              "Roles": "Api, Worker",
              "Identity": { "Region": "eu-1", "TokenLifetime": "02:00:00" }
            }
            """);

        ServerOptions options = ServerOptions.Load(file);

        options.Validate();
        Assert.Equal((null, 9000), options.ParseUrl());
        Assert.Equal(ServerRoles.Api | ServerRoles.Worker, options.Roles);
        Assert.Equal("eu-1", options.Identity.Region);
        Assert.Equal(TimeSpan.FromHours(2), options.Identity.TokenLifetime);
        Assert.Equal(TimeSpan.FromSeconds(1), options.Identity.RevocationDelayMax);
    }

    [Theory]
    [InlineData("""{ "Idenity": { "Region": "x" } }""", "Idenity")]
    [InlineData("""{ "Identity": { "Regoin": "x" } }""", "Regoin")]
    [InlineData("""{ "Identity": { "TokenLifetime": "soon" } }""", "TokenLifetime")]
    [InlineData("""{ "Url": """, "")]
    public void A_file_with_a_slip_stops_the_start_with_one_line_that_names_it(string text, string named)
    {
        File.WriteAllText(file, text);

        string message = Assert.Throws<StartRefusedException>(() => ServerOptions.Load(file)).Message;

        Assert.Contains(named, message, StringComparison.Ordinal);
        Assert.Contains(file, message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', message);
    }

    [Fact]
    public void A_file_that_is_not_there_stops_the_start() =>
        Assert.Throws<StartRefusedException>(() => ServerOptions.Load("/nowhere/settings.json"));

    [Theory]
    [InlineData("https://127.0.0.1:1")]
    [InlineData("127.0.0.1:8799")]
    [InlineData("http://example.org:80")]
    [InlineData("http://127.0.0.1:8799/cbr")]
    [InlineData("nonsense")]
    [InlineData("")]
    public void An_address_that_cannot_be_listened_on_is_refused(string url) =>
        Assert.Contains("Url", Assert.Throws<StartRefusedException>(() => new ServerOptions { Url = url }.Validate()).Message, StringComparison.Ordinal);

    [Fact]
    public void A_value_out_of_range_is_named()
    {
        var options = new ServerOptions();
        options.Identity.TokenLifetime = TimeSpan.FromSeconds(1);

        Assert.Contains("Identity:TokenLifetime", Assert.Throws<StartRefusedException>(options.Validate).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("api", ServerRoles.Api)]
    [InlineData(" API , worker", ServerRoles.Api | ServerRoles.Worker)]
    [InlineData("console,api,worker", ServerRoles.All)]
    public void Roles_are_read_from_words(string text, ServerRoles expected) => Assert.Equal(expected, ServerOptions.ParseRoles(text));

    [Theory]
    [InlineData("")]
    [InlineData("master")]
    public void A_role_nobody_knows_is_refused(string text) => Assert.Throws<StartRefusedException>(() => ServerOptions.ParseRoles(text));
}
