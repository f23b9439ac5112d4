using Strongroom.Contract.Requests;
using Strongroom.Contract.Shares;

namespace Strongroom.Contract;

public sealed partial class CbrClient
{
    /// <summary>Shares a backup with projects.</summary>
    /// <returns>The new members, in the order asked for.</returns>
    public async Task<IReadOnlyList<MemberShape>> AddMembersAsync(
        string backupId, IReadOnlyList<string> projectIds, CancellationToken cancellationToken) =>
        (await SendAsync<MemberListReply>(
            HttpMethod.Post, BackupPath(backupId) + "/members",
            JsonContentOf(new MembersBody(projectIds), CbrRequestJson.Default.MembersBody), cancellationToken)).Members;

    /// <summary>To the owner all, to a recipient itself; pages are fetched as they are needed.</summary>
    public IAsyncEnumerable<MemberShape> ListMembersAsync(string backupId, string? status, CancellationToken cancellationToken) => PagesAsync(
        new Query(BackupPath(backupId) + "/members").With("status", status).Text,
        (MemberListReply page) => (page.Members, page.Count),
        cancellationToken);

    public async Task<MemberShape> GetMemberAsync(string backupId, string projectId, CancellationToken cancellationToken) =>
        (await GetAsync<MemberReply>(MemberPath(backupId, projectId), cancellationToken)).Member;

    /// <summary>Accepts or rejects what was shared with this client's own project.</summary>
    public async Task<MemberShape> AnswerShareAsync(string backupId, ShareAnswerBody answer, CancellationToken cancellationToken) =>
        (await SendAsync<MemberReply>(
            HttpMethod.Put, MemberPath(backupId, ProjectId),
            JsonContentOf(answer, CbrRequestJson.Default.ShareAnswerBody), cancellationToken)).Member;

    /// <summary>Takes a share back.</summary>
    public Task RemoveMemberAsync(string backupId, string projectId, CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Delete, MemberPath(backupId, projectId), content: null, cancellationToken);

    private string MemberPath(string backupId, string projectId) => $"{BackupPath(backupId)}/members/{Uri.EscapeDataString(projectId)}";
}
