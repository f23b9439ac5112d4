using Strongroom.Contract.Notifications;

namespace Strongroom.Contract;

// Notifications are an addition of this product.
public sealed partial class CbrClient
{
    /// <summary>What the project was told, newest first; pages are fetched as they are needed.</summary>
    /// <param name="type">Null: any.</param>
    /// <param name="state">Only what has a delivery in this state; null: any.</param>
    public IAsyncEnumerable<NotificationRecordShape> ListNotificationsAsync(string? type, string? state, CancellationToken cancellationToken) =>
        PagesAsync(
            new Query(additions + "/notifications").With("type", type).With("state", state).Text,
            (NotificationListReply page) => (page.Notifications, page.Count),
            cancellationToken);

    public async Task<NotificationRecordShape> GetNotificationAsync(string id, CancellationToken cancellationToken) =>
        (await GetAsync<NotificationReply>($"{additions}/notifications/{Uri.EscapeDataString(id)}", cancellationToken)).Notification;

    /// <summary>Whom the project tells, oldest first.</summary>
    public async Task<IReadOnlyList<NotificationTargetShape>> ListNotificationTargetsAsync(CancellationToken cancellationToken) =>
        (await GetAsync<NotificationTargetListReply>(additions + "/notifications/targets", cancellationToken)).Targets;

    /// <returns>With the secret of a webhook, which is not told again.</returns>
    public async Task<NotificationTargetShape> AddNotificationTargetAsync(NotificationTargetOrderShape target, CancellationToken cancellationToken) =>
        (await SendAsync<NotificationTargetReply>(
            HttpMethod.Post, additions + "/notifications/targets",
            JsonContentOf(new NotificationTargetOrder(target), NotificationOrderJson.Default.NotificationTargetOrder), cancellationToken)).Target;

    public Task DeleteNotificationTargetAsync(string targetId, CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Delete, TargetPath(targetId), content: null, cancellationToken);

    /// <summary>Sends a test to the target; <see cref="GetNotificationAsync"/> tells what became of it.</summary>
    public async Task<NotificationRecordShape> TestNotificationTargetAsync(string targetId, CancellationToken cancellationToken) =>
        (await SendAsync<NotificationReply>(HttpMethod.Post, TargetPath(targetId) + "/test", content: null, cancellationToken)).Notification;

    private string TargetPath(string targetId) => $"{additions}/notifications/targets/{Uri.EscapeDataString(targetId)}";
}
