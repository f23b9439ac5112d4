using System.Data.Common;
using Strongroom.Server.Database;

namespace Strongroom.Server.Idempotency;

/// <summary>The SQL of the table <c>keyed_requests</c>.</summary>
internal static class KeyedRequestTable
{
    /// <summary>Null when the key is new to this caller; expired ones are not there.</summary>
    public static ValueTask<KeyedRequest?> FindAsync(
        DbSession session, KeyedRequest request, DateTimeOffset now, CancellationToken cancellationToken) =>
        session.QueryFirstAsync(
            $"""
            select idempotency_key, project_id, user_id, request_id, request_hash, expires_at, resource_id, status, body from keyed_requests
            where project_id = {request.ProjectId} and user_id = {request.UserId} and idempotency_key = {request.Key}
                and expires_at > {now.ToMicroseconds()}
            """,
            row => (KeyedRequest?)Read(row),
            cancellationToken);

    /// <summary>Takes the key, in the transaction of the change. Repeating it in another transaction of the same request changes nothing.</summary>
    /// <exception cref="KeyTakenException">Another request has it.</exception>
    public static async ValueTask TakeAsync(DbSession session, KeyedRequest request, DateTimeOffset now, CancellationToken cancellationToken)
    {
        int taken = await session.ExecuteAsync(
            $"""
            insert into keyed_requests (project_id, user_id, idempotency_key, request_id, request_hash, resource_id, expires_at)
            values ({request.ProjectId}, {request.UserId}, {request.Key}, {request.RequestId}, {request.RequestHash}, {request.ResourceId},
                {request.ExpiresAt.ToMicroseconds()})
            on conflict (project_id, user_id, idempotency_key) do update set
                request_id = excluded.request_id, request_hash = excluded.request_hash, resource_id = excluded.resource_id,
                expires_at = excluded.expires_at, status = null, body = null
            where keyed_requests.request_id = excluded.request_id or keyed_requests.expires_at <= {now.ToMicroseconds()}
            """,
            cancellationToken);
        if (taken == 0)
            throw new KeyTakenException();
    }

    /// <summary>Does nothing when the request made no change, and so has no row.</summary>
    public static async ValueTask AnswerAsync(DbSession session, KeyedRequest request, KeyedAnswer answer, CancellationToken cancellationToken) =>
        await session.ExecuteAsync(
            $"""
            update keyed_requests set status = {answer.Status}, body = {answer.Body}
            where project_id = {request.ProjectId} and user_id = {request.UserId} and idempotency_key = {request.Key}
                and request_id = {request.RequestId}
            """,
            cancellationToken);

    /// <summary>At most this many.</summary>
    public static ValueTask<int> DeleteExpiredAsync(DbSession session, DateTimeOffset now, int countMax, CancellationToken cancellationToken) =>
        session.ExecuteAsync(
            $"""
            delete from keyed_requests where (project_id, user_id, idempotency_key) in (
                select project_id, user_id, idempotency_key from keyed_requests where expires_at <= {now.ToMicroseconds()} limit {countMax})
            """,
            cancellationToken);

    private static KeyedRequest Read(DbDataReader row) => new(
        row.GetString(0), row.GetString(1), row.GetString(2), row.GetString(3), row.GetString(4), row.GetInstant(5))
    {
        ResourceId = row.GetTextOrNull(6),
        Answer = row.IsDBNull(7) ? null : new KeyedAnswer((int)row.GetInt64(7), row.GetString(8)),
    };
}
