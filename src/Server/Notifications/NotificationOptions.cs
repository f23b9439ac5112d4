using System.ComponentModel.DataAnnotations;
using Strongroom.Server.Schedules;

namespace Strongroom.Server.Notifications;

/// <summary>Whom the installation tells, how patiently, and what projects may set up for themselves.</summary>
public sealed class NotificationOptions
{
    /// <summary>Told of everything in all projects. Empty: nobody. The administrator's own: any address will do.</summary>
    public string WebhookUrl { get; set; } = "";

    /// <summary>What its requests are signed with: <c>whsec_</c> and 24 to 64 bytes in base64. Needed with a URL.</summary>
    public string WebhookSecret { get; set; } = "";

    /// <summary>Told of everything in all projects, separated by commas. Empty: nobody.</summary>
    public string MailTo { get; set; } = "";

    /// <summary>
    /// Lets projects send to private addresses and without TLS. Off, because a project's user could else make this server
    /// speak to what only it can reach.
    /// </summary>
    public bool AllowPrivateTargets { get; set; }

    [Range(0, 1000)]
    public int TargetCountMax { get; set; } = 20;

    /// <summary>How often what is to be sent is looked for.</summary>
    public TimeSpan PollInterval { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How often tasks that stand, and what else no single change causes, are looked for.</summary>
    public TimeSpan WatchInterval { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>Of one attempt, from looking up the name to the answer. Well under the time after which others take a claim over.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:00:30")]
    public TimeSpan SendTimeout { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>Wait after the first attempt that failed; each further one doubles it, up to an hour.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "01:00:00")]
    public TimeSpan FirstRetryAfter { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Then it is given up: with the waits above, after about a day.</summary>
    [Range(1, 1000)]
    public int AttemptsMax { get; set; } = 30;

    /// <summary>Targets that are sent to at once by one process; one that hangs holds up no other.</summary>
    [Range(1, 64)]
    public int ParallelSendsMax { get; set; } = 8;

    /// <summary>What waits for one target at most; beyond it, what is new is given up at once, so that a dead target fills no database.</summary>
    [Range(1, 100_000)]
    public int BacklogCountMax { get; set; } = 1_000;

    /// <summary>How long what was told can be looked at.</summary>
    [Range(typeof(TimeSpan), "1.00:00:00", "3660.00:00:00")]
    public TimeSpan Retention { get; set; } = TimeSpan.FromDays(30);

    /// <summary>A running task that has not moved for so long is told of.</summary>
    [Range(typeof(TimeSpan), "00:01:00", "30.00:00:00")]
    public TimeSpan StalledAfter { get; set; } = TimeSpan.FromMinutes(30);

    /// <summary>When the daily summary goes out, as <c>07:00</c>. Empty: never.</summary>
    [RegularExpression("^$|^([01][0-9]|2[0-3]):[0-5][0-9]$", ErrorMessage = "it must be a time of day such as 07:00, or empty")]
    public string SummaryAt { get; set; } = "07:00";

    /// <summary>In whose time: a name of the IANA database, such as <c>Europe/Berlin</c>.</summary>
    public string SummaryTimeZone { get; set; } = "UTC";

    /// <summary>How mail is sent, the installation's and the projects'.</summary>
    public SmtpOptions Smtp { get; set; } = new();

    internal IReadOnlyList<string> MailRecipients => MailTo.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

    /// <exception cref="StartRefusedException">Settings that do not go together, or name nothing.</exception>
    internal void Validate()
    {
        if (WebhookUrl.Length > 0 && !(Uri.TryCreate(WebhookUrl, UriKind.Absolute, out Uri? url) && url.Scheme is "http" or "https"))
            throw Wrong("WebhookUrl", $"it is '{WebhookUrl}' and must be an http or https address");
        if (WebhookUrl.Length > 0 && !WebhookSignature.IsSecret(WebhookSecret))
            throw Wrong("WebhookSecret", $"it must be {WebhookSignature.SecretRule}");
        if (MailRecipients.FirstOrDefault(recipient => !TargetOrder.Address().IsMatch(recipient)) is { } unknown)
            throw Wrong("MailTo", $"'{unknown}' is no mail address");
        if (MailTo.Length > 0 && Smtp.Host.Length == 0)
            throw Wrong("MailTo", "it needs a mail server, Notifications:Smtp:Host");
        if (Smtp.Host.Length > 0 && !TargetOrder.Address().IsMatch(Smtp.From))
            throw Wrong("Smtp:From", $"it is '{Smtp.From}' and must be a mail address");
        if (TimeZones.Find(SummaryTimeZone) is null)
            throw Wrong("SummaryTimeZone", $"'{SummaryTimeZone}' is no time zone of this machine");
    }

    private static StartRefusedException Wrong(string setting, string why) => new($"The setting Notifications:{setting} is wrong: {why}.");
}

public enum SmtpSecurity
{
    /// <summary>Plain text first, then STARTTLS, which the server must have.</summary>
    StartTls,

    /// <summary>TLS from the first byte, usually on port 465.</summary>
    Tls,

    /// <summary>For a server on this machine.</summary>
    None,
}

public sealed class SmtpOptions
{
    /// <summary>Empty: no mail is sent, and projects cannot ask for it.</summary>
    public string Host { get; set; } = "";

    [Range(1, 65535)]
    public int Port { get; set; } = 587;

    public SmtpSecurity Security { get; set; } = SmtpSecurity.StartTls;

    /// <summary>Empty: without logging in.</summary>
    public string User { get; set; } = "";

    public string Password { get; set; } = "";

    /// <summary>The sender, as <c>strongroom@example.org</c>.</summary>
    public string From { get; set; } = "";
}

/// <summary>The timing that sending twice rarely, and losing never, rests on.</summary>
internal static class NotificationTimings
{
    /// <summary>
    /// How long a claim must stand still, by the observer's own monotonic clock, before somebody else sends in its place: twice
    /// the longest <see cref="NotificationOptions.SendTimeout"/>, so that only a process that died or hangs is overtaken.
    /// </summary>
    public static readonly TimeSpan LeasePeriod = TimeSpan.FromSeconds(60);

    public static readonly TimeSpan RetryAfterMax = TimeSpan.FromHours(1);
}
