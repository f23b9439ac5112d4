namespace Strongroom.Contract.Policies;

/// <summary>When a policy runs, under <c>/strongroom/v1/{project_id}/policies/{policy_id}</c>: an addition of this product.</summary>
public sealed record PolicyClockReply(PolicyClockShape Policy);

/// <param name="TimeZone">On whose wall clock the patterns are read: a name of the IANA database; null: UTC, as on the public clouds.</param>
/// <param name="NextRuns">The next few, in order; empty while it does not run.</param>
public sealed record PolicyClockShape(string Id, string? TimeZone, IReadOnlyList<PolicyRunTimeShape> NextRuns);

/// <param name="Utc">As in <c>2024-11-05T03:00:00.000000</c>.</param>
/// <param name="Local">What the clock of the policy's zone shows then.</param>
public sealed record PolicyRunTimeShape(string Utc, string Local);
