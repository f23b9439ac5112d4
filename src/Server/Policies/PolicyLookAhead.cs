using Strongroom.Server.Retention;
using Strongroom.Server.Schedules;

namespace Strongroom.Server.Policies;

/// <summary>A resource in a preview.</summary>
/// <param name="Id">Null stands for a resource nobody named.</param>
/// <param name="Stored">Its backups.</param>
/// <param name="IsTaken">The policy takes it along.</param>
internal sealed record PreviewedResource(string? Id, IReadOnlyList<RetainedBackup> Stored, bool IsTaken = true);

internal sealed record PreviewedBackup(string? ResourceId, RetentionVerdict Verdict, bool IsStored);

/// <summary>
/// Plays a policy forward without touching anything: at each slot every resource gets a backup, and what
/// <see cref="RetentionDecision"/> lets go then is gone, as the executor does it when a backup is complete.
/// </summary>
/// <param name="Schedule">Null when the policy does not run.</param>
/// <param name="IsLocked">The vault is: what is made in it stays for the time it is stamped with, or for good.</param>
internal sealed record PolicyLookAhead(Schedule? Schedule, RetentionRule Rule, bool IsLocked, RetentionOptions Options)
{
    /// <summary>Backups made in one preview, over all resources. Thirty years daily, or two of a whole vault's 256 weekly.</summary>
    public const int BackupCountMax = 30_000;

    // A verdict costs some hundred nanoseconds.
    private const long VerdictCountMax = 10_000_000;

    /// <summary>The slots from an instant on, that instant included.</summary>
    public IEnumerable<DateTimeOffset> SlotsFrom(DateTimeOffset from)
    {
        if (Schedule is null)
            yield break;
        for (DateTimeOffset slot = Schedule.NextAfter(from.AddTicks(-1)); ; slot = Schedule.NextAfter(slot))
            yield return slot;
    }

    /// <summary>What the rule says about what is stored, at one instant.</summary>
    public List<PreviewedBackup> Now(IReadOnlyList<PreviewedResource> resources, DateTimeOffset now) =>
        [.. resources.SelectMany(resource => Decide(Rule, resource.Stored, now).Select(verdict => new PreviewedBackup(resource.Id, verdict, true)))];

    /// <summary>What is there at a later instant, and what has gone until then.</summary>
    /// <returns>Null when there is more to play than <see cref="BackupCountMax"/> backups, or their retention takes too long.</returns>
    public List<PreviewedBackup>? On(
        IReadOnlyList<PreviewedResource> resources, DateTimeOffset from, DateTimeOffset until, CancellationToken cancellationToken)
    {
        List<DateTimeOffset> slots = [.. SlotsFrom(from).TakeWhile(slot => slot <= until).Take(BackupCountMax + 1)];
        if ((long)slots.Count * resources.Count > BackupCountMax)
            return null;
        List<PreviewedBackup> outcome = [];
        long verdictsLeft = VerdictCountMax;
        foreach (PreviewedResource resource in resources)
        {
            List<RetainedBackup> backups = [.. resource.Stored];
            foreach (DateTimeOffset slot in resource.IsTaken ? slots : [])
            {
                cancellationToken.ThrowIfCancellationRequested();
                backups.Add(Made(slot));
                // Expiry alone looks back at nothing and can wait; a number is never exceeded by fewer.
                if (!Rule.IsByNumber || backups.Count <= Rule.MaxBackups)
                    continue;
                if ((verdictsLeft -= backups.Count) < 0)
                    return null;
                RemoveGone(Decide(Rule, backups, slot));
            }

            // Numbers count when a backup is complete; what has expired goes without one.
            RetentionRule last = slots.Count > 0 && resource.IsTaken ? Rule : new RetentionRule { DurationDays = Rule.DurationDays };
            List<RetentionVerdict> verdicts = Decide(last, backups, until);
            RemoveGone(verdicts);
            outcome.AddRange(verdicts.Where(verdict => verdict.Keeps).Select(Previewed));

            void RemoveGone(List<RetentionVerdict> verdicts)
            {
                outcome.AddRange(verdicts.Where(verdict => !verdict.Keeps).Select(Previewed));
                HashSet<string> gone = [.. verdicts.Where(verdict => !verdict.Keeps).Select(verdict => verdict.Backup.Id)];
                if (gone.Count > 0)
                    backups.RemoveAll(backup => gone.Contains(backup.Id));
            }

            PreviewedBackup Previewed(RetentionVerdict verdict) =>
                new(resource.Id, verdict, resource.Stored.Any(stored => stored.Id == verdict.Backup.Id));
        }

        return outcome;
    }

    private RetainedBackup Made(DateTimeOffset slot)
    {
        DateTimeOffset? expiry = Rule.ExpiryOf(slot);
        return new RetainedBackup($"{slot.UtcTicks:D20}", slot) { ExpiredAt = expiry, LockedUntil = IsLocked ? expiry ?? DateTimeOffset.MaxValue : null };
    }

    private List<RetentionVerdict> Decide(RetentionRule rule, IEnumerable<RetainedBackup> backups, DateTimeOffset now) =>
        RetentionDecision.Of(rule, backups, now, Options);
}
