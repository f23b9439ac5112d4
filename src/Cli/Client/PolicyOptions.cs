using System.CommandLine;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Strongroom.Contract.Policies;
using Strongroom.Contract.Requests;

namespace Strongroom.Cli.Client;

/// <summary>What makes a policy, as options: create needs it, update changes it, preview tries it out.</summary>
internal sealed class PolicyOptions
{
    private const string DaysMember = "retention_duration_days";
    private const string CountMember = "max_backups";

    // The service keeps the text as it is sent, and shows it: UTC+01:00 with its plus sign.
    private static readonly JsonSerializerOptions Readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly Option<string[]> patterns = new("--pattern")
    {
        Description = "When it runs, such as FREQ=DAILY;BYHOUR=02;BYMINUTE=30 or FREQ=WEEKLY;BYDAY=MO,TH;BYHOUR=06;BYMINUTE=00; may be repeated.",
        HelpName = "pattern",
    };

    private readonly (Option<int?> Option, string Member)[] numbers =
    [
        (new("--keep") { Description = "Keep so many backups of each resource; -1: all.", HelpName = "number" }, CountMember),
        (new("--keep-days") { Description = "Keep each backup so many days, instead of counting.", HelpName = "days" }, DaysMember),
        (new("--keep-daily") { Description = "Keep also the last backup of so many days.", HelpName = "number" }, "day_backups"),
        (new("--keep-weekly") { Description = "And of so many weeks.", HelpName = "number" }, "week_backups"),
        (new("--keep-monthly") { Description = "And of so many months.", HelpName = "number" }, "month_backups"),
        (new("--keep-yearly") { Description = "And of so many years.", HelpName = "number" }, "year_backups"),
        (new("--full-every") { Description = "A full backup after so many others; -1: only the first.", HelpName = "number" }, "full_backup_interval"),
    ];

    private readonly Option<string?> calendar = new("--calendar")
    {
        Description = "Where the days, weeks, months and years begin; needed to keep any.",
        HelpName = "UTC+hh:mm",
    };

    /// <summary>Everything, for the command to take.</summary>
    public Option[] All => [patterns, .. numbers.Select(number => number.Option), calendar];

    public bool HasPatterns(ParseResult parsed) => parsed.GetValue(patterns) is { Length: > 0 };

    /// <summary>Null when none is given.</summary>
    public PolicyTriggerRequest? Trigger(ParseResult parsed) =>
        HasPatterns(parsed) ? PolicyTriggerRequest.Of(parsed.GetValue(patterns)!) : null;

    /// <summary>The definition with what was asked for in it; null when nothing was. Days and numbers take each other's place.</summary>
    public string? Definition(ParseResult parsed, string? before)
    {
        var definition = (JsonObject)JsonNode.Parse(before ?? "{}")!;
        bool isChanged = false;
        foreach ((Option<int?> option, string member) in numbers)
        {
            if (parsed.GetValue(option) is not { } value)
                continue;
            if (member == DaysMember)
                RemoveAll(definition, [CountMember, "day_backups", "week_backups", "month_backups", "year_backups"]);
            else if (member != "full_backup_interval")
                RemoveAll(definition, [DaysMember]);
            definition[member] = value;
            isChanged = true;
        }

        if (parsed.GetValue(calendar) is { } zone)
        {
            definition["timezone"] = zone;
            isChanged = true;
        }

        return isChanged ? definition.ToJsonString(Readable) : null;
    }

    private static void RemoveAll(JsonObject definition, string[] members)
    {
        foreach (string member in members)
            definition.Remove(member);
    }
}
