using System.Globalization;
using Amazon.S3.Model;

namespace Strongroom.ObjectStores.S3;

/// <summary>
/// An object on its way into the bucket: kept in memory and put by one request at commit while it is small, sent in parts
/// once it is not. Nothing is given up before it has arrived, so a failed call can be made again.
/// </summary>
internal sealed class S3Upload(S3Connection connection, S3Features features, string name, PutMode mode, long sizeHintBytes) : ObjectUpload
{
    /// <summary>Two full packs: below, parts would only cost requests.</summary>
    private const long SinglePutMaxBytes = 64 << 20;

    /// <summary>Without conditional completion a create-only object has to go in one request, from memory.</summary>
    private const long UnpartedMaxBytes = 1L << 30;

    private const int PartsAtOnce = 4;

    private readonly List<Part> _parts = [];
    private readonly CancellationTokenSource _lifetime = new();
    private readonly string _key = connection.KeyOf(name);
    private readonly string _what = $"write {name}";
    private string? _uploadId;
    private long _sizeBytes;
    private int _takenBytes; // of the append under way, by an earlier attempt at it
    private bool _outcomeUnknown; // an attempt at the commit may have taken effect
    private bool _ended;
    private bool _committed;
    private bool _disposed;

    private sealed class Part(int number) : IDisposable
    {
        public int Number { get; } = number;

        /// <summary>The part's bytes, until they have arrived.</summary>
        public PartBuffer Buffer { get; } = new();

        /// <summary>Grows with the object, so that 10,000 parts, all there can be, reach 2 TiB.</summary>
        public long RoomBytes { get; private set; } = 16L << (20 + Math.Min(4, number / 1000));

        public Task? Sending { get; set; }

        /// <summary>What the server calls the part; null until it has arrived.</summary>
        public string? Tag { get; private set; }

        public void Append(ReadOnlySpan<byte> bytes)
        {
            Buffer.Append(bytes);
            RoomBytes -= bytes.Length;
        }

        public void Arrived(string tag)
        {
            Tag = tag;
            Dispose();
        }

        public void Dispose() => Buffer.Dispose();
    }

    public override bool CanRepeat => !_ended;

    private bool MayHaveParts => mode == PutMode.Replace || features.ConditionalCompletion;

    private bool WantsParts => MayHaveParts && Math.Max(_sizeBytes, sizeHintBytes) > SinglePutMaxBytes;

    public override async ValueTask AppendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        await RunAsync(
            async () =>
            {
                while (_takenBytes < bytes.Length)
                {
                    if (_parts.Count == 0 || _parts[^1].RoomBytes == 0)
                    {
                        if (WantsParts)
                            await SendAsync(_parts, PartsAtOnce, cancellationToken);
                        if (!MayHaveParts && _sizeBytes >= UnpartedMaxBytes)
                            throw new ObjectStoreException(
                                ObjectStoreFailure.Invalid,
                                $"cannot {_what} in {connection.Address}: the server cannot create an object of more than {UnpartedMaxBytes >> 20} MiB only if there is none.");
                        _parts.Add(new Part(_parts.Count + 1));
                    }

                    var part = _parts[^1];
                    int count = (int)Math.Min(bytes.Length - _takenBytes, part.RoomBytes);
                    part.Append(bytes.Span.Slice(_takenBytes, count));
                    _takenBytes += count;
                    _sizeBytes += count;
                }

                _takenBytes = 0;
            },
            cancellationToken);
    }

    public override async ValueTask CommitAsync(CancellationToken cancellationToken)
    {
        await RunAsync(
            async () =>
            {
                // Whoever announced much and brought little has sent no part yet, and needs none.
                if (_uploadId is not null || (MayHaveParts && _sizeBytes > SinglePutMaxBytes))
                    await CompleteAsync(cancellationToken);
                else
                    await PutAsync(cancellationToken);
                _committed = _ended = true;
            },
            cancellationToken);
    }

    public override async ValueTask DisposeAsync()
    {
        _ended = true;
        if (_disposed)
            return;
        _disposed = true;
        await _lifetime.CancelAsync();
        await Task.WhenAll(_parts.Select(part => part.Sending ?? Task.CompletedTask)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        foreach (var part in _parts)
            part.Dispose();
        _lifetime.Dispose();
        if (_uploadId is { } uploadId && !_committed)
            await AbortAsync(uploadId);
    }

    /// <summary>A transient failure leaves the upload as it was; any other, and a cancellation, ends it.</summary>
    private async Task RunAsync(Func<Task> step, CancellationToken cancellationToken)
    {
        if (_ended)
            throw new InvalidOperationException($"The upload of {name} has ended; nothing can be added to it.");
        bool isOver = true;
        try
        {
            cancellationToken.ThrowIfCancellationRequested();
            await step();
            isOver = _committed;
        }
        catch (ObjectStoreException failure) when (failure.Failure == ObjectStoreFailure.Transient)
        {
            isOver = false;
            throw;
        }
        finally
        {
            _ended = isOver;
        }
    }

    private async Task PutAsync(CancellationToken cancellationToken)
    {
        bool createOnly = mode == PutMode.CreateOnly;
        if (createOnly && !features.ConditionalPut && !_outcomeUnknown)
            await RequireAbsentAsync(cancellationToken);
        bool mayBeOurs = _outcomeUnknown;
        _outcomeUnknown = true;
        try
        {
            await connection.PutAsync(
                _what,
                _key,
                exchange => new PartStream([.. _parts.Select(part => part.Buffer)], exchange),
                createOnly && features.ConditionalPut,
                cancellationToken);
        }
        catch (ObjectStoreException failure) when (failure.Failure == ObjectStoreFailure.AlreadyExists && mayBeOurs)
        {
            if (!await IsOursAsync(cancellationToken))
                throw;
        }
    }

    /// <summary>
    /// Whether the object that is there holds exactly our bytes: then the attempt that got no answer had succeeded, or another
    /// writer put the very same, which makes no difference to any reader.
    /// </summary>
    private async Task<bool> IsOursAsync(CancellationToken cancellationToken)
    {
        byte[] piece = new byte[1 << 20];
        long offset = 0;
        foreach (var buffer in _parts.Select(part => part.Buffer))
        {
            for (long at = 0; at < buffer.Length;)
            {
                int length = Math.Min(buffer.At(at).Length, piece.Length);
                int read = (await connection.GetAsync($"compare {name}", _key, offset, piece.AsMemory(0, length), cancellationToken)).ReadBytes;
                if (read != length || !buffer.At(at)[..length].SequenceEqual(piece.AsSpan(0, read)))
                    return false;
                at += read;
                offset += read;
            }
        }

        return (await connection.StatAsync($"compare {name}", _key, cancellationToken)).SizeBytes == _sizeBytes;
    }

    /// <summary>For a server that cannot refuse by itself; see <see cref="ObjectStoreOptions.SingleWriter"/>.</summary>
    private async Task RequireAbsentAsync(CancellationToken cancellationToken)
    {
        try
        {
            await connection.StatAsync(_what, _key, cancellationToken);
        }
        catch (ObjectStoreException failure) when (failure.Failure == ObjectStoreFailure.NotFound)
        {
            return;
        }

        throw new ObjectStoreException(ObjectStoreFailure.AlreadyExists, $"cannot {_what} in {connection.Address}: it exists already.");
    }

    /// <summary>Hands over every given part that has not arrived; returns when fewer than so many are still under way.</summary>
    private async Task SendAsync(IReadOnlyList<Part> parts, int underWayMax, CancellationToken cancellationToken)
    {
        _uploadId ??= await connection.BeginPartsAsync(_what, _key, cancellationToken);
        foreach (var part in parts.Where(part => part.Tag is null && part.Sending is null))
        {
            await WaitAsync(PartsAtOnce, cancellationToken);
            part.Sending = SendAsync(part, _uploadId);
        }

        await WaitAsync(underWayMax, cancellationToken);
    }

    private async Task WaitAsync(int underWayMax, CancellationToken cancellationToken)
    {
        while (true)
        {
            // What has failed is sent again by the next attempt; one failure speaks for all.
            var over = _parts.Where(part => part.Sending is { IsCompleted: true }).ToList();
            var ended = Task.WhenAll(over.Select(part => part.Sending!));
            over.ForEach(part => part.Sending = null);
            await ended;
            var underWay = _parts.Where(part => part.Sending is not null).Select(part => part.Sending!).ToList();
            if (underWay.Count < underWayMax)
                return;
            await Task.WhenAny(underWay).WaitAsync(cancellationToken);
        }
    }

    private async Task SendAsync(Part part, string uploadId)
    {
        part.Arrived(await connection.SendPartAsync(
            _what, _key, uploadId, part.Number, exchange => new PartStream([part.Buffer], exchange), _lifetime.Token));
    }

    private async Task CompleteAsync(CancellationToken cancellationToken)
    {
        await SendAsync(_parts, 1, cancellationToken);
        bool mayBeDone = _outcomeUnknown;
        _outcomeUnknown = true;
        try
        {
            await connection.CompletePartsAsync(
                _what, _key, _uploadId!, [.. _parts.Select(part => new PartETag(part.Number, part.Tag))], mode == PutMode.CreateOnly, cancellationToken);
        }
        catch (ObjectStoreException failure) when (mayBeDone && failure.Failure is ObjectStoreFailure.NotFound or ObjectStoreFailure.AlreadyExists)
        {
            // The upload is gone: the attempt that got no answer completed it, or somebody gave it up.
            if (!await IsOurTagAsync(cancellationToken))
                throw;
        }
    }

    /// <summary>Whether the object there is made of our parts: its tag then is a hash over theirs, and their number.</summary>
    private async Task<bool> IsOurTagAsync(CancellationToken cancellationToken)
    {
        try
        {
            var (sizeBytes, tag) = await connection.StatAsync($"compare {name}", _key, cancellationToken);
            return sizeBytes == _sizeBytes && tag.Trim('"') == TagOfParts();
        }
        catch (ObjectStoreException failure) when (failure.Failure == ObjectStoreFailure.NotFound)
        {
            return false;
        }
    }

    private string TagOfParts()
    {
        try
        {
            byte[] tags = [.. _parts.SelectMany(part => Convert.FromHexString(part.Tag!.Trim('"')))];
#pragma warning disable CA5351 // Not for safety: it is how servers name an object of parts.
            return string.Create(CultureInfo.InvariantCulture, $"{Convert.ToHexStringLower(System.Security.Cryptography.MD5.HashData(tags))}-{_parts.Count}");
#pragma warning restore CA5351
        }
        catch (FormatException)
        {
            // A server with another kind of tag: nothing can be concluded.
            return "";
        }
    }

    /// <summary>Parts that stay cost money. Whether it succeeds or not, the upload is over: nobody waits long for it.</summary>
    private async Task AbortAsync(string uploadId)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(10), connection.Time);
        try
        {
            await connection.AbandonPartsAsync(_key, uploadId, limit.Token);
        }
        catch (Exception exception) when (exception is ObjectStoreException or OperationCanceledException)
        {
            // The next process to send parts removes what is left.
        }
    }
}
