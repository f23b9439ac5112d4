using Strongroom.Contract;
using Strongroom.Server.Database;
using Strongroom.Server.Http;

namespace Strongroom.Server.Notifications;

/// <summary>The query of the list of notifications. Filters combine with and.</summary>
internal sealed class NotificationQuery
{
    private readonly string projectId;
    private readonly List<string> kinds;
    private readonly List<string> states;

    public NotificationQuery(string projectId, HttpRequest request)
    {
        this.projectId = projectId;
        var query = new QueryReader(request);
        Limit = query.Limit();
        Offset = query.Offset();
        Marker = query.Marker();
        kinds = query.Words<NotificationKind>("type");
        states = query.Words<DeliveryState>("state");
    }

    public int Limit { get; }

    public int Offset { get; }

    /// <summary>The id of a notification: those after it, which are older.</summary>
    public string? Marker { get; }

    /// <summary>What stands after <c>where</c>, the marker left out.</summary>
    public Sql Filter()
    {
        Sql filter = $"project_id = {projectId}";
        if (kinds.Count > 0)
            filter = $"{filter} and kind in {kinds}";
        if (states.Count > 0)
            filter = $"{filter} and exists (select 1 from notification_deliveries d where d.event_id = notification_events.id and d.state in {states})";
        return filter;
    }

    public Sql After() => Marker is { } marker
        ? $"and (created_at, id) < (select created_at, id from notification_events where id = {marker} and project_id = {projectId})"
        : Sql.Empty;
}
