using System.Net;
using System.Security.Authentication;
using Amazon.Runtime;
using Amazon.S3;

namespace Strongroom.ObjectStores.S3;

/// <summary>What an answer of the server, or its absence, says to the caller of a store.</summary>
/// <remarks>Codes: "Error responses", Amazon S3 API reference; QuotaExceeded and XMinioStorageFull are Ceph's and MinIO's.</remarks>
internal static class S3Failures
{
    /// <summary>Whether a get failed only because its range begins where the object has ended.</summary>
    public static bool IsPastTheEnd(ObjectStoreException failure) =>
        failure.InnerException is AmazonServiceException { StatusCode: HttpStatusCode.RequestedRangeNotSatisfiable };

    /// <summary>Null for what is no failure of the store but ours, or the caller's cancellation.</summary>
    /// <param name="what">What was tried, as in <c>cannot read packs/a in s3://bucket</c>.</param>
    public static ObjectStoreException? Map(Exception exception, S3Exchange exchange, S3Address address, string what)
    {
        if (exception is OperationCanceledException)
        {
            return exchange.HasStalled
                ? new(ObjectStoreFailure.Transient, $"{what}: the server neither took nor sent a byte for a while.", exception)
                : null;
        }

        if (exception is AmazonServiceException answer && answer.StatusCode != default)
            return FromAnswer(answer, exchange, address, what);
        if (Find<AuthenticationException>(exception) is { } untrusted)
            return new(ObjectStoreFailure.Denied, $"{what}: the server's certificate is not trusted: {untrusted.Message}", exception);
        if (Find<HttpRequestException>(exception) is { } network)
            return new(ObjectStoreFailure.Transient, $"{what}: {Sentence(network.Message)}", exception);
        if (Find<IOException>(exception) is { } broken)
            return new(ObjectStoreFailure.Transient, $"{what}: the connection broke: {Sentence(broken.Message)}", exception);
        // The SDK throws its plain client exception, and nothing more telling, when it finds no credentials anywhere.
        return exception is AmazonClientException
            ? new(ObjectStoreFailure.Denied, $"{what}: {Sentence(exception.Message)} Are AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY set?", exception)
            : null;
    }

    private static ObjectStoreException FromAnswer(AmazonServiceException answer, S3Exchange exchange, S3Address address, string what)
    {
        string said = $"{what}: {(int)answer.StatusCode} {answer.ErrorCode}";
        (ObjectStoreFailure Kind, string Message) meaning = (answer.ErrorCode, answer.StatusCode) switch
        {
            ("NoSuchBucket", _) => (ObjectStoreFailure.Denied, $"{what}: there is no bucket {address.Bucket}. Make it, or correct the address."),
            ("PermanentRedirect" or "AuthorizationHeaderMalformed" or "IllegalLocationConstraintException", _) or (_, HttpStatusCode.MovedPermanently) =>
                (ObjectStoreFailure.Denied, $"{said}: is the region or the endpoint right? {Sentence(answer.Message)}"),
            ("RequestTimeTooSkewed", _) => (ObjectStoreFailure.Denied, $"{what}: this machine's clock and the server's differ too much. Set the clock."),
            ("QuotaExceeded" or "XMinioStorageFull" or "XMinioAdminBucketQuotaExceeded" or "InsufficientCapacity", _) or (_, HttpStatusCode.InsufficientStorage) =>
                (ObjectStoreFailure.Full, $"{said}: the store, or its user's quota, is full."),
            // Damaged on the way, or sent too slowly; the next attempt sends it anew.
            ("RequestTimeout" or "BadDigest" or "XAmzContentSHA256Mismatch" or "IncompleteBody" or "InternalError" or "SlowDown"
                or "OperationAborted" or "ConditionalRequestConflict" or "ServiceUnavailable" or "Throttling" or "ThrottlingException", _) =>
                (ObjectStoreFailure.Transient, $"{said}. {Sentence(answer.Message)}"),
            // A role's key that ran out is renewed for the next attempt; one that stays out ends the patience.
            ("ExpiredToken" or "TokenRefreshRequired", _) => (ObjectStoreFailure.Transient, $"{said}: the temporary key has expired."),
            ("NoSuchUpload", _) => (ObjectStoreFailure.NotFound, $"{what}: its parts were removed meanwhile."),
            (_, HttpStatusCode.NotFound) => (ObjectStoreFailure.NotFound, $"{what}: there is no such object."),
            (_, HttpStatusCode.PreconditionFailed) => (ObjectStoreFailure.AlreadyExists, $"{what}: it exists already."),
            (_, HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden) =>
                (ObjectStoreFailure.Denied, $"{said}. Check the key, and that it may read, list, write and delete in the bucket."),
            (_, HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests or HttpStatusCode.Conflict) or (_, >= HttpStatusCode.InternalServerError and not HttpStatusCode.NotImplemented) =>
                (ObjectStoreFailure.Transient, $"{said}. {Sentence(answer.Message)}"),
            _ => (ObjectStoreFailure.Invalid, $"{said}. {Sentence(answer.Message)}"),
        };
        return new ObjectStoreException(meaning.Kind, meaning.Message.TrimEnd(), answer) { RetryAfter = exchange.RetryAfter };
    }

    private static T? Find<T>(Exception? exception)
        where T : Exception
    {
        while (exception is not (null or T))
            exception = exception.InnerException;
        return exception as T;
    }

    private static string Sentence(string? message) =>
        string.IsNullOrWhiteSpace(message) ? "" : message.TrimEnd('.', ' ', '\n') + ".";
}
