using Strongroom.Contract;
using Strongroom.Server.Database;
using Strongroom.Server.Http;
using Strongroom.Server.Shares;
using Strongroom.Server.Vaults;

namespace Strongroom.Server.Backups;

/// <summary>The query of the backup list (atlas of backups, section 4.1). Filters combine with and.</summary>
internal sealed class BackupQuery
{
    private static readonly string[] ImageTypes = ["backup", "replication"];
    private static readonly string[] OwnTypes = ["private", "shared", "all_granted"];

    /// <summary>A project sees what is offered to it and what it accepted.</summary>
    public static readonly IReadOnlyList<ShareStatus> SharesShown = [ShareStatus.Pending, ShareStatus.Accepted];

    private static readonly string[] EqualTexts =
        ["checkpoint_id", "vault_id", "resource_id", "resource_name", "resource_type", "name", "parent_id"];

    private static readonly Dictionary<string, string> SortColumns = new(StringComparer.Ordinal)
    {
        ["created_at"] = "created_at",
        ["updated_at"] = "updated_at",
        ["name"] = "name",
        ["status"] = "status",
        ["protected_at"] = "coalesce(protected_at, 0)",
        ["id"] = "id",
    };

    private readonly Dictionary<string, string> texts = new(StringComparer.Ordinal);
    private readonly List<string> statuses;
    private readonly DateTimeOffset? from;
    private readonly DateTimeOffset? until;
    private readonly bool onlyIncremental;
    private readonly string? enterpriseProjectId;
    private readonly bool matchesNothing;

    public BackupQuery(string projectId, HttpRequest request)
    {
        var query = new QueryReader(request);
        Limit = query.Limit();
        Offset = query.Offset();
        Marker = query.Marker();
        Order = ListOrder.Parse(query.Text("sort"), "backups", SortColumns);
        UsedPercent = query.Int("used_percent", 1, 100);
        statuses = query.Words<BackupStatus>("status");
        from = query.Instant("start_time");
        until = query.Instant("end_time");
        onlyIncremental = query.Flag("incremental") == true;
        enterpriseProjectId = query.Text("enterprise_project_id");
        foreach (string name in EqualTexts)
        {
            if (query.Text(name) is { } text)
                texts.Add(name, text);
        }

        // There are no replicas and no zones, so nothing can match them.
        string? imageType = query.Word("image_type", ImageTypes);
        matchesNothing = imageType == "replication" || query.Text("resource_az") is not null;
        string ownType = query.Word("own_type", OwnTypes) ?? "private";
        IReadOnlyList<ShareStatus> answers = MemberStatus(query.Text("member_status"));
        Source = BackupTable.Seen(projectId, own: ownType != "shared", ownType == "private" ? [] : answers);
        query.Flag("dec");
        query.Flag("show_replication");
    }

    public int Limit { get; }

    public int Offset { get; }

    public string? Marker { get; }

    public ListOrder Order { get; }

    /// <summary>Only backups whose vault is used to so many percent or more; null: of any fill.</summary>
    public int? UsedPercent { get; }

    /// <summary>What stands after <c>from</c>: the project's own, those shared with it, or both.</summary>
    public Sql Source { get; }

    /// <summary>What stands after <c>where</c>, the marker left out, since it does not count for <c>count</c>.</summary>
    /// <param name="usedVaults">With <see cref="UsedPercent"/>: the vaults that are used so far.</param>
    public Sql Filter(IReadOnlyList<VaultId>? usedVaults)
    {
        // The disks of a server's backup show only where they are asked for: clients delete every row of a checkpoint's list.
        Sql filter = $"parent_id is null";
        if (texts.ContainsKey("parent_id"))
            filter = $"parent_id is not null";
        foreach ((string column, string value) in texts)
        {
            filter.AppendLiteral($" and {(column == "vault_id" ? "seen_vault_id" : column)} = ");
            filter.AppendFormatted(value);
        }

        if (statuses.Count > 0)
            filter = $"{filter} and status in {statuses}";
        if (from is { } start)
            filter = $"{filter} and created_at >= {start.ToMicroseconds()}";
        // Seconds on the wire, microseconds in the row: the whole last second counts.
        if (until is { } end)
            filter = $"{filter} and created_at < {end.ToMicroseconds() + 1_000_000}";
        if (onlyIncremental)
            filter = $"{filter} and incremental = true";
        if (enterpriseProjectId is not null and not QueryReader.AllEnterpriseProjects)
            filter = $"{filter} and enterprise_project_id = {enterpriseProjectId}";
        if (usedVaults is not null)
            filter = $"{filter} and seen_vault_id in {usedVaults}";
        if (matchesNothing)
            filter = $"{filter} and 1 = 0";
        return filter;
    }

    /// <summary>What the project answered to what is shared with it. What it rejected shows only when asked for, so that it can be accepted after all.</summary>
    private static IReadOnlyList<ShareStatus> MemberStatus(string? word) => word switch
    {
        null => SharesShown,
        // One client offers the second of each as a synonym.
        "pending" => [ShareStatus.Pending],
        "accepted" or "accept" => [ShareStatus.Accepted],
        "rejected" or "reject" => [ShareStatus.Rejected],
        _ => throw BodyReader.Refused($"member_status must be {WireWord.List<ShareStatus>()}: it is {ShownText.Quoted(word)}."),
    };
}
