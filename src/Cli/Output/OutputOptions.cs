using System.CommandLine;
using System.CommandLine.Parsing;

namespace Strongroom.Cli.Output;

/// <summary>
/// <c>-f table|json|value</c> and <c>-c COLUMN</c> on a command that prints. A column that does not exist is a mistake of
/// the command line, found before anything is done.
/// </summary>
internal sealed class OutputOptions<T>
{
    private readonly IReadOnlyList<Column<T>> columns;
    private readonly Option<OutputFormat> format = new("--format", "-f")
    {
        Description = "How to print: table, json or value.",
        HelpName = "table|json|value",
        DefaultValueFactory = _ => OutputFormat.Table,
        CustomParser = ParseFormat,
    };

    private readonly Option<string[]> chosen = new("--column", "-c")
    {
        HelpName = "column",
        DefaultValueFactory = _ => [],
    };

    public OutputOptions(Command command, IReadOnlyList<Column<T>> columns)
    {
        this.columns = columns;
        string names = string.Join(", ", columns.Select(column => column.Name));
        chosen.Description = $"Print only this column; may be repeated. Columns: {names}.";
        chosen.CompletionSources.Add(_ => columns.Select(column => new System.CommandLine.Completions.CompletionItem(column.Name)));
        chosen.Validators.Add(result =>
        {
            foreach (Token token in result.Tokens)
            {
                if (!columns.Any(column => column.Name == token.Value))
                    result.AddError($"There is no column '{token.Value}'; there are {names}.");
            }
        });
        format.CompletionSources.Add("table", "json", "value");
        command.Options.Add(format);
        command.Options.Add(chosen);
    }

    public void WriteList(Shell shell, ParseResult parsed, IReadOnlyList<T> rows) =>
        shell.Output.Write(parsed.GetValue(format) switch
        {
            OutputFormat.Json => JsonText.OfList(Chosen(parsed, withDetails: true), rows),
            OutputFormat.Value => ValueText.OfList(Chosen(parsed, withDetails: false), rows),
            _ => TableText.OfList(shell, Chosen(parsed, withDetails: false), rows),
        });

    public void WriteOne(Shell shell, ParseResult parsed, T item) =>
        shell.Output.Write(parsed.GetValue(format) switch
        {
            OutputFormat.Json => JsonText.OfOne(Chosen(parsed, withDetails: true), item),
            OutputFormat.Value => ValueText.OfOne(Chosen(parsed, withDetails: true), item),
            _ => TableText.OfOne(shell, Chosen(parsed, withDetails: true), item),
        });

    // In the order asked for, as `cut` users expect.
    private IReadOnlyList<Column<T>> Chosen(ParseResult parsed, bool withDetails)
    {
        string[] names = parsed.GetValue(chosen) ?? [];
        return names.Length > 0
            ? [.. names.Select(name => columns.First(column => column.Name == name))]
            : [.. columns.Where(column => withDetails || !column.IsDetail)];
    }

    private static OutputFormat ParseFormat(ArgumentResult result)
    {
        string word = result.Tokens.Count == 1 ? result.Tokens[0].Value : "";
        switch (word)
        {
            case "table":
                return OutputFormat.Table;
            case "json":
                return OutputFormat.Json;
            case "value":
                return OutputFormat.Value;
            default:
                result.AddError($"'{word}' is no format; use table, json or value.");
                return default;
        }
    }
}
