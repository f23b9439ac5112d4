namespace Strongroom.Drivers;

/// <summary>A resource could not be read or written: which one, at which step, and why.</summary>
public sealed class DriverException : IOException
{
    public DriverException(DriverFailure failure, string location, string step, string message, Exception? inner = null)
        : base($"{location}: {step}: {message}", inner)
    {
        Failure = failure;
        Location = location;
        Step = step;
    }

    public DriverFailure Failure { get; }

    public string Location { get; }

    /// <summary>What was being done, as in <c>open</c>, <c>read</c>, <c>write</c>.</summary>
    public string Step { get; }
}

public enum DriverFailure
{
    /// <summary>Nothing is there.</summary>
    Missing,

    /// <summary>Something is there that this driver does not handle, or the target is of another kind.</summary>
    WrongKind,

    /// <summary>The target is smaller than what would be written.</summary>
    TooSmall,

    /// <summary>Mounted, attached or open elsewhere.</summary>
    InUse,

    /// <summary>Permissions.</summary>
    Denied,

    /// <summary>The device or file system failed.</summary>
    Failed,

    /// <summary>No room left on the target.</summary>
    Full,
}
