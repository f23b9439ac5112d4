using Amazon.Runtime;
using Amazon.S3;

namespace Strongroom.ObjectStores.Testing;

/// <summary>
/// The S3 server of the tests, named by <c>STRONGROOM_TEST_S3</c>:
/// <c>Url=s3://BUCKET?endpoint=URL;AccessKeyId=KEY;SecretAccessKey=SECRET</c>. The bucket is made when it is not there.
/// <c>tests/servers/s3.sh start</c> starts such a server and prints the variable.
/// </summary>
public static class S3TestServer
{
    private const string Variable = "STRONGROOM_TEST_S3";
    private static readonly Lazy<Task> _bucket = new(MakeBucketAsync);

    public static bool IsThere => !string.IsNullOrEmpty(Environment.GetEnvironmentVariable(Variable));

    public static string Skipped => $"needs an S3 server: set {Variable}, or run ./test";

    /// <summary>Settings for a store of its own on the server, empty, below a prefix that nobody else uses; skips the test without a server.</summary>
    public static async Task<ObjectStoreOptions> OptionsAsync()
    {
        Assert.SkipUnless(IsThere, Skipped);
        await _bucket.Value;
        var options = Parse();
        int query = options.Url.IndexOf('?', StringComparison.Ordinal);
        options.Url = options.Url.Insert(query < 0 ? options.Url.Length : query, $"/{Guid.NewGuid():N}");
        return options;
    }

    private static ObjectStoreOptions Parse()
    {
        var values = Environment.GetEnvironmentVariable(Variable)!.Split(';')
            .Select(pair => pair.Split('=', 2)).ToDictionary(pair => pair[0], pair => pair[1], StringComparer.Ordinal);
        return new ObjectStoreOptions
        {
            Url = values["Url"],
            AccessKeyId = values["AccessKeyId"],
            SecretAccessKey = values["SecretAccessKey"],
        };
    }

    private static async Task MakeBucketAsync()
    {
        var options = Parse();
        var (url, query) = (options.Url["s3://".Length..].Split('?')[0], options.Url.Split('?')[1]);
        using var client = new AmazonS3Client(
            new BasicAWSCredentials(options.AccessKeyId, options.SecretAccessKey),
            new AmazonS3Config { ServiceURL = query["endpoint=".Length..], ForcePathStyle = true, AuthenticationRegion = "us-east-1" });
        try
        {
            await client.PutBucketAsync(url.Split('/')[0]);
        }
        catch (AmazonS3Exception exception) when (exception.ErrorCode is "BucketAlreadyOwnedByYou" or "BucketAlreadyExists")
        {
            // Of an earlier run.
        }
    }
}
