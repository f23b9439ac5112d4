namespace Strongroom.Server.Notifications;

/// <summary>One way to tell people. Members may be called in parallel.</summary>
internal interface INotificationChannel
{
    TargetKind Kind { get; }

    /// <summary>Sends it once; returns when the other side has taken it.</summary>
    /// <exception cref="DeliveryException">It did not, or could not be reached.</exception>
    Task SendAsync(NotificationTarget target, Notification notification, CancellationToken cancellationToken);
}

/// <summary>An attempt that failed; it is made again.</summary>
/// <param name="message">For the project that set the target up: it holds nothing of what the other side answered but a status.</param>
internal sealed class DeliveryException(string message, Exception? inner = null) : Exception(message, inner);
