using Spectre.Console;

namespace Strongroom.Cli.Output;

/// <summary>Results as tables for people. Kept apart so that nothing else loads the console library.</summary>
internal static class TableText
{
    public static string OfList<T>(Shell shell, IReadOnlyList<Column<T>> columns, IReadOnlyList<T> rows)
    {
        Table table = Begin(shell);
        foreach (Column<T> column in columns)
        {
            var header = new TableColumn(new Text(column.Header));
            if (rows.Count > 0 && rows.All(row => column.Value(row) is null or ByteSize or int or long or decimal))
                header.RightAligned();
            table.AddColumn(header);
        }

        foreach (T row in rows)
            table.AddRow(columns.Select(column => new Text(ValueText.ForPeople(column.Value(row)))));
        return Render(shell, table);
    }

    public static string OfOne<T>(Shell shell, IReadOnlyList<Column<T>> columns, T item)
    {
        Table table = Begin(shell);
        table.AddColumn(new TableColumn(new Text("field")));
        table.AddColumn(new TableColumn(new Text("value")));
        foreach (Column<T> column in columns)
            table.AddRow(new Text(column.Header), new Text(OneForPeople(column.Value(item))));
        return Render(shell, table);
    }

    // With room for it, the exact figure stands beside the rounded one.
    private static string OneForPeople(object? value) =>
        value is ByteSize { Bytes: >= 1024 } size ? $"{size} ({size.Bytes})" : ValueText.ForPeople(value);

    private static Table Begin(Shell shell) => new()
    {
        Border = shell.OutputIsTerminal ? TableBorder.Rounded : TableBorder.Ascii,
    };

    private static string Render(Shell shell, Table table)
    {
        var text = new StringWriter { NewLine = "\n" };
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = AnsiSupport.No,
            ColorSystem = ColorSystemSupport.NoColors,
            Interactive = InteractionSupport.No,
            Out = new AnsiConsoleOutput(text),
        });
        console.Profile.Width = shell.WidthColumns;
        console.Profile.Capabilities.Unicode = shell.OutputIsTerminal;
        console.Write(table);
        return text.ToString();
    }
}
