namespace Strongroom.Cli.Output;

/// <summary>One thing a command prints of a <typeparamref name="T"/>.</summary>
/// <param name="Name">The key in JSON and the word for <c>-c</c>: lower case, joined by underscores.</param>
/// <param name="Value">
/// Null, text, a number (<see cref="int"/>, <see cref="long"/>, <see cref="decimal"/>), a boolean, a <see cref="ByteSize"/>, a <see cref="WireInstant"/>, or a list of texts.
/// </param>
internal sealed record Column<T>(string Name, Func<T, object?> Value)
{
    /// <summary>Left out of lists in tables and values unless asked for; always in JSON and when one object is shown.</summary>
    public bool IsDetail { get; init; }

    /// <summary>Over the column in a table: its name without the unit, which every cell shows, and with spaces.</summary>
    public string Header { get; init; } = (Name.EndsWith("_bytes", StringComparison.Ordinal) ? Name[..^"_bytes".Length] : Name).Replace('_', ' ');
}
