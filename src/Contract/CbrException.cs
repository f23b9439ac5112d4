namespace Strongroom.Contract;

/// <summary>The service answered with an error. <see cref="Exception.Message"/> is its <c>error_msg</c>, or the status when there was none.</summary>
public sealed class CbrException : Exception
{
    public CbrException(int status, string errorCode, string message, string requestId)
        : base(message)
    {
        Status = status;
        ErrorCode = errorCode;
        RequestId = requestId;
    }

    /// <summary>HTTP status.</summary>
    public int Status { get; }

    /// <summary>As on the wire, <c>BackupService.6105</c>; empty when the answer carried none.</summary>
    public string ErrorCode { get; }

    /// <summary>The answer's <c>X-Request-Id</c>, which the service's log repeats; empty when there was none.</summary>
    public string RequestId { get; }
}
