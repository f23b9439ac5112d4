using Strongroom.Server.Database;
using Strongroom.Server.Identity;

namespace Strongroom.Server.Tests.Identity;

public sealed class FirstStartTests : IAsyncLifetime
{
    private readonly TestDatabase testDatabase = TestDatabase.Sqlite();
    private MetadataDatabase? database;
    private IdentityAdministration? administration;

    private IdentityAdministration Administration => administration!;

    public async ValueTask InitializeAsync()
    {
        database = testDatabase.Open();
        await Migrations.ApplyAsync(database, new FakeTimeProvider(), default);
        administration = new IdentityAdministration(database, new FakeTimeProvider(), new IdentityOptions { PasswordIterations = 1 });
    }

    public async ValueTask DisposeAsync()
    {
        await database!.DisposeAsync();
        await testDatabase.DisposeAsync();
    }

    [Fact]
    public async Task An_empty_database_gets_a_domain_a_project_and_an_administrator_whose_password_is_shown_once()
    {
        var first = new StringWriter();
        var second = new StringWriter();

        await FirstStart.EnsureAsync(Administration, new IdentityOptions(), first, default);
        await FirstStart.EnsureAsync(Administration, new IdentityOptions(), second, default);

        Assert.Matches("password [a-zA-Z0-9]{20} ", first.ToString());
        Assert.Empty(second.ToString());
        Assert.Equal("default", Assert.Single(await Administration.ListDomainsAsync(default)).Id);
        Project project = Assert.Single(await Administration.ListProjectsAsync(default));
        Assert.Equal("demo", project.Name);
        Assert.Matches("^[0-9a-f]{32}$", project.Id);
        Assert.Equal("admin", Assert.Single(await Administration.ListUsersAsync(default)).Name);
        Assert.Equal(
            [(ScopeKind.Domain, "default", "admin"), (ScopeKind.Project, "demo", "admin")],
            (await Administration.ListRoleAssignmentsAsync(default)).Select(role => (role.Scope, role.ScopeName, role.Role)));
    }

    [Fact]
    public async Task A_password_the_operator_gave_is_taken_whatever_its_length_and_not_shown()
    {
        var output = new StringWriter();

        await FirstStart.EnsureAsync(Administration, new IdentityOptions { AdminPassword = "pw" }, output, default);

        Assert.Empty(output.ToString());
        string hash = (await database!.ReadAsync(session => session.QueryFirstAsync($"select password_hash from users", row => row.GetString(0), default), default))!;
        Assert.True(PasswordHash.Matches(hash, "pw"));
        Assert.False(PasswordHash.Matches(hash, "Pw"));
    }

    [Fact]
    public async Task Processes_that_start_at_once_make_one_administrator()
    {
        StringWriter[] outputs = [.. Enumerable.Range(0, 8).Select(_ => new StringWriter())];

        await Task.WhenAll(outputs.Select(output => Task.Run(() => FirstStart.EnsureAsync(Administration, new IdentityOptions(), output, default))));

        Assert.Single(outputs, output => output.ToString().Length > 0);
        Assert.Single(await Administration.ListUsersAsync(default));
    }
}
