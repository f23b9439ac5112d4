using Microsoft.AspNetCore.Routing;
using Strongroom.Contract;
using Strongroom.Server.Database;
using Strongroom.Server.Identity;

namespace Strongroom.Server.Audit;

/// <summary>
/// Writes down every change somebody asks for. A record is made when the request is let in; from then on every transaction of
/// the request inserts it if it is not there yet, so that no change can be committed without its record, whatever comes
/// after. Before the first byte of the answer goes out, status and error code are added; a request that changed nothing, such
/// as a refused one, is inserted then.
/// </summary>
internal sealed partial class AuditTrail(MetadataDatabase database, TimeProvider time, ILogger<AuditTrail> logger)
{
    private const int TextLengthMax = 255;

    /// <summary>Runs the rest of the request under a record.</summary>
    /// <param name="context">The request.</param>
    /// <param name="action">What is asked for.</param>
    /// <param name="token">Who asks; null while that is not known.</param>
    /// <param name="rest">The rest of the request.</param>
    public async Task RunAsync(HttpContext context, string action, Token? token, Func<Task> rest)
    {
        var record = new AuditRecord
        {
            Id = context.TraceIdentifier,
            RecordedAt = time.GetStoredNow(),
            ProjectId = token?.ProjectId ?? "",
            UserId = token?.UserId ?? "",
            UserName = token?.UserName ?? "",
            AccessKey = token?.AccessKey,
            Action = action,
            Method = context.Request.Method,
            Path = Shortened(context.Request.Path.Value ?? ""),
            ResourceId = ResourceIn(context.Request.RouteValues),
            Address = context.Connection.RemoteIpAddress?.ToString() ?? "",
        };
        context.Features.Set(record);
        context.Response.OnStarting(() => CompleteAsync(context, record));

        // Of this method's own flow: it ends with it.
        database.BeforeCommit = session => InsertAsync(session, record);
        await rest();
    }

    private static async ValueTask InsertAsync(DbSession session, AuditRecord record) =>
        await AuditTable.InsertAsync(session, record, CancellationToken.None);

    private async Task CompleteAsync(HttpContext context, AuditRecord record)
    {
        // A log-in that named nobody, or was turned away unread: anyone can send any number of those.
        if (record.UserName.Length == 0 || record.ErrorCode == ErrorCodes.Throttled.Code)
            return;
        record.Status = context.Response.StatusCode;
        database.BeforeCommit = null;
        try
        {
            // The caller may have gone; the record is not about whether the answer arrives.
            await database.WriteRelaxedAsync(
                async session => { await AuditTable.CompleteAsync(session, record, CancellationToken.None); }, CancellationToken.None);
        }
        catch (Exception error)
        {
            // A change that was made has its record already, without a status.
            Log.Failed(logger, error, record.Id, record.Action, record.Status.Value);
        }
    }

    private static string? ResourceIn(RouteValueDictionary values)
    {
        string? innermost = null;
        foreach ((string name, object? value) in values)
        {
            if (name != "project_id" && value is string text)
                innermost = Shortened(text);
        }

        return innermost;
    }

    // Not through the middle of a character, which no database would take.
    private static string Shortened(string text)
    {
        if (text.Length <= TextLengthMax)
            return text;
        return text[..(char.IsHighSurrogate(text[TextLengthMax - 1]) ? TextLengthMax - 1 : TextLengthMax)];
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Error, "The outcome of request {RequestId} ({Action}: {Status}) was not written to the audit")]
        public static partial void Failed(ILogger logger, Exception error, string requestId, string action, int status);
    }
}

internal static class AuditExtensions
{
    /// <summary>Says who asks, where that only turns out on the way.</summary>
    public static void AuditCaller(this HttpContext context, string userId, string userName, string projectId)
    {
        if (context.Features.Get<AuditRecord>() is { } record)
            (record.UserId, record.UserName, record.ProjectId) = (userId, userName, projectId);
    }

    /// <summary>Says what a request made, where its path could not.</summary>
    public static void AuditResource(this HttpContext context, string id)
    {
        if (context.Features.Get<AuditRecord>() is { } record)
            record.ResourceId = id;
    }
}
