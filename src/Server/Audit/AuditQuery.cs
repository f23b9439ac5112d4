using Strongroom.Server.Database;
using Strongroom.Server.Http;

namespace Strongroom.Server.Audit;

/// <summary>The query of the audit list. Filters combine with and.</summary>
internal sealed class AuditQuery
{
    private static readonly string[] EqualTexts = ["action", "user_id", "user_name", "access_key", "resource_id", "error_code"];

    private readonly string projectId;
    private readonly Dictionary<string, string> texts = new(StringComparer.Ordinal);
    private readonly int? status;
    private readonly DateTimeOffset? from;
    private readonly DateTimeOffset? until;

    public AuditQuery(string projectId, HttpRequest request)
    {
        this.projectId = projectId;
        var query = new QueryReader(request);
        Limit = query.Limit();
        Offset = query.Offset();
        Marker = query.Text("marker");
        status = query.Int("status", 100, 599);
        from = query.Instant("start_time");
        until = query.Instant("end_time");
        foreach (string name in EqualTexts)
        {
            if (query.Text(name) is { } text)
                texts.Add(name, text);
        }
    }

    public int Limit { get; }

    public int Offset { get; }

    /// <summary>The id of a record: those after it, which are older.</summary>
    public string? Marker { get; }

    /// <summary>What stands after <c>where</c>, the marker left out.</summary>
    public Sql Filter()
    {
        Sql filter = $"project_id = {projectId}";
        foreach ((string column, string value) in texts)
        {
            filter.AppendLiteral($" and {column} = ");
            filter.AppendFormatted(value);
        }

        if (status is { } wanted)
            filter = $"{filter} and status = {wanted}";
        if (from is { } start)
            filter = $"{filter} and recorded_at >= {start.ToMicroseconds()}";
        if (until is { } end)
            filter = $"{filter} and recorded_at < {end.ToMicroseconds() + 1_000_000}";
        return filter;
    }
}
