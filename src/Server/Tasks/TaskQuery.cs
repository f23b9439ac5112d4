using Strongroom.Server.Database;
using Strongroom.Server.Http;

namespace Strongroom.Server.Tasks;

/// <summary>The query of the operation-log list (atlas of backups, section 7.1). Filters combine with and.</summary>
internal sealed class TaskQuery
{
    private static readonly Dictionary<string, string> SortColumns = new(StringComparer.Ordinal)
    {
        ["created_at"] = "created_at",
        ["started_at"] = "coalesce(started_at, created_at)",
        ["updated_at"] = "updated_at",
        ["ended_at"] = "coalesce(ended_at, 0)",
        ["status"] = "status",
        ["id"] = "id",
    };

    private static readonly string[] EqualTexts = ["provider_id", "resource_id", "resource_name", "vault_id", "vault_name"];

    private readonly string projectId;
    private readonly Dictionary<string, string> texts = new(StringComparer.Ordinal);
    private readonly List<string> kinds;
    private readonly List<string> states;
    private readonly DateTimeOffset? from;
    private readonly DateTimeOffset? until;
    private readonly string? enterpriseProjectId;

    public TaskQuery(string projectId, HttpRequest request)
    {
        this.projectId = projectId;
        var query = new QueryReader(request);
        Limit = query.Limit();
        Offset = query.Offset();
        Marker = query.Marker();
        Order = ListOrder.Parse(query.Text("sort"), "tasks", SortColumns);
        kinds = query.Words<TaskKind>("operation_type");
        states = query.Words<TaskState>("status");
        from = query.Instant("start_time");
        until = query.Instant("end_time");
        enterpriseProjectId = query.Text("enterprise_project_id");
        foreach (string name in EqualTexts)
        {
            if (query.Text(name) is { } text)
                texts.Add(name, text);
        }
    }

    public int Limit { get; }

    public int Offset { get; }

    public string? Marker { get; }

    public ListOrder Order { get; }

    /// <summary>What stands after <c>where</c>, the marker left out, since it does not count for <c>count</c>.</summary>
    public Sql Filter()
    {
        Sql filter = $"project_id = {projectId}";
        foreach ((string column, string value) in texts)
        {
            filter.AppendLiteral($" and {column} = ");
            filter.AppendFormatted(value);
        }

        if (kinds.Count > 0)
            filter = $"{filter} and kind in {kinds}";
        if (states.Count > 0)
            filter = $"{filter} and status in {states}";
        // The bounds are on the start; a task that has not started shows its creation in its place.
        if (from is { } start)
            filter = $"{filter} and coalesce(started_at, created_at) >= {start.ToMicroseconds()}";
        if (until is { } end)
            filter = $"{filter} and coalesce(started_at, created_at) < {end.ToMicroseconds() + 1_000_000}";
        if (enterpriseProjectId is not null and not QueryReader.AllEnterpriseProjects)
            filter = $"{filter} and enterprise_project_id = {enterpriseProjectId}";
        return filter;
    }
}
