namespace Strongroom.Contract;

/// <summary>
/// The caller asked for what must be refused. One handler turns it into the status of <see cref="ErrorCode"/> and the body
/// <c>{"error_code", "error_msg"}</c>; the message says what, which one and what to do, and is shown to the caller as it is.
/// </summary>
public sealed class RefusedException : Exception
{
    public RefusedException(ErrorCode error, string message)
        : base(message) => Error = error;

    public ErrorCode Error { get; }
}
