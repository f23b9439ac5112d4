namespace Strongroom.Server;

/// <summary>
/// The service must not start as it is set up. The message is one line for the operator: what, which, and what to do.
/// </summary>
public sealed class StartRefusedException : Exception
{
    public StartRefusedException(string message)
        : base(message)
    {
    }

    public StartRefusedException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
