using System.Text.Json.Serialization;
using Strongroom.Contract.Policies;

namespace Strongroom.Contract.Requests;

public sealed record PolicyCreation
{
    /// <summary>1 to 64 letters, digits, <c>_</c> and <c>-</c>.</summary>
    public required string Name { get; init; }

    public bool? Enabled { get; init; }

    /// <summary>One of <see cref="PolicyTypes"/>; a backup policy when null.</summary>
    public string? OperationType { get; init; }

    /// <summary>JSON text of an object.</summary>
    [JsonConverter(typeof(RawJsonConverter))]
    public required string OperationDefinition { get; init; }

    public required PolicyTriggerRequest Trigger { get; init; }
}

/// <summary>What a change of a policy may touch; null keeps what is there. The definition is replaced as a whole.</summary>
public sealed record PolicyChange
{
    public string? Name { get; init; }

    public bool? Enabled { get; init; }

    /// <summary>JSON text of an object.</summary>
    [JsonConverter(typeof(RawJsonConverter))]
    public string? OperationDefinition { get; init; }

    public PolicyTriggerRequest? Trigger { get; init; }
}

public sealed record PolicyTriggerRequest(PolicyPatternsRequest Properties)
{
    public static PolicyTriggerRequest Of(IReadOnlyList<string> patterns, string? startTime = null) => new(new PolicyPatternsRequest(patterns, startTime));
}

/// <param name="Pattern">1 to 24.</param>
/// <param name="StartTime">UTC, as in <c>2024-11-05 02:41:07</c>; the service's now when null.</param>
public sealed record PolicyPatternsRequest(IReadOnlyList<string> Pattern, string? StartTime);

public sealed record PolicyFilter
{
    public string? OperationType { get; init; }

    /// <summary>Those on this vault.</summary>
    public string? VaultId { get; init; }
}

public sealed record PolicyPreview
{
    public required PolicyCreation Policy { get; init; }

    /// <summary>A name of the IANA database; UTC when null.</summary>
    public string? TimeZone { get; init; }

    public string? VaultId { get; init; }

    /// <summary>An instant or a date; now when null.</summary>
    public string? From { get; init; }

    /// <summary>So many runs are told, 0 to 1000.</summary>
    public int? Runs { get; init; }

    /// <summary>An instant or a date; null weighs only what is stored.</summary>
    public string? On { get; init; }
}

internal sealed record PolicyCreationBody(PolicyCreation Policy);

internal sealed record PolicyChangeBody(PolicyChange Policy);

internal sealed record PolicyClockChangeBody(PolicyClockChange Policy);

internal sealed record PolicyClockChange(string TimeZone);

internal sealed record PolicyIdBody(string PolicyId);
