using System.Buffers;

namespace Strongroom.ObjectStores;

/// <summary>Whole-object reads and writes over the primitive members, for objects small enough to hold.</summary>
public static class ObjectStoreExtensions
{
    private const int FirstReadBytes = 64 << 10;

    /// <summary>Puts <paramref name="content"/> as one object: visible and durable on return.</summary>
    public static async ValueTask PutAsync(
        this IObjectStore store, string name, ReadOnlyMemory<byte> content, PutMode mode, CancellationToken cancellationToken)
    {
        await using var upload = await store.PutAsync(name, mode, content.Length, cancellationToken);
        await upload.AppendAsync(content, cancellationToken);
        await upload.CommitAsync(cancellationToken);
    }

    /// <summary>The whole object, or null when there is none.</summary>
    /// <exception cref="ObjectStoreException"><see cref="ObjectStoreFailure.Invalid"/> when it is larger than <paramref name="maxBytes"/> or shorter than its stat.</exception>
    public static async ValueTask<byte[]?> GetAllAsync(
        this IObjectStore store, string name, int maxBytes, CancellationToken cancellationToken)
    {
        // Most are small: one call reads them whole, and the store's answer is one object's.
        byte[] first = ArrayPool<byte>.Shared.Rent(FirstReadBytes);
        try
        {
            int length = (int)Math.Min(FirstReadBytes, maxBytes + 1L);
            int got = await store.GetAsync(name, 0, first.AsMemory(0, length), cancellationToken);
            if (got < length)
                return first[..got];
        }
        catch (ObjectStoreException e) when (e.Failure == ObjectStoreFailure.NotFound)
        {
            return null;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(first);
        }

        if (await store.StatAsync(name, cancellationToken) is not { } stat)
            return null;
        if (stat.SizeBytes > maxBytes)
            throw new ObjectStoreException(ObjectStoreFailure.Invalid, $"{name} has {stat.SizeBytes} bytes; at most {maxBytes} are expected there.");
        byte[] content = new byte[stat.SizeBytes];
        int read = await store.GetAsync(name, 0, content, cancellationToken);
        if (read != content.Length)
            throw new ObjectStoreException(ObjectStoreFailure.Invalid, $"{name} ended after {read} of {content.Length} bytes.");
        return content;
    }
}
