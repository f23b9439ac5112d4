using System.Globalization;
using Strongroom.Server.Http;

namespace Strongroom.Server.Schedules;

/// <summary>
/// One rule of a policy's trigger, such as <c>FREQ=WEEKLY;BYDAY=MO,TU;BYHOUR=06;BYMINUTE=00</c>: on which days and at which
/// minutes of a wall clock the policy runs. The grammar is the part of RFC 2445 recurrence rules that CBR takes (atlas of the
/// policy API, section 17.1): keys and words in upper case, in any order, each key once; <c>BYDAY</c> belongs to WEEKLY and
/// <c>INTERVAL</c> to DAILY. Where the API reference is silent, <c>BYHOUR</c> and <c>BYMINUTE</c> are required and may be
/// lists, which multiply.
/// </summary>
internal sealed class SchedulePattern
{
    private const int TextLengthMax = 255;
    private const int IntervalDaysMax = 30;
    private const int MinutesPerHour = 60;
    private const int MinutesPerDay = 24 * MinutesPerHour;

    private static readonly string[] Keys = ["FREQ", "BYDAY", "INTERVAL", "BYHOUR", "BYMINUTE"];

    // In the order of DayOfWeek.
    private static readonly string[] DayWords = ["SU", "MO", "TU", "WE", "TH", "FR", "SA"];

    /// <summary>As sent: clients compare it letter by letter.</summary>
    public required string Text { get; init; }

    /// <summary>Of DAILY: run days are so many days apart, counted from the policy's anchor. 0 when the weekdays decide.</summary>
    public required int IntervalDays { get; init; }

    /// <summary>Of WEEKLY, by <see cref="DayOfWeek"/>.</summary>
    public required IReadOnlyList<bool> Weekdays { get; init; }

    /// <summary>Minutes since midnight, rising.</summary>
    public required IReadOnlyList<int> MinutesOfDay { get; init; }

    public bool IsDaily => IntervalDays > 0;

    /// <summary>A pattern as a policy holds it.</summary>
    /// <exception cref="FormatException">It is none.</exception>
    public static SchedulePattern Parse(string text) => Read(text, rule => new FormatException($"The pattern '{text}' {rule}."));

    /// <summary>A pattern of a request; anything else is refused with <c>BackupService.9900</c>.</summary>
    public static SchedulePattern Read(BodyValue value) => Read(value.Text(1, TextLengthMax), value.Refused);

    /// <summary>Whether the pattern runs on a date of the wall clock.</summary>
    /// <param name="anchor">The date intervals are counted from; nothing daily runs before it.</param>
    public bool RunsOn(DateOnly date, DateOnly anchor) =>
        IsDaily ? date >= anchor && (date.DayNumber - anchor.DayNumber) % IntervalDays == 0 : Weekdays[(int)date.DayOfWeek];

    /// <summary>
    /// A pair of time points, one of each pattern, that can come less than an hour apart on some dates, midnight in between
    /// or not; null when there is none. The same point in both is one point. Both count intervals from the same anchor,
    /// whichever date that is.
    /// </summary>
    public static (int Minute, int OtherMinute)? TooClose(SchedulePattern one, SchedulePattern other)
    {
        foreach (int minute in one.MinutesOfDay)
        {
            foreach (int otherMinute in other.MinutesOfDay)
            {
                for (int daysLater = -1; daysLater <= 1; daysLater++)
                {
                    int apart = Math.Abs((daysLater * MinutesPerDay) + otherMinute - minute);
                    if (apart is > 0 and < MinutesPerHour && MayFollow(one, other, daysLater))
                        return (minute, otherMinute);
                }
            }
        }

        return null;
    }

    public override string ToString() => Text;

    /// <summary>Whether some date of <paramref name="one"/> has a date of <paramref name="other"/> so many days later.</summary>
    private static bool MayFollow(SchedulePattern one, SchedulePattern other, int daysLater)
    {
        if (one.IsDaily && other.IsDaily)
            return daysLater % (int)Gcd(one.IntervalDays, other.IntervalDays) == 0;
        // An interval meets every weekday in time, but for whole weeks; those meet one, which depends on the anchor.
        if (one.IsDaily || other.IsDaily)
            return true;
        return Enumerable.Range(0, 7).Any(day => one.Weekdays[day] && other.Weekdays[(day + daysLater + 7) % 7]);
    }

    private static long Gcd(long a, long b) => b == 0 ? a : Gcd(b, a % b);

    private static SchedulePattern Read(string text, Func<string, Exception> refused)
    {
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (string pair in text.Split(';'))
        {
            int equals = pair.IndexOf('=', StringComparison.Ordinal);
            string key = equals < 0 ? pair : pair[..equals];
            if (equals < 0 || !Keys.Contains(key))
                throw refused($"must be KEY=VALUE pairs joined by ';' with the keys {string.Join(", ", Keys)}; {ShownText.Quoted(pair)} is none");
            if (!values.TryAdd(key, pair[(equals + 1)..]))
                throw refused($"names {key} twice");
        }

        string frequency = Required("FREQ");
        if (frequency is not ("DAILY" or "WEEKLY"))
            throw refused("must have FREQ=DAILY or FREQ=WEEKLY");
        bool isDaily = frequency == "DAILY";
        if (isDaily && values.ContainsKey("BYDAY"))
            throw refused("must not have BYDAY with FREQ=DAILY");
        int interval = values.TryGetValue("INTERVAL", out string? intervalText) ? Number("INTERVAL", intervalText, 1, IntervalDaysMax) : 1;
        if (!isDaily && interval != 1)
            throw refused("must not have an INTERVAL other than 1 with FREQ=WEEKLY");
        bool[] weekdays = isDaily ? new bool[7] : Days(Required("BYDAY"));
        List<int> hours = Numbers("BYHOUR", 23);
        List<int> minutes = Numbers("BYMINUTE", 59);
        return new SchedulePattern
        {
            Text = text,
            IntervalDays = isDaily ? interval : 0,
            Weekdays = weekdays,
            MinutesOfDay = [.. hours.SelectMany(hour => minutes.Select(minute => (hour * MinutesPerHour) + minute)).Order()],
        };

        string Required(string key) => values.GetValueOrDefault(key) ?? throw refused($"must have {key}");

        bool[] Days(string list)
        {
            var days = new bool[7];
            foreach (string word in list.Split(','))
            {
                int day = Array.IndexOf(DayWords, word);
                if (day < 0)
                    throw refused($"must list days as MO, TU, WE, TH, FR, SA, SU in BYDAY; {ShownText.Quoted(word)} is none");
                if (days[day])
                    throw refused($"names {word} twice in BYDAY");
                days[day] = true;
            }

            return days;
        }

        List<int> Numbers(string key, int max)
        {
            var numbers = new List<int>();
            foreach (string word in Required(key).Split(','))
            {
                int number = Number(key, word, 0, max);
                if (numbers.Contains(number))
                    throw refused($"names {number} twice in {key}");
                numbers.Add(number);
            }

            return numbers;
        }

        int Number(string key, string digits, int min, int max) =>
            digits.Length <= 2 && int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number >= min && number <= max
                ? number
                : throw refused($"must have {min} to {max}, in one or two digits, in {key}; {ShownText.Quoted(digits)} is not");
    }
}
