using Strongroom.Contract;
using Strongroom.Contract.Policies;
using Strongroom.Server.OrganizationPolicies;
using Strongroom.Server.Schedules;
using Strongroom.Server.Vaults;

namespace Strongroom.Server.Policies;

/// <summary>When backups are made (or replicated), and how long they are kept. Pure.</summary>
internal sealed record Policy
{
    public required PolicyId Id { get; init; }

    public required string ProjectId { get; init; }

    public required string Name { get; init; }

    /// <summary>One of <see cref="PolicyTypes"/>; never changes.</summary>
    public required string OperationType { get; init; }

    public required bool Enabled { get; init; }

    public required PolicyDefinition Definition { get; init; }

    public required string TriggerId { get; init; }

    /// <summary>As sent, in that order.</summary>
    public required IReadOnlyList<string> Patterns { get; init; }

    /// <summary>Where DAILY intervals count from; whole seconds, as the wire shows it.</summary>
    public required DateTimeOffset StartAt { get; init; }

    /// <summary>The zone on whose wall clock the patterns are read: a name of the IANA database; null: UTC, as on the public clouds.</summary>
    public string? TimeZone { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>One of <see cref="PolicyOrigins"/>.</summary>
    public string PolicyType { get; init; } = PolicyOrigins.Custom;

    /// <summary>The organization policy it follows; null: none, or none any more.</summary>
    public OrganizationPolicyId? OrganizationPolicyId { get; init; }

    public bool IsReplication => OperationType == PolicyTypes.Replication;

    /// <exception cref="RefusedException">403: it follows an organization policy, so it is changed and deleted there.</exception>
    public void RefuseUnlessOwn()
    {
        if (OrganizationPolicyId is { } owner)
            throw new RefusedException(ErrorCodes.NotPermitted, $"Policy {Id} follows the organization policy {owner}: it can only be changed there.");
    }

    /// <summary>A zone that this machine's database has lost is read as UTC: better at another hour than not at all.</summary>
    public Schedule Schedule() =>
        new(Patterns.Select(SchedulePattern.Parse).ToList(), StartAt, TimeZone is null ? TimeZoneInfo.Utc : TimeZones.Find(TimeZone) ?? TimeZoneInfo.Utc);

    /// <summary>The first slot after an instant; null when the policy is disabled.</summary>
    public DateTimeOffset? NextAfter(DateTimeOffset instant) => Enabled ? Schedule().NextAfter(instant) : null;

    /// <summary>The policy after a change.</summary>
    /// <param name="bindings">The vaults it is bound to.</param>
    /// <param name="change">What was asked for.</param>
    /// <param name="now">From here new patterns count, unless the change says from where.</param>
    public Policy Changed(PolicyChange change, IReadOnlyCollection<PolicyBinding> bindings, DateTimeOffset now)
    {
        if (change.OperationType is { } type && type != OperationType)
            throw new RefusedException(ErrorCodes.ParameterInvalid, $"policy.operation_type of policy {Id} is {OperationType} and cannot become {type}.");
        PolicyDefinition definition = change.Definition ?? Definition;
        if (IsReplication && bindings.Count > 0 && definition.DestinationRegion != Definition.DestinationRegion)
        {
            throw new RefusedException(
                ErrorCodes.PolicyRegionFixed,
                $"Policy {Id} is bound to {bindings.Count} vaults: its destination_region stays {Definition.DestinationRegion} until they are unbound.");
        }

        bool isNewPattern = change.Patterns is { } patterns && !patterns.SequenceEqual(Patterns);
        return this with
        {
            Name = change.Name ?? Name,
            Enabled = change.Enabled ?? Enabled,
            Definition = definition,
            Patterns = change.Patterns ?? Patterns,
            StartAt = change.StartAt ?? (isNewPattern ? WholeSeconds(now) : StartAt),
        };
    }

    public static DateTimeOffset WholeSeconds(DateTimeOffset instant) => instant.AddTicks(-(instant.UtcTicks % TimeSpan.TicksPerSecond));
}

/// <summary>A policy on a vault; a vault has at most one of each type.</summary>
/// <param name="DestinationVaultId">Of a replication policy.</param>
internal sealed record PolicyBinding(PolicyId PolicyId, VaultId VaultId, string OperationType, VaultId? DestinationVaultId);

/// <summary>A policy as asked for.</summary>
internal sealed record PolicyCreation(
    string Name, string OperationType, bool Enabled, PolicyDefinition Definition, IReadOnlyList<string> Patterns, DateTimeOffset? StartAt)
{
    public Policy ToPolicy(string projectId, DateTimeOffset now) => new()
    {
        Id = PolicyId.New(),
        ProjectId = projectId,
        Name = Name,
        OperationType = OperationType,
        Enabled = Enabled,
        Definition = Definition,
        TriggerId = Guid.NewGuid().ToString(),
        Patterns = Patterns,
        StartAt = StartAt ?? Policy.WholeSeconds(now),
        CreatedAt = now,
    };
}

/// <summary>What an update asks for; null leaves a member as it is.</summary>
internal sealed record PolicyChange(
    string? Name, bool? Enabled, string? OperationType, PolicyDefinition? Definition, IReadOnlyList<string>? Patterns, DateTimeOffset? StartAt);
