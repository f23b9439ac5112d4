using System.Text;
using Strongroom.Contract;
using Strongroom.Contract.Policies;
using Strongroom.Server.Http;
using Strongroom.Server.Schedules;

namespace Strongroom.Server.Policies;

/// <summary>
/// <c>operation_definition</c>: how much is kept, and where replicas go (atlas of backups, section 6.1). What was sent is kept
/// as text and given back to the byte; the members beside it are what the service itself goes by, null where not sent.
/// </summary>
internal sealed record PolicyDefinition
{
    // All its members at their longest take under 1000 characters.
    private const int TextCharsMax = 4096;

    private const int BackupCountMax = 99_999;
    private const int LongTermCountMax = 100;

    /// <summary>As sent.</summary>
    public required string Text { get; init; }

    /// <summary>-1: not limited by number; 0: as if not sent.</summary>
    public int? MaxBackups { get; init; }

    /// <summary>-1: not limited by age; 0: as if not sent.</summary>
    public int? RetentionDurationDays { get; init; }

    public int? DayBackups { get; init; }

    public int? WeekBackups { get; init; }

    public int? MonthBackups { get; init; }

    public int? YearBackups { get; init; }

    /// <summary>Whose calendar the long-term keepers are counted in; it moves no run.</summary>
    public TimeSpan? Offset { get; init; }

    /// <summary>So many increments between two full backups; -1: only the first is full; 0: every one is.</summary>
    public int? FullBackupInterval { get; init; }

    public string? DestinationRegion { get; init; }

    public string? DestinationProjectId { get; init; }

    private bool HasLongTerm => DayBackups > 0 || WeekBackups > 0 || MonthBackups > 0 || YearBackups > 0;

    public static PolicyDefinition Read(BodyValue value)
    {
        string text = value.ObjectText(TextCharsMax);
        PolicyDefinition definition = Read(value, text);
        value["enable_acceleration"].FlagOrNull();
        value["cross_account_urn"].TextOrNull(0, 255, TextRule.Printable);
        if (definition.RetentionDurationDays > 0 && (definition.MaxBackups > 0 || definition.HasLongTerm))
        {
            throw value["retention_duration_days"].Refused(
                "goes with neither max_backups nor day_, week_, month_ and year_backups: leave one side out, or send 0 or -1 for it");
        }

        if (definition.HasLongTerm && definition.Offset is null)
            throw BodyReader.Refused($"{value["timezone"].Path} is missing: day_, week_, month_ and year_backups count by its calendar.");
        return definition;
    }

    /// <summary>From the text that was stored after it had passed <see cref="Read(BodyValue)"/>.</summary>
    public static PolicyDefinition OfStored(string text) => BodyReader.Parse(Encoding.UTF8.GetBytes(text), value => Read(value, text));

    /// <summary>Only replication needs a destination; other policies may name one, which means nothing.</summary>
    /// <param name="operationType">Of its policy.</param>
    /// <param name="ownRegion">Which nothing is replicated to.</param>
    /// <param name="path">Where the definition stood in the body.</param>
    public void RefuseUnlessFits(string operationType, string ownRegion, string path = "policy.operation_definition")
    {
        if (operationType != PolicyTypes.Replication)
            return;
        if (string.IsNullOrEmpty(DestinationRegion))
            throw BodyReader.Refused($"{path}.destination_region is missing: a replication policy needs one.");
        if (string.IsNullOrEmpty(DestinationProjectId))
            throw BodyReader.Refused($"{path}.destination_project_id is missing: a replication policy needs one.");
        if (DestinationRegion == ownRegion)
            throw BodyReader.Refused($"{path}.destination_region must be another region than this one, {ownRegion}.");
    }

    private static PolicyDefinition Read(BodyValue value, string text) => new()
    {
        Text = text,
        MaxBackups = value["max_backups"].IntOrNull(-1, BackupCountMax),
        RetentionDurationDays = value["retention_duration_days"].IntOrNull(-1, BackupCountMax),
        DayBackups = value["day_backups"].IntOrNull(0, LongTermCountMax),
        WeekBackups = value["week_backups"].IntOrNull(0, LongTermCountMax),
        MonthBackups = value["month_backups"].IntOrNull(0, LongTermCountMax),
        YearBackups = value["year_backups"].IntOrNull(0, LongTermCountMax),
        Offset = TimeZones.ReadOffsetOrNull(value["timezone"]) is { } offset ? TimeZones.FindOffset(offset)!.BaseUtcOffset : null,
        FullBackupInterval = value["full_backup_interval"].IntOrNull(-1, 100),
        DestinationRegion = value["destination_region"].TextOrNull(0, 255, TextRule.Region),
        DestinationProjectId = value["destination_project_id"].TextOrNull(0, 64, TextRule.Printable),
    };
}
