using System.CommandLine;
using System.Text.Json;
using Strongroom.Cli.Output;

namespace Strongroom.Cli.Tests.Output;

public sealed class OutputOptionsTests
{
    private static readonly Column<Thing>[] Columns =
    [
        new("id", thing => thing.Id),
        new("name", thing => thing.Name),
        new("size_bytes", thing => new ByteSize(thing.SizeBytes)),
        new("tags", thing => thing.Tags) { IsDetail = true },
    ];

    private static readonly Thing[] Things =
    [
        new("a1", "first", 1536, ["x", "y"]),
        new("b2", null, 0, []),
    ];

    [Fact]
    public void Json_has_every_column_and_exact_bytes()
    {
        JsonElement rows = JsonDocument.Parse(List("-f", "json")).RootElement;

        Assert.Equal(2, rows.GetArrayLength());
        Assert.Equal(["id", "name", "size_bytes", "tags"], rows[0].EnumerateObject().Select(member => member.Name));
        Assert.Equal(1536, rows[0].GetProperty("size_bytes").GetInt64());
        Assert.Equal(["x", "y"], rows[0].GetProperty("tags").EnumerateArray().Select(tag => tag.GetString()!));
        Assert.Equal(JsonValueKind.Null, rows[1].GetProperty("name").ValueKind);
    }

    [Fact]
    public void Json_of_one_object_is_an_object() =>
        Assert.Equal("a1", JsonDocument.Parse(One("-f", "json")).RootElement.GetProperty("id").GetString());

    [Fact]
    public void Values_are_one_row_a_line_and_tabs_between() =>
        Assert.Equal("a1\tfirst\t1536\nb2\t\t0\n", List("-f", "value"));

    [Fact]
    public void Chosen_columns_come_in_the_order_asked_for() =>
        Assert.Equal("first\ta1\n\tb2\n", List("-f", "value", "-c", "name", "-c", "id"));

    [Fact]
    public void Tables_show_sizes_for_people_and_leave_details_out()
    {
        string table = List();

        Assert.Contains("1.5 KiB", table, StringComparison.Ordinal);
        Assert.DoesNotContain("tags", table, StringComparison.Ordinal);
        Assert.All(table, c => Assert.True(c is '\n' or (>= ' ' and <= '~')));
    }

    [Fact]
    public void One_object_as_a_table_shows_the_exact_bytes_as_well() =>
        Assert.Contains("1.5 KiB (1536)", One(), StringComparison.Ordinal);

    [Theory]
    [InlineData("value")]
    [InlineData("table")]
    public void Control_characters_in_names_reach_no_terminal(string format)
    {
        string text = List([new Thing("a", "evil\u001b[2J\nname", 1, [])], "-f", format);

        Assert.DoesNotContain('\u001b', text);
        Assert.Contains("evil\\x1b[2J\\x0aname", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Rows_are_never_wrapped_when_nobody_looks()
    {
        string name = new('n', 3000);

        Assert.Contains(name, List([new Thing("a", name, 1, [])]), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("-f", "yaml", "'yaml' is no format; use table, json or value.")]
    [InlineData("-c", "colour", "There is no column 'colour'; there are id, name, size_bytes, tags.")]
    public void A_wrong_format_or_column_is_found_before_anything_runs(string option, string value, string message)
    {
        ParseResult parsed = Command(out _).Parse([option, value]);

        Assert.Equal(message, Assert.Single(parsed.Errors).Message);
    }

    private static Command Command(out OutputOptions<Thing> options)
    {
        var command = new Command("things");
        options = new OutputOptions<Thing>(command, Columns);
        return command;
    }

    private static string List(params string[] arguments) => List(Things, arguments);

    private static string List(Thing[] things, params string[] arguments)
    {
        using var shell = new ShellDouble();
        Command command = Command(out OutputOptions<Thing> options);
        options.WriteList(shell.Shell, command.Parse(arguments), things);
        return shell.Output;
    }

    private static string One(params string[] arguments)
    {
        using var shell = new ShellDouble();
        Command command = Command(out OutputOptions<Thing> options);
        options.WriteOne(shell.Shell, command.Parse(arguments), Things[0]);
        return shell.Output;
    }

    private sealed record Thing(string Id, string? Name, long SizeBytes, IReadOnlyList<string> Tags);
}
