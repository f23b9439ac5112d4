namespace Strongroom.Cli.Output;

/// <summary>An instant as the wire writes it (UTC, six digits): untouched for scripts, to the second for people.</summary>
internal readonly record struct WireInstant(string? Wire)
{
    public string ForPeople()
    {
        if (Wire is null)
            return "";
        int fraction = Wire.IndexOf('.', StringComparison.Ordinal);
        return (fraction < 0 ? Wire : Wire[..fraction]).Replace('T', ' ');
    }

    public override string ToString() => Wire ?? "";
}
