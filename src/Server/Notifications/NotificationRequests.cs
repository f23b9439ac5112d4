using System.Text.RegularExpressions;
using Strongroom.Contract;
using Strongroom.Server.Http;

namespace Strongroom.Server.Notifications;

/// <summary>A target as asked for; of a change, null keeps what is there.</summary>
/// <param name="Url">Of a webhook.</param>
/// <param name="Recipients">Of mail.</param>
/// <param name="Secret">Null: one is made up for a new webhook.</param>
internal sealed partial record TargetOrder(
    string? Name, TargetKind? Kind, string? Url, IReadOnlyList<string>? Recipients, string? Secret, IReadOnlyList<NotificationKind>? Events, bool? Enabled)
{
    private const int NameLengthMax = 64;
    private const int UrlLengthMax = 2048;
    private const int RecipientCountMax = 10;
    private const int RecipientLengthMax = 254;

    private static readonly string[] KindWords = WireWord.List<TargetKind>().Split(", ");

    /// <summary>Those a target can choose among: a test goes to whom it is asked of.</summary>
    private static readonly string[] EventWords =
        [.. Enum.GetValues<NotificationKind>().Where(kind => kind != NotificationKind.Test).Select(kind => WireWord.Of(kind))];

    public static TargetOrder Creation(BodyValue body, NotificationOptions options)
    {
        BodyValue target = body["target"].Object();
        TargetKind kind = WireWord.Parse<TargetKind>(target["kind"].Word(KindWords));
        string name = target["name"].Text(1, NameLengthMax, TextRule.Printable);
        bool isMail = kind == TargetKind.Mail;
        if (isMail && options.Smtp.Host.Length == 0)
            throw target["kind"].Refused("cannot be mail: this installation has no mail server (Notifications:Smtp:Host)");
        List<NotificationKind>? events = target["events"].ListOrNull(0, EventWords.Length, ReadEvent);
        bool? enabled = target["enabled"].FlagOrNull();
        if (isMail)
        {
            Refuse(target["url"], "belongs to a webhook");
            Refuse(target["secret"], "belongs to a webhook");
            return new TargetOrder(name, kind, null, target["recipients"].List(1, RecipientCountMax, ReadRecipient), null, events, enabled);
        }

        Refuse(target["recipients"], "belong to mail");
        string? secret = ReadSecret(target["secret"]);
        return new TargetOrder(name, kind, ReadUrl(target["url"], options), null, secret, events, enabled);
    }

    public static TargetOrder Change(BodyValue body, NotificationOptions options)
    {
        BodyValue target = body["target"].Object();
        string? name = target["name"].TextOrNull(1, NameLengthMax, TextRule.Printable);
        List<NotificationKind>? events = target["events"].ListOrNull(0, EventWords.Length, ReadEvent);
        bool? enabled = target["enabled"].FlagOrNull();
        List<string>? recipients = target["recipients"].ListOrNull(1, RecipientCountMax, ReadRecipient);
        string? secret = ReadSecret(target["secret"]);
        string? url = target["url"].IsGiven ? ReadUrl(target["url"], options) : null;
        return new TargetOrder(name, null, url, recipients, secret, events, enabled);
    }

    private static string ReadUrl(BodyValue value, NotificationOptions options)
    {
        string text = value.Text(1, UrlLengthMax);
        if (!Uri.TryCreate(text, UriKind.Absolute, out Uri? url))
            throw value.Refused("must be an https address");
        return WebhookChannel.Objection(url, options.AllowPrivateTargets) is { } objection ? throw value.Refused(objection) : url.AbsoluteUri;
    }

    private static string ReadRecipient(BodyValue value)
    {
        string text = value.Text(3, RecipientLengthMax);
        return Address().IsMatch(text) ? text : throw value.Refused("must be a mail address");
    }

    private static string? ReadSecret(BodyValue value)
    {
        if (!value.IsGiven)
            return null;
        string secret = value.Text(0, 255);
        // Not shown: the message would carry it into logs.
        return WebhookSignature.IsSecret(secret) ? secret : throw BodyReader.Refused($"{value.Path} must be {WebhookSignature.SecretRule}.");
    }

    private static NotificationKind ReadEvent(BodyValue value) => WireWord.Parse<NotificationKind>(value.Word(EventWords));

    private static void Refuse(BodyValue value, string why)
    {
        if (value.IsGiven)
            throw value.Refused(why);
    }

    // Narrower than mail allows, and without anything that means something to a mail server or a header.
    [GeneratedRegex(@"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?\z")]
    internal static partial Regex Address();
}
