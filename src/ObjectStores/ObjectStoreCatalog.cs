using System.Runtime.CompilerServices;
using Strongroom.ObjectStores.Local;
using Strongroom.ObjectStores.S3;

namespace Strongroom.ObjectStores;

/// <summary>Turns settings into a store: every kind there is, in one place.</summary>
public static class ObjectStoreCatalog
{
    /// <summary>Opens the store that <see cref="ObjectStoreOptions.Url"/> names, wrapped as the options say; the caller disposes it.</summary>
    /// <exception cref="ObjectStoreException">
    /// <see cref="ObjectStoreFailure.Invalid"/> when the settings name no store we know; else what the store says.
    /// </exception>
    public static ValueTask<IObjectStore> OpenAsync(ObjectStoreOptions options, TimeProvider time, CancellationToken cancellationToken)
    {
        var (scheme, rest) = Split(options.Url);
        return scheme switch
        {
            "file" => WrapAsync(_ => ValueTask.FromResult<IObjectStore>(OpenDirectory(rest, options)), options, time, cancellationToken),
            "s3" => OpenBucketAsync(options, time, cancellationToken),
            _ => throw new ObjectStoreException(
                ObjectStoreFailure.Invalid,
                $"'{options.Url}' names no kind of store: use file:DIRECTORY or s3://BUCKET/PREFIX (write ./{options.Url} if it is a path)."),
        };
    }

    /// <summary>Whether what <see cref="ObjectStoreOptions.Url"/> names is reached over a network, so that a local cache pays.</summary>
    public static bool IsRemote(string url) => Split(url).Scheme == "s3";

    private static LocalObjectStore OpenDirectory(string path, ObjectStoreOptions options)
    {
        // file:/srv/store, file:///srv/store and file:store are all in use.
        if (path.StartsWith("//", StringComparison.Ordinal))
            path = "/" + path.TrimStart('/');
        return LocalObjectStore.Open(path, removeLitter: !options.ReadOnly);
    }

    /// <summary>Apart, so that the SDK is loaded only by processes that use it: it would double the start-up time of the others.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static ValueTask<IObjectStore> OpenBucketAsync(ObjectStoreOptions options, TimeProvider time, CancellationToken cancellationToken) =>
        WrapAsync(async token => await S3ObjectStore.OpenAsync(options, time, token), options, time, cancellationToken);

    /// <summary>A store that is away when it is opened is waited for as one that goes away later.</summary>
    internal static async ValueTask<IObjectStore> WrapAsync(
        Func<CancellationToken, ValueTask<IObjectStore>> open, ObjectStoreOptions options, TimeProvider time, CancellationToken cancellationToken)
    {
        StoreActivity activity = options.Activity ?? new StoreActivity(time);
        // The limit inside the retries: whoever waits to try again takes nobody's place.
        IObjectStore wrapped = await RetryingObjectStore.OpenAsync(
            async token => new LimitedObjectStore(new ObservedObjectStore(await open(token), activity), options.CallsMax), options.Retry, time, options.Waiting, cancellationToken);
        return options.ReadOnly ? new ReadOnlyObjectStore(wrapped) : wrapped;
    }

    private static (string Scheme, string Path) Split(string url)
    {
        int colon = url.IndexOf(':', StringComparison.Ordinal);
        int slash = url.IndexOf('/', StringComparison.Ordinal);
        return colon < 0 || (slash >= 0 && slash < colon) ? ("file", url) : (url[..colon], url[(colon + 1)..]);
    }
}
