using Strongroom.ObjectStores;

namespace Strongroom.Repository.Format;

/// <summary>
/// How everything stored is read: bytes that the medium does not give up are the repository's to tell of, with the object and the
/// offset, as damage is. A failure of the store as a whole passes.
/// </summary>
internal static class StoredBytes
{
    /// <summary>As <see cref="IObjectStore.GetAsync"/>.</summary>
    /// <exception cref="RepositoryException">Unreadable.</exception>
    public static async ValueTask<int> ReadAsync(
        this IObjectStore store, string name, long offset, Memory<byte> destination, CancellationToken cancellationToken)
    {
        try
        {
            return await store.GetAsync(name, offset, destination, cancellationToken);
        }
        catch (ObjectStoreException e) when (e.Failure == ObjectStoreFailure.Unreadable)
        {
            throw new RepositoryException(RepositoryFailure.Unreadable, name, offset, e.Message, e);
        }
    }

    /// <summary>The whole object, or null when there is none.</summary>
    /// <exception cref="RepositoryException">Unreadable; Damaged when it is larger than <paramref name="maxBytes"/> or ends early.</exception>
    public static async ValueTask<byte[]?> ReadAllAsync(this IObjectStore store, string name, int maxBytes, CancellationToken cancellationToken)
    {
        try
        {
            return await store.GetAllAsync(name, maxBytes, cancellationToken);
        }
        catch (ObjectStoreException e) when (e.Failure is ObjectStoreFailure.Invalid or ObjectStoreFailure.Unreadable)
        {
            var failure = e.Failure == ObjectStoreFailure.Invalid ? RepositoryFailure.Damaged : RepositoryFailure.Unreadable;
            throw new RepositoryException(failure, name, e.Message, e);
        }
    }
}
