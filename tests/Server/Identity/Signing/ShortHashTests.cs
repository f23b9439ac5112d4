using System.Security.Cryptography;
using Strongroom.Server.Identity;

namespace Strongroom.Server.Tests.Identity;

public sealed class ShortHashTests
{
    [Fact]
    public void What_is_hashed_and_signed_is_what_the_platform_computes_at_every_length()
    {
        byte[] secret = RandomNumberGenerator.GetBytes(40);
        var key = new HmacKey(secret);
        byte[] hash = new byte[SHA256.HashSizeInBytes];
        byte[] mac = new byte[SHA256.HashSizeInBytes];
        for (int length = 0; length < 300; length++)
        {
            byte[] data = RandomNumberGenerator.GetBytes(length);

            ShortHash.Sha256(data, hash);
            key.Sign(data, mac);

            Assert.Equal(SHA256.HashData(data), hash);
            Assert.Equal(HMACSHA256.HashData(secret, data), mac);
        }
    }

    /// <summary>Each has a text so long that nearly all of the time somebody is in the middle of one.</summary>
    [Fact]
    public async Task Any_number_of_threads_sign_under_one_key()
    {
        byte[] secret = RandomNumberGenerator.GetBytes(40);
        var key = new HmacKey(secret);

        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Factory.StartNew(
            () =>
            {
                byte[] data = RandomNumberGenerator.GetBytes(32 << 10);
                byte[] expected = HMACSHA256.HashData(secret, data);
                byte[] mac = new byte[SHA256.HashSizeInBytes];
                for (int i = 0; i < 1500; i++)
                {
                    key.Sign(data, mac);
                    Assert.Equal(expected, mac);
                }
            },
            TestContext.Current.CancellationToken,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default)));
    }
}
