using System.Net.Http.Headers;
using Amazon;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;

namespace Strongroom.ObjectStores.S3;

/// <summary>The SDK's client as this store wants it: no retries of its own, no checksums a server may not know, failures mapped.</summary>
internal sealed class S3Connection : IDisposable
{
    private readonly AmazonS3Client _client;
    private readonly HttpMessageHandler? _transport;
    private readonly TimeSpan _stallTimeout;
    // An upload takes hours at most; a week leaves room for any clock of a server's that was set meanwhile.
    private static readonly TimeSpan _abandonedAfter = TimeSpan.FromDays(7);

    private bool _hasLookedForAbandonedParts;

    /// <param name="transport">Sends the requests; null: sockets. Owned.</param>
    public S3Connection(S3Address address, ObjectStoreOptions options, TimeProvider time, HttpMessageHandler? transport)
    {
        Address = address;
        Requests = options.Requests ?? new RequestCounter();
        _stallTimeout = options.StallTimeout;
        Time = time;
        _transport = transport;
        var config = new AmazonS3Config
        {
            ForcePathStyle = address.UsesPathStyle,
            // Newer checksums travel inside the body, framed; servers that do not know them store the frames (velero#9951).
            RequestChecksumCalculation = RequestChecksumCalculation.WHEN_REQUIRED,
            ResponseChecksumValidation = ResponseChecksumValidation.WHEN_REQUIRED,
            // The wrapper tries again, and nothing else; the exchange limits the time.
            MaxErrorRetry = 0,
            ThrottleRetries = false,
            Timeout = Timeout.InfiniteTimeSpan,
            DisableLogging = true,
            BufferSize = 128 << 10, // of the 8 KiB copies it makes by itself a pack takes 4,000
            HttpClientFactory = new S3Transport(options.CallsMax, Requests, transport),
        };
        string region = address.Region ?? FallbackRegionFactory.GetRegionEndpoint()?.SystemName ?? "us-east-1";
        if (address.Endpoint is { } endpoint)
        {
            config.ServiceURL = endpoint.ToString();
            config.AuthenticationRegion = region;
        }
        else
        {
            config.RegionEndpoint = RegionEndpoint.GetBySystemName(region);
        }

        _client = (options.AccessKeyId, options.SecretAccessKey, options.SessionToken) switch
        {
            ({ Length: > 0 } id, { Length: > 0 } secret, { Length: > 0 } token) => new AmazonS3Client(new SessionAWSCredentials(id, secret, token), config),
            ({ Length: > 0 } id, { Length: > 0 } secret, _) => new AmazonS3Client(new BasicAWSCredentials(id, secret), config),
            _ => new AmazonS3Client(config),
        };
    }

    public S3Address Address { get; }

    public RequestCounter Requests { get; }

    public TimeProvider Time { get; }

    public string Bucket => Address.Bucket;

    /// <summary>The key of an object's name; of a prefix of names as well.</summary>
    public string KeyOf(string name) => Address.Prefix.Length == 0 ? name : $"{Address.Prefix}/{name}";

    /// <summary>Carries out a request and everything that belongs to its answer under one exchange.</summary>
    /// <param name="what">What is tried, for the message of a failure.</param>
    public async Task<T> SendAsync<T>(string what, Func<IAmazonS3, S3Exchange, Task<T>> request, CancellationToken cancellationToken)
    {
        using var exchange = new S3Exchange(_stallTimeout, Time, cancellationToken);
        try
        {
            return await request(_client, exchange);
        }
        catch (Exception exception) when (exception is not ObjectStoreException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (S3Failures.Map(exception, exchange, Address, $"cannot {what} in {Address}") is { } failure)
                throw failure;
            throw;
        }
    }

    /// <summary>One put of a whole object; <paramref name="createOnly"/>: refused by the server when there is one.</summary>
    public Task PutAsync(string what, string key, Func<S3Exchange, Stream> body, bool createOnly, CancellationToken cancellationToken) =>
        SendAsync(
            what,
            async (client, exchange) =>
            {
                await using var stream = body(exchange);
                return await client.PutObjectAsync(
                    new PutObjectRequest
                    {
                        BucketName = Bucket,
                        Key = key,
                        InputStream = stream,
                        AutoCloseStream = false,
                        // The plain form that every server knows: the whole body's SHA-256 in a header, checked by the server.
                        UseChunkEncoding = false,
                        IfNoneMatch = createOnly ? "*" : null,
                    },
                    exchange.Token);
            },
            cancellationToken);

    /// <summary>Reads a range of an object into <paramref name="destination"/>.</summary>
    public Task<S3Range> GetAsync(string what, string key, long offset, Memory<byte> destination, CancellationToken cancellationToken) =>
        SendAsync(
            what,
            async (client, exchange) =>
            {
                using var answer = await client.GetObjectAsync(
                    new GetObjectRequest
                    {
                        BucketName = Bucket,
                        Key = key,
                        ByteRange = new ByteRange(offset, checked(offset + destination.Length - 1)),
                    },
                    exchange.Token);
                long length = answer.ContentLength;
                if (length > destination.Length || (offset > 0 && string.IsNullOrEmpty(answer.ContentRange)))
                    throw new ObjectStoreException(ObjectStoreFailure.Invalid, $"cannot {what} in {Address}: the server answered with another range than it was asked for.");
                int read = 0;
                while (read < length)
                {
                    int count = await answer.ResponseStream.ReadAsync(destination[read..(int)length], exchange.Token);
                    if (count == 0)
                        throw new EndOfStreamException($"after {read} of {length} bytes");
                    exchange.Progress();
                    read += count;
                }

                Requests.AddReceived(read);
                long objectBytes = ContentRangeHeaderValue.TryParse(answer.ContentRange, out var range) && range.Length is { } all ? all : read;
                return new S3Range(read, answer.ETag ?? "", objectBytes);
            },
            cancellationToken);

    /// <exception cref="ObjectStoreException"><see cref="ObjectStoreFailure.NotFound"/> when there is no such object.</exception>
    public async Task<(long SizeBytes, string Tag)> StatAsync(string what, string key, CancellationToken cancellationToken)
    {
        var answer = await SendAsync(
            what,
            (client, exchange) => client.GetObjectMetadataAsync(new GetObjectMetadataRequest { BucketName = Bucket, Key = key }, exchange.Token),
            cancellationToken);
        return (answer.ContentLength, answer.ETag ?? "");
    }

    public Task DeleteAsync(string what, string key, CancellationToken cancellationToken) =>
        SendAsync(
            what,
            (client, exchange) => client.DeleteObjectAsync(new DeleteObjectRequest { BucketName = Bucket, Key = key }, exchange.Token),
            cancellationToken);

    /// <summary>Begins an object of parts and names it.</summary>
    public async Task<string> BeginPartsAsync(string what, string key, CancellationToken cancellationToken)
    {
        // Once in a process, and only in one that sends parts: others cost nothing.
        if (Interlocked.Exchange(ref _hasLookedForAbandonedParts, true) is false)
            await RemoveAbandonedPartsAsync(cancellationToken);
        var answer = await SendAsync(
            what,
            (client, exchange) => client.InitiateMultipartUploadAsync(
                new InitiateMultipartUploadRequest { BucketName = Bucket, Key = key }, exchange.Token),
            cancellationToken);
        return answer.UploadId;
    }

    /// <summary>Sends one part, and again over an earlier attempt at it.</summary>
    /// <returns>The part's tag.</returns>
    public async Task<string> SendPartAsync(
        string what, string key, string uploadId, int number, Func<S3Exchange, Stream> body, CancellationToken cancellationToken)
    {
        var answer = await SendAsync(
            what,
            async (client, exchange) =>
            {
                await using var stream = body(exchange);
                return await client.UploadPartAsync(
                    new UploadPartRequest
                    {
                        BucketName = Bucket,
                        Key = key,
                        UploadId = uploadId,
                        PartNumber = number,
                        PartSize = stream.Length,
                        InputStream = stream,
                        UseChunkEncoding = false,
                    },
                    exchange.Token);
            },
            cancellationToken);
        return answer.ETag;
    }

    /// <summary>Makes the object of its parts; <paramref name="createOnly"/>: refused by the server when there is one.</summary>
    public Task CompletePartsAsync(
        string what, string key, string uploadId, List<PartETag> parts, bool createOnly, CancellationToken cancellationToken) =>
        SendAsync(
            what,
            (client, exchange) => client.CompleteMultipartUploadAsync(
                new CompleteMultipartUploadRequest
                {
                    BucketName = Bucket,
                    Key = key,
                    UploadId = uploadId,
                    PartETags = parts,
                    IfNoneMatch = createOnly ? "*" : null,
                },
                exchange.Token),
            cancellationToken);

    public Task AbandonPartsAsync(string key, string uploadId, CancellationToken cancellationToken) =>
        SendAsync(
            $"give up the parts of {key}",
            (client, exchange) => client.AbortMultipartUploadAsync(
                new AbortMultipartUploadRequest { BucketName = Bucket, Key = key, UploadId = uploadId }, exchange.Token),
            cancellationToken);

    /// <summary>Removes parts that a dead process left: of uploads begun over a week ago, by the server's clock alone.</summary>
    private async Task RemoveAbandonedPartsAsync(CancellationToken cancellationToken)
    {
        var (uploads, now) = await SendAsync(
            "look for abandoned parts",
            async (client, exchange) => (
                await client.ListMultipartUploadsAsync(
                    new ListMultipartUploadsRequest { BucketName = Bucket, Prefix = KeyOf("") }, exchange.Token),
                exchange.ServerTime),
            cancellationToken);
        foreach (var upload in uploads.MultipartUploads ?? [])
        {
            if (now - upload.Initiated?.ToUniversalTime() > _abandonedAfter)
                await AbandonPartsAsync(upload.Key, upload.UploadId, cancellationToken);
        }
    }

    public void Dispose()
    {
        _client.Dispose();
        _transport?.Dispose();
    }
}

/// <summary>What a ranged get brought: bytes read, fewer than asked for only at the object's end, and which version they are of.</summary>
/// <param name="Tag">The version's; null when the range began past the end.</param>
/// <param name="ObjectBytes">The size of the whole object.</param>
internal readonly record struct S3Range(int ReadBytes, string? Tag, long ObjectBytes);
