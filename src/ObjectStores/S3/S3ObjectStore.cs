using System.Globalization;
using System.Runtime.CompilerServices;
using Amazon.S3.Model;

namespace Strongroom.ObjectStores.S3;

/// <summary>A store in a bucket of an S3 server: one object per object, its key the prefix and the name.</summary>
/// <remarks>
/// <para><b>Requests.</b> One per get up to 32 MiB, stat, delete, thousand listed names, and put up to 64 MiB. Larger gets are
/// read in parallel ranges of one version of the object, larger puts sent in parallel parts.</para>
/// <para><b>Atomic and durable</b> is what the server makes of a put; create-only is its <c>If-None-Match: *</c>. What the server
/// understands is found out by <see cref="S3Features"/>, not assumed.</para>
/// <para><b>Failures</b> are passed on at once; <see cref="RetryingObjectStore"/> goes round this store, and its uploads can repeat.</para>
/// <para><b>Foreign</b> keys, those that are no names of objects, are not listed.</para>
/// </remarks>
public sealed class S3ObjectStore : IObjectStore
{
    /// <summary>Up to here one connection is fast enough, and one request the cheapest.</summary>
    private const int RangeBytes = 16 << 20;
    private const int RangesAtOnce = 4;

    /// <summary>Larger than any object can be: servers choke on offsets that no file has.</summary>
    private const long OffsetLimit = 1L << 50;

    private readonly S3Connection _connection;
    private readonly S3Features _features;

    private S3ObjectStore(S3Connection connection, S3Features features) => (_connection, _features) = (connection, features);

    public string Address => _connection.Address.ToString();

    /// <summary>A request is paid for, and answered after some 20 ms: the time of a megabyte or two.</summary>
    public int ReadAheadBytes => 8 << 20;

    /// <summary>Opens the bucket: looks at it with one request and, the first time and unless it is only read, finds out what the server can.</summary>
    /// <exception cref="ObjectStoreException">
    /// <see cref="ObjectStoreFailure.Invalid"/> when the settings are wrong or the server lacks what a store needs, and says what;
    /// <see cref="ObjectStoreFailure.Denied"/> when there is no such bucket, or the key may not use it.
    /// </exception>
    public static ValueTask<S3ObjectStore> OpenAsync(ObjectStoreOptions options, TimeProvider time, CancellationToken cancellationToken) =>
        OpenAsync(options, time, transport: null, cancellationToken);

    internal static async ValueTask<S3ObjectStore> OpenAsync(
        ObjectStoreOptions options, TimeProvider time, HttpMessageHandler? transport, CancellationToken cancellationToken)
    {
        var connection = new S3Connection(S3Address.Parse(options), options, time, transport);
        try
        {
            return new S3ObjectStore(connection, await S3Features.FindAsync(connection, options, cancellationToken));
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    public async ValueTask<ObjectUpload> PutAsync(string name, PutMode mode, long sizeHintBytes, CancellationToken cancellationToken)
    {
        ObjectName.Check(name);
        ArgumentOutOfRangeException.ThrowIfNegative(sizeHintBytes);
        cancellationToken.ThrowIfCancellationRequested();
        return new S3Upload(_connection, _features, name, mode, sizeHintBytes);
    }

    public async ValueTask<int> GetAsync(string name, long offset, Memory<byte> destination, CancellationToken cancellationToken)
    {
        ObjectName.Check(name);
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        cancellationToken.ThrowIfCancellationRequested();
        string what = $"read {name}";
        if (destination.Length == 0 || offset >= OffsetLimit)
        {
            return await StatAsync(name, cancellationToken) is null
                ? throw new ObjectStoreException(ObjectStoreFailure.NotFound, $"cannot {what} in {Address}: there is no such object.")
                : 0;
        }

        return destination.Length <= 2 * RangeBytes
            ? (await GetRangeAsync(what, name, offset, destination, cancellationToken)).ReadBytes
            : await GetRangesAsync(what, name, offset, destination, cancellationToken);
    }

    public async ValueTask<ObjectStat?> StatAsync(string name, CancellationToken cancellationToken)
    {
        ObjectName.Check(name);
        cancellationToken.ThrowIfCancellationRequested();
        try
        {
            return new ObjectStat(name, (await _connection.StatAsync($"look at {name}", _connection.KeyOf(name), cancellationToken)).SizeBytes);
        }
        catch (ObjectStoreException failure) when (failure.Failure == ObjectStoreFailure.NotFound)
        {
            return null;
        }
    }

    public IAsyncEnumerable<ObjectStat> ListAsync(string prefix, CancellationToken cancellationToken)
    {
        ObjectName.CheckPrefix(prefix);
        return EnumerateAsync(prefix, cancellationToken);
    }

    public async ValueTask DeleteAsync(string name, CancellationToken cancellationToken)
    {
        ObjectName.Check(name);
        cancellationToken.ThrowIfCancellationRequested();
        await _connection.DeleteAsync($"delete {name}", _connection.KeyOf(name), cancellationToken);
    }

    public ValueTask DisposeAsync()
    {
        _connection.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task<S3Range> GetRangeAsync(
        string what, string name, long offset, Memory<byte> destination, CancellationToken cancellationToken)
    {
        try
        {
            return await _connection.GetAsync(what, _connection.KeyOf(name), offset, destination, cancellationToken);
        }
        catch (ObjectStoreException failure) when (S3Failures.IsPastTheEnd(failure))
        {
            return default;
        }
    }

    /// <summary>Reads in parallel ranges, and again from the start when the object was replaced between two of them.</summary>
    private async Task<int> GetRangesAsync(string what, string name, long offset, Memory<byte> destination, CancellationToken cancellationToken)
    {
        int count = (destination.Length + RangeBytes - 1) / RangeBytes;
        for (int attempt = 0; attempt < 5; attempt++)
        {
            var ranges = new S3Range[count];
            await Parallel.ForAsync(
                0,
                count,
                new ParallelOptions { MaxDegreeOfParallelism = RangesAtOnce, CancellationToken = cancellationToken },
                async (i, token) =>
                {
                    int start = i * RangeBytes;
                    var part = destination.Slice(start, Math.Min(RangeBytes, destination.Length - start));
                    ranges[i] = await GetRangeAsync(what, name, offset + start, part, token);
                });
            var first = ranges[0];
            long expected = Math.Clamp(first.ObjectBytes - offset, 0, destination.Length);
            if (ranges.All(range => range.ReadBytes == 0 || range.Tag == first.Tag) && ranges.Sum(range => (long)range.ReadBytes) == expected)
                return (int)expected;
        }

        throw new ObjectStoreException(ObjectStoreFailure.Transient, $"cannot {what} in {Address}: it was replaced over and over while it was read.");
    }

    private async IAsyncEnumerable<ObjectStat> EnumerateAsync(string prefix, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        string above = _connection.KeyOf("");
        string last = "";
        string? next = null;
        do
        {
            cancellationToken.ThrowIfCancellationRequested();
            var page = await _connection.SendAsync(
                $"list '{prefix}'",
                (client, exchange) => client.ListObjectsV2Async(
                    new ListObjectsV2Request { BucketName = _connection.Bucket, Prefix = above + prefix, ContinuationToken = next }, exchange.Token),
                cancellationToken);
            foreach (var one in page.S3Objects ?? [])
            {
                if (!one.Key.StartsWith(above + prefix, StringComparison.Ordinal) || string.CompareOrdinal(one.Key, last) <= 0)
                    throw new ObjectStoreException(
                        ObjectStoreFailure.Invalid,
                        string.Create(CultureInfo.InvariantCulture, $"cannot list '{prefix}' in {Address}: the server lists '{one.Key}' after '{last}'."));
                last = one.Key;
                string name = one.Key[above.Length..];
                if (ObjectName.IsValid(name))
                    yield return new ObjectStat(name, one.Size ?? 0);
            }

            next = page.IsTruncated == true ? page.NextContinuationToken : null;
        }
        while (next is not null);
    }
}
