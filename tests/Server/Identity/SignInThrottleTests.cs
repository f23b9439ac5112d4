using System.Net;
using Strongroom.Server.Identity;

namespace Strongroom.Server.Tests.Identity;

public sealed class SignInThrottleTests
{
    private readonly FakeTimeProvider time = new();
    private readonly SignInThrottle throttle;

    public SignInThrottleTests() => throttle = new SignInThrottle(time);

    [Fact]
    public void The_wait_begins_after_the_free_failures_and_doubles_up_to_a_minute()
    {
        var waits = new List<double>();
        for (int i = 0; i < SignInThrottle.FreeFailures + 8; i++)
        {
            throttle.Failed("a", IPAddress.Loopback);
            TimeSpan wait = throttle.Wait("a", IPAddress.Loopback);
            if (wait > TimeSpan.Zero)
                waits.Add(wait.TotalSeconds);
            time.Advance(wait);
            Assert.Equal(TimeSpan.Zero, throttle.Wait("a", IPAddress.Loopback));
        }

        Assert.Equal([1, 2, 4, 8, 16, 32, 60, 60, 60], waits);
    }

    [Fact]
    public void Another_user_and_another_address_are_not_held_up()
    {
        FailOften("a");

        Assert.NotEqual(TimeSpan.Zero, throttle.Wait("a", IPAddress.Loopback));
        Assert.Equal(TimeSpan.Zero, throttle.Wait("b", IPAddress.Loopback));
        Assert.Equal(TimeSpan.Zero, throttle.Wait("a", IPAddress.IPv6Loopback));
    }

    [Fact]
    public void A_success_forgets_the_failures()
    {
        FailOften("a");

        throttle.Succeeded("a", IPAddress.Loopback);

        Assert.Equal(TimeSpan.Zero, throttle.Wait("a", IPAddress.Loopback));
    }

    [Fact]
    public void After_an_hour_the_count_starts_anew()
    {
        FailOften("a");
        time.Advance(TimeSpan.FromHours(1));

        throttle.Failed("a", IPAddress.Loopback);

        Assert.Equal(TimeSpan.Zero, throttle.Wait("a", IPAddress.Loopback));
    }

    [Fact]
    public void Any_number_of_names_leaves_the_newest_remembered()
    {
        for (int i = 0; i < 25_000; i++)
        {
            throttle.Failed("name" + i, IPAddress.Loopback);
            time.Advance(TimeSpan.FromTicks(1));
        }

        FailOften("a");

        Assert.NotEqual(TimeSpan.Zero, throttle.Wait("a", IPAddress.Loopback));
        Assert.InRange(throttle.EntryCount, 1, 10_000);
    }

    private void FailOften(string user)
    {
        for (int i = 0; i < SignInThrottle.FreeFailures; i++)
            throttle.Failed(user, IPAddress.Loopback);
    }
}
