using System.Buffers;
using System.Globalization;
using System.Security;
using Strongroom.Server.Http;

namespace Strongroom.Server.Schedules;

/// <summary>The two ways a zone is written: a name of the IANA database, or a fixed offset such as <c>UTC+08:00</c>.</summary>
internal static class TimeZones
{
    private const int NameLengthMax = 64;
    private const int OffsetTextLength = 9;

    private static readonly SearchValues<char> NameCharacters =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/");

    /// <summary>A zone of the IANA database by name, its names of old included; null when the machine has none of it.</summary>
    public static TimeZoneInfo? Find(string name)
    {
        // The platform opens a file of that name: nothing but a plain relative one may reach it.
        if (name.Length is 0 or > NameLengthMax || name.AsSpan().ContainsAnyExcept(NameCharacters) || name[0] == '/')
            return null;
        if (name == "UTC")
            return TimeZoneInfo.Utc;
        try
        {
            return TimeZoneInfo.FindSystemTimeZoneById(name);
        }
        catch (Exception error) when (error is TimeZoneNotFoundException or InvalidTimeZoneException or SecurityException)
        {
            return null;
        }
    }

    /// <summary>The zone a request names (<c>Europe/Berlin</c>); null when it names none.</summary>
    public static TimeZoneInfo? ReadOrNull(BodyValue value) => !value.IsGiven
        ? null
        : Find(value.Text(1, NameLengthMax)) ?? throw value.Refused("must be a time zone of the IANA database, such as Europe/Berlin");

    /// <summary>The fixed offset of <c>operation_definition.timezone</c>; null when the text is none.</summary>
    public static TimeZoneInfo? FindOffset(string text)
    {
        if (text.Length != OffsetTextLength || !text.StartsWith("UTC", StringComparison.Ordinal) || text[3] is not ('+' or '-') || text[6] != ':')
            return null;
        if (!int.TryParse(text.AsSpan(4, 2), NumberStyles.None, CultureInfo.InvariantCulture, out int hours)
            || !int.TryParse(text.AsSpan(7, 2), NumberStyles.None, CultureInfo.InvariantCulture, out int minutes)
            || minutes > 59
            || (hours * 60) + minutes > 14 * 60)
        {
            return null;
        }

        var offset = new TimeSpan(hours, minutes, 0);
        return TimeZoneInfo.CreateCustomTimeZone(text, text[3] == '-' ? -offset : offset, text, text);
    }

    /// <summary><c>operation_definition.timezone</c> of a request, as written; null when it is absent.</summary>
    public static string? ReadOffsetOrNull(BodyValue value)
    {
        if (value.TextOrNull(1, NameLengthMax) is not { } text)
            return null;
        return FindOffset(text) is not null ? text : throw value.Refused("must be an offset such as UTC+08:00, at most 14 hours");
    }
}
