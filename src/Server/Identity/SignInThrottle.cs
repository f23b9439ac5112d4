using System.Net;

namespace Strongroom.Server.Identity;

/// <summary>
/// Slows down guessing. After a few wrong passwords in a row for one user from one address, further attempts from there are
/// turned away unread for a time that doubles with each failure, up to a minute. The right password from elsewhere still
/// works, so nobody can lock a user out of every place; a success forgets the failures. Kept in the process and bounded.
/// </summary>
internal sealed class SignInThrottle(TimeProvider time)
{
    // People mistype and scripts retry; from here on it is guessing.
    public const int FreeFailures = 10;

    public static readonly TimeSpan WaitMax = TimeSpan.FromMinutes(1);

    private const int EntryCountMax = 10_000;
    private static readonly TimeSpan Memory = TimeSpan.FromHours(1);

    private readonly Dictionary<(string User, IPAddress Address), Entry> entries = [];

    internal int EntryCount
    {
        get
        {
            lock (entries)
                return entries.Count;
        }
    }

    /// <summary>How long attempts are turned away yet; zero: not at all.</summary>
    public TimeSpan Wait(string user, IPAddress address)
    {
        lock (entries)
        {
            if (!entries.TryGetValue((user, address), out Entry entry) || entry.Failures < FreeFailures)
                return TimeSpan.Zero;
            TimeSpan wait = WaitAfter(entry.Failures) - time.GetElapsedTime(entry.LastAt);
            return wait > TimeSpan.Zero ? wait : TimeSpan.Zero;
        }
    }

    public void Failed(string user, IPAddress address)
    {
        lock (entries)
        {
            if (entries.Count >= EntryCountMax)
                MakeRoom();
            entries.TryGetValue((user, address), out Entry entry);
            int failures = time.GetElapsedTime(entry.LastAt) < Memory ? entry.Failures + 1 : 1;
            entries[(user, address)] = new Entry(failures, time.GetTimestamp());
        }
    }

    public void Succeeded(string user, IPAddress address)
    {
        lock (entries)
            entries.Remove((user, address));
    }

    private static TimeSpan WaitAfter(int failures)
    {
        int doublings = Math.Min(failures - FreeFailures, 6);
        return TimeSpan.FromSeconds(Math.Min(1 << doublings, WaitMax.TotalSeconds));
    }

    private void MakeRoom()
    {
        foreach (var key in entries.OrderBy(entry => entry.Value.LastAt).Take(EntryCountMax / 10).Select(entry => entry.Key).ToArray())
            entries.Remove(key);
    }

    private readonly record struct Entry(int Failures, long LastAt);
}
