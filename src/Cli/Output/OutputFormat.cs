namespace Strongroom.Cli.Output;

internal enum OutputFormat
{
    Table,
    Json,

    /// <summary>Bare values: one row a line, columns separated by tabs; of a single object one value a line.</summary>
    Value,
}
