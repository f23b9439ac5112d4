using System.ComponentModel.DataAnnotations;

namespace Strongroom.ObjectStores;

/// <summary>Which store to open; the settings section <c>ObjectStore</c>.</summary>
public sealed record ObjectStoreOptions
{
    /// <summary>
    /// <c>file:DIRECTORY</c>, a plain path, or <c>s3://BUCKET/PREFIX</c>, which may carry <c>?endpoint=URL</c>,
    /// <c>&amp;region=NAME</c> and <c>&amp;path-style=true</c> of its own.
    /// </summary>
    public string Url { get; set; } = "";

    /// <summary>S3: the server, as in <c>https://s3.example.com:9000</c>; empty: Amazon's, or what <c>AWS_ENDPOINT_URL_S3</c> says.</summary>
    public string? Endpoint { get; set; }

    /// <summary>S3: the region requests are signed for; empty: <c>AWS_REGION</c>, the profile's, or <c>us-east-1</c>.</summary>
    public string? Region { get; set; }

    /// <summary>S3: the bucket in the path of a request (true) or in the name of the host (false); unset: in the path when there is an endpoint.</summary>
    public bool? PathStyle { get; set; }

    /// <summary>
    /// S3: the key to sign with. Empty, the usual places are asked: the AWS variables, the shared credentials file and
    /// profile, web identity, and the container's or machine's role.
    /// </summary>
    public string? AccessKeyId { get; set; }

    public string? SecretAccessKey { get; set; }

    public string? SessionToken { get; set; }

    /// <summary>
    /// S3: accept a server that cannot put an object only if there is none. Safe only while a single process writes to the store.
    /// </summary>
    public bool SingleWriter { get; set; }

    /// <summary>S3: a request that moves no byte for so long has failed. A gateway under load pauses for seconds, not for this.</summary>
    public TimeSpan StallTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Refuses every put and delete.</summary>
    public bool ReadOnly { get; set; }

    /// <summary>How many calls of one process may be under way at once.</summary>
    [Range(1, 4096)]
    public int CallsMax { get; set; } = 64;

    public RetryOptions Retry { get; set; } = new();

    /// <summary>S3: counts what goes over the wire, for whoever set it; not a setting.</summary>
    public RequestCounter? Requests { get; set; }

    /// <summary>Told why the store cannot be opened yet, and after which wait it is tried again; not a setting.</summary>
    public Action<ObjectStoreException, TimeSpan>? Waiting { get; set; }

    /// <summary>Told of every call, for whoever set it; not a setting.</summary>
    public StoreActivity? Activity { get; set; }

    /// <summary>Never the secrets: settings end up in logs.</summary>
    public override string ToString() => Url;
}
