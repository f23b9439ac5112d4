using Strongroom.Contract;
using Strongroom.Server.Database;
using Strongroom.Server.Http;
using Strongroom.Server.Vaults;

namespace Strongroom.Server.Shares;

/// <summary>What a recipient answers (atlas of backups, section 5.4). Not wrapped, unlike other bodies.</summary>
internal sealed record ShareAnswer(bool IsAccepted, VaultId? VaultId)
{
    private const int WordCharsMax = 255;

    public static ShareAnswer Read(BodyValue body)
    {
        string? status = body["status"].TextOrNull(0, WordCharsMax);
        VaultId? vaultId = body["vault_id"].IdOrNull() is { } id ? new VaultId(id) : null;
        return status switch
        {
            "accepted" when vaultId is null =>
                throw new RefusedException(ErrorCodes.MemberValueInvalid, "vault_id is missing: it says which vault of this project the backup is accepted into."),
            "accepted" => new ShareAnswer(true, vaultId),
            "rejected" => new ShareAnswer(false, null),
            null => throw new RefusedException(ErrorCodes.MemberValueInvalid, "status is missing: it must be accepted or rejected."),
            _ => throw new RefusedException(
                ErrorCodes.MemberValueInvalid, $"status must be accepted or rejected: it is {ShownText.Quoted(status)}."),
        };
    }
}

/// <summary>
/// The query of the member list (section 5.2). One client sends the filters of the backup list here, too: what does not
/// apply is ignored, a status of backups included.
/// </summary>
internal sealed class ShareQuery
{
    private static readonly Dictionary<string, string> SortColumns = new(StringComparer.Ordinal)
    {
        ["created_at"] = "created_at",
        ["updated_at"] = "coalesce(updated_at, 0)",
        ["status"] = "status",
        ["dest_project_id"] = "dest_project_id",
        ["id"] = "id",
    };

    private readonly string? projectId;
    private readonly string? vaultId;
    private readonly string? status;
    private readonly bool matchesNothing;

    public ShareQuery(HttpRequest request)
    {
        var query = new QueryReader(request);
        Limit = query.Limit();
        Offset = query.Offset();
        Marker = query.Marker();
        Order = ListOrder.Parse(Sort(query.Text("sort")), "backup_shares", SortColumns);
        projectId = query.Text("dest_project_id");
        vaultId = query.Text("vault_id");
        matchesNothing = query.Text("image_id") is not null;
        status = query.Text("status") is { } word && WireWord.TryParse<ShareStatus>(word, out _) ? word : null;
    }

    public int Limit { get; }

    public int Offset { get; }

    public string? Marker { get; }

    public ListOrder Order { get; }

    /// <summary>What stands after <c>where</c>, the marker left out.</summary>
    public Sql Filter(Sql seen)
    {
        Sql filter = seen;
        if (projectId is not null)
            filter = $"{filter} and dest_project_id = {projectId}";
        if (vaultId is not null)
            filter = $"{filter} and status = 'accepted' and vault_id = {vaultId}";
        if (status is not null)
            filter = $"{filter} and status = {status}";
        if (matchesNothing)
            filter = $"{filter} and 1 = 0";
        return filter;
    }

    // The OpenStack command line offers bare directions, one of them misspelt, and the word itself.
    private static string? Sort(string? sort) => sort switch
    {
        "asc" or "acs" => "created_at:asc",
        "desc" or "sort" => null,
        _ => sort,
    };
}
