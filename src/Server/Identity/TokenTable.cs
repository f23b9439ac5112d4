using System.Data.Common;
using Strongroom.Server.Database;

namespace Strongroom.Server.Identity;

internal static class TokenTable
{
    public static ValueTask<int> InsertAsync(DbSession session, TokenHash hash, Token token, CancellationToken cancellationToken)
    {
        string scopeId = token.Scope switch
        {
            ScopeKind.Project => token.ProjectId,
            ScopeKind.Domain => token.ScopeDomainId,
            _ => "",
        };
        return session.ExecuteAsync(
            $"""
            insert into tokens (token_hash, user_id, scope_kind, scope_id, methods, audit_id, parent_audit_id, issued_at, expires_at)
            values ({hash.StoredText}, {token.UserId}, {token.Scope.ToWord()}, {scopeId}, {string.Join(',', token.Methods)},
                {token.AuditIds[0]}, {(token.AuditIds.Count > 1 ? token.AuditIds[1] : null)},
                {token.IssuedAt.ToMicroseconds()}, {token.ExpiresAt.ToMicroseconds()})
            """,
            cancellationToken);
    }

    /// <summary>
    /// The token with what it stands for now. Null when it is unknown, or when its user, project or a domain of theirs is
    /// gone or disabled. It may have expired.
    /// </summary>
    public static async ValueTask<Token?> FindAsync(DbSession session, TokenHash hash, CancellationToken cancellationToken)
    {
        Token? token = await session.QueryFirstAsync(
            $"""
            select t.user_id, u.name, ud.id, ud.name, t.scope_kind, p.id, p.name, sd.id, sd.name,
                t.methods, t.audit_id, t.parent_audit_id, t.issued_at, t.expires_at
            from tokens t
            join users u on u.id = t.user_id and u.enabled
            join domains ud on ud.id = u.domain_id and ud.enabled
            left join projects p on t.scope_kind = 'project' and p.id = t.scope_id and p.enabled
            left join domains sd on sd.enabled and sd.id = case when t.scope_kind = 'domain' then t.scope_id else p.domain_id end
            where t.token_hash = {hash.StoredText} and (t.scope_kind = 'none' or sd.id is not null)
            """,
            Read,
            cancellationToken);
        if (token is null || token.Scope == ScopeKind.None)
            return token;
        string scopeId = token.Scope == ScopeKind.Project ? token.ProjectId : token.ScopeDomainId;
        return token with { Roles = await RoleTable.ListAsync(session, token.UserId, token.Scope, scopeId, cancellationToken) };
    }

    public static ValueTask<int> DeleteAsync(DbSession session, TokenHash hash, CancellationToken cancellationToken) =>
        session.ExecuteAsync($"delete from tokens where token_hash = {hash.StoredText}", cancellationToken);

    public static ValueTask<int> DeleteOfUserAsync(DbSession session, string userId, CancellationToken cancellationToken) =>
        session.ExecuteAsync($"delete from tokens where user_id = {userId}", cancellationToken);

    public static ValueTask<int> DeleteOfUserInAsync(
        DbSession session,
        string userId,
        ScopeKind scope,
        string scopeId,
        CancellationToken cancellationToken) =>
        session.ExecuteAsync(
            $"delete from tokens where user_id = {userId} and scope_kind = {scope.ToWord()} and scope_id = {scopeId}",
            cancellationToken);

    public static ValueTask<int> DeleteOfProjectAsync(DbSession session, string projectId, CancellationToken cancellationToken) =>
        session.ExecuteAsync($"delete from tokens where scope_kind = 'project' and scope_id = {projectId}", cancellationToken);

    public static ValueTask<int> DeleteExpiredAsync(DbSession session, DateTimeOffset now, int countMax, CancellationToken cancellationToken) =>
        session.ExecuteAsync(
            $"delete from tokens where token_hash in (select token_hash from tokens where expires_at <= {now.ToMicroseconds()} limit {countMax})", cancellationToken);

    private static Token Read(DbDataReader row)
    {
        string? parent = row.GetTextOrNull(11);
        return new Token(
            row.GetString(0),
            row.GetString(1),
            row.GetString(2),
            row.GetString(3),
            ScopeWords.Read(row.GetString(4)),
            row.GetTextOrNull(5) ?? "",
            row.GetTextOrNull(6) ?? "",
            row.GetTextOrNull(7) ?? "",
            row.GetTextOrNull(8) ?? "",
            [],
            row.GetString(9).Split(','),
            parent is null ? [row.GetString(10)] : [row.GetString(10), parent],
            row.GetInstant(12),
            row.GetInstant(13));
    }
}
