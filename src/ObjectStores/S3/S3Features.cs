using System.Security.Cryptography;
using System.Text;
using Amazon.S3;
using Amazon.S3.Model;

namespace Strongroom.ObjectStores.S3;

/// <summary>
/// What a server can do, found out by doing it: objects are written, read, listed, replaced and deleted, and compared with what they
/// should be. The finding is kept in the bucket beside the objects, so that later openings cost one request; another version of
/// this code or of the SDK, another endpoint or other options look anew.
/// </summary>
/// <param name="ConditionalPut">A put can be refused when there is an object.</param>
/// <param name="ConditionalCompletion">So can the completion of parts.</param>
internal sealed record S3Features(bool ConditionalPut, bool ConditionalCompletion)
{
    private const string FindingName = ".features"; // no name of an object
    private const int FindingMaxBytes = 4096;

    public static async Task<S3Features> FindAsync(S3Connection connection, ObjectStoreOptions options, CancellationToken cancellationToken)
    {
        string head = Head(connection.Address);
        string? found = await ReadAsync(connection, cancellationToken);
        if (found is not null && Parse(head, found) is { } known)
            return known.Accepted(connection, options);
        // Whoever only reads can do without any of it, and may not be allowed to write.
        if (options.ReadOnly)
            return new S3Features(false, false);
        var features = (await new S3Probe(connection).RunAsync(cancellationToken)).Accepted(connection, options);
        byte[] finding = Encoding.ASCII.GetBytes($"{head}conditional-put {features.ConditionalPut}\nconditional-completion {features.ConditionalCompletion}\n");
        await connection.PutAsync("keep what was found out", connection.KeyOf(FindingName), _ => new MemoryStream(finding), createOnly: false, cancellationToken);
        return features;
    }

    private static string Head(S3Address address) =>
        $"Strongroom has tried this server. Probe 1, AWSSDK.S3 {typeof(AmazonS3Client).Assembly.GetName().Version},\n{address}\n";

    private static async Task<string?> ReadAsync(S3Connection connection, CancellationToken cancellationToken)
    {
        byte[] content = new byte[FindingMaxBytes];
        try
        {
            var range = await connection.GetAsync("open the store", connection.KeyOf(FindingName), 0, content, cancellationToken);
            return Encoding.ASCII.GetString(content, 0, range.ReadBytes);
        }
        catch (ObjectStoreException failure) when (failure.Failure == ObjectStoreFailure.NotFound)
        {
            return null;
        }
        catch (ObjectStoreException failure) when (failure.InnerException is AmazonS3Exception { ErrorCode: "AccessDenied" })
        {
            // A key without the right to list is told "denied" about objects that are not there, and we could not tell them apart.
            throw new ObjectStoreException(
                ObjectStoreFailure.Denied, $"cannot open {connection.Address}: the key needs the rights to list the bucket and to read, write and delete in it.", failure);
        }
    }

    private static S3Features? Parse(string head, string found) =>
        found.StartsWith(head, StringComparison.Ordinal) && found[head.Length..].Split('\n', ' ') is
            ["conditional-put", var put, "conditional-completion", var completion, ""] &&
        bool.TryParse(put, out bool conditionalPut) && bool.TryParse(completion, out bool conditionalCompletion)
            ? new S3Features(conditionalPut, conditionalCompletion)
            : null;

    private S3Features Accepted(S3Connection connection, ObjectStoreOptions options) =>
        ConditionalPut || options.SingleWriter || options.ReadOnly
            ? this
            : throw new ObjectStoreException(
                ObjectStoreFailure.Invalid,
                $"cannot open {connection.Address}: the server cannot put an object only if there is none (If-None-Match), so two writers could " +
                "overwrite each other. Use one that can, or set SingleWriter if only one process will ever write.");
}

/// <summary>The trial itself, with objects of its own that are removed again.</summary>
internal sealed class S3Probe(S3Connection connection)
{
    private const string What = "try out the server";
    private readonly string _key = connection.KeyOf($".probe-{Guid.NewGuid():N}");

    public async Task<S3Features> RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            // Incompressible, and longer than a frame of any framing checksum.
            byte[] first = RandomNumberGenerator.GetBytes(100_000), second = RandomNumberGenerator.GetBytes(50_000);
            bool conditionalPut = await TryConditionalPutAsync(first, second, cancellationToken);
            await RequireAsync("read back what was written", first, 0, first, cancellationToken);
            await RequireAsync("read a range", first, 70_001, new byte[1000], cancellationToken);
            await RequireListingAsync(first.Length, cancellationToken);
            await PutAsync(second, createOnly: false, cancellationToken);
            await RequireAsync("read what replaced it", second, 0, second, cancellationToken);
            bool conditionalCompletion = await TryConditionalCompletionAsync(cancellationToken);
            await connection.DeleteAsync(What, _key, cancellationToken);
            await RequireListingAsync(null, cancellationToken);
            return new S3Features(conditionalPut, conditionalCompletion);
        }
        catch (ObjectStoreException)
        {
            await RemoveAsync();
            throw;
        }
    }

    /// <summary>Leaves <paramref name="first"/> as the object, whatever the server can do.</summary>
    private async Task<bool> TryConditionalPutAsync(byte[] first, byte[] second, CancellationToken cancellationToken)
    {
        try
        {
            await PutAsync(first, createOnly: true, cancellationToken);
        }
        catch (ObjectStoreException failure) when (failure.Failure is ObjectStoreFailure.Invalid or ObjectStoreFailure.AlreadyExists)
        {
            // The header is not known, or misunderstood.
            await PutAsync(first, createOnly: false, cancellationToken);
            return false;
        }

        try
        {
            await PutAsync(second, createOnly: true, cancellationToken);
        }
        catch (ObjectStoreException failure) when (failure.Failure == ObjectStoreFailure.AlreadyExists)
        {
            return true;
        }

        await PutAsync(first, createOnly: false, cancellationToken);
        return false;
    }

    /// <summary>Completes parts over the object that is there, which a server that knows the condition refuses.</summary>
    private async Task<bool> TryConditionalCompletionAsync(CancellationToken cancellationToken)
    {
        string uploadId = await connection.BeginPartsAsync(What, _key, cancellationToken);
        bool refused = false;
        try
        {
            string tag = await connection.SendPartAsync(What, _key, uploadId, 1, _ => new MemoryStream([1]), cancellationToken);
            await connection.CompletePartsAsync(What, _key, uploadId, [new PartETag(1, tag)], createOnly: true, cancellationToken);
            return false;
        }
        catch (ObjectStoreException failure) when (failure.Failure is ObjectStoreFailure.AlreadyExists or ObjectStoreFailure.Invalid)
        {
            refused = failure.Failure == ObjectStoreFailure.AlreadyExists;
        }

        await connection.AbandonPartsAsync(_key, uploadId, cancellationToken);
        return refused;
    }

    private Task PutAsync(byte[] content, bool createOnly, CancellationToken cancellationToken) =>
        connection.PutAsync(What, _key, _ => new MemoryStream(content), createOnly, cancellationToken);

    private async Task RequireAsync(string step, byte[] content, int offset, byte[] like, CancellationToken cancellationToken)
    {
        byte[] destination = new byte[like.Length];
        var range = await connection.GetAsync(What, _key, offset, destination, cancellationToken);
        if (range.ReadBytes != destination.Length || range.ObjectBytes != content.Length || !destination.AsSpan().SequenceEqual(content.AsSpan(offset, destination.Length)))
            throw Unfit($"{step}: other bytes came");
    }

    private async Task RequireListingAsync(long? sizeBytes, CancellationToken cancellationToken)
    {
        var page = await connection.SendAsync(
            What,
            (client, exchange) => client.ListObjectsV2Async(new ListObjectsV2Request { BucketName = connection.Bucket, Prefix = _key }, exchange.Token),
            cancellationToken);
        var sizes = (page.S3Objects ?? []).Where(one => one.Key == _key).Select(one => one.Size).ToList();
        if (!sizes.SequenceEqual(sizeBytes is null ? [] : [sizeBytes]))
            throw Unfit("list what was just written or deleted: the listing is stale");
    }

    private ObjectStoreException Unfit(string step) =>
        new(ObjectStoreFailure.Invalid, $"cannot open {connection.Address}: the server failed to {step}.");

    private async Task RemoveAsync()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(10), connection.Time);
        try
        {
            await connection.DeleteAsync(What, _key, limit.Token);
        }
        catch (Exception exception) when (exception is ObjectStoreException or OperationCanceledException)
        {
            // What is left is 100 KB under a name nobody lists; the failure that brought us here counts.
        }
    }
}
