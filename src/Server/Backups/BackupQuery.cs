using Strongroom.Contract;
using Strongroom.Server.Database;
using Strongroom.Server.Http;
using Strongroom.Server.Vaults;

namespace Strongroom.Server.Backups;

/// <summary>The query of the backup list (atlas of backups, section 4.1). Filters combine with and.</summary>
internal sealed class BackupQuery
{
    private static readonly string[] ImageTypes = ["backup", "replication"];
    private static readonly string[] OwnTypes = ["private", "shared", "all_granted"];

    // One client offers the last two as synonyms.
    private static readonly string[] MemberStatuses = ["pending", "accepted", "rejected", "accept", "reject"];

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

    private readonly string projectId;
    private readonly Dictionary<string, string> texts = new(StringComparer.Ordinal);
    private readonly List<string> statuses;
    private readonly DateTimeOffset? from;
    private readonly DateTimeOffset? until;
    private readonly bool onlyIncremental;
    private readonly string? enterpriseProjectId;
    private readonly bool matchesNothing;

    public BackupQuery(string projectId, HttpRequest request)
    {
        this.projectId = projectId;
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

        // Replicas, shared backups and zones are not there yet, so nothing can match them.
        string? imageType = query.Word("image_type", ImageTypes);
        string? ownType = query.Word("own_type", OwnTypes);
        matchesNothing = imageType == "replication" || ownType == "shared" || query.Text("resource_az") is not null;
        query.Word("member_status", MemberStatuses);
        query.Flag("dec");
        query.Flag("show_replication");
    }

    public int Limit { get; }

    public int Offset { get; }

    public string? Marker { get; }

    public ListOrder Order { get; }

    /// <summary>Only backups whose vault is used to so many percent or more; null: of any fill.</summary>
    public int? UsedPercent { get; }

    /// <summary>What stands after <c>where</c>, the marker left out, since it does not count for <c>count</c>.</summary>
    /// <param name="usedVaults">With <see cref="UsedPercent"/>: the vaults that are used so far.</param>
    public Sql Filter(IReadOnlyList<VaultId>? usedVaults)
    {
        Sql filter = $"project_id = {projectId} and deleted_at_tick is null";
        foreach ((string column, string value) in texts)
        {
            filter.AppendLiteral($" and {column} = ");
            filter.AppendFormatted(value);
        }

        // The disks of a server's backup show only where they are asked for: clients delete every row of a checkpoint's list.
        if (!texts.ContainsKey("parent_id"))
            filter = $"{filter} and parent_id is null";
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
            filter = $"{filter} and vault_id in {usedVaults}";
        if (matchesNothing)
            filter = $"{filter} and 1 = 0";
        return filter;
    }
}
