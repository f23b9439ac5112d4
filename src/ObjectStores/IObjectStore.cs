namespace Strongroom.ObjectStores;

/// <summary>
/// Named bytes: a directory or a bucket. This comment is the contract; <c>ObjectStoreContract</c> in the tests holds
/// every implementation to it.
/// </summary>
/// <remarks>
/// <para><b>Names</b> are <c>/</c>-separated segments of <c>[a-z0-9._-]</c>, no segment empty, starting with a dot or longer
/// than 128 characters, at most 512 characters in all (<see cref="ObjectName.Check"/>). A store refuses any other with
/// <see cref="ArgumentException"/> before it touches anything. A name must not lie below another (<c>a</c> and <c>a/b</c>):
/// a bucket holds both, a directory refuses the second as <see cref="ObjectStoreFailure.Invalid"/>.</para>
/// <para><b>Atomic.</b> An object is seen whole or not at all. Until <see cref="ObjectUpload.CommitAsync"/> has begun,
/// no reader, listing or stat sees any of it; an upload that is disposed, or whose process dies, leaves nothing a reader sees.</para>
/// <para><b>Durable on return.</b> After <see cref="ObjectUpload.CommitAsync"/> or <see cref="DeleteAsync"/> returns, its
/// effect survives the loss of power.</para>
/// <para><b>Read your writes.</b> After it returns, every reader of the store sees it, listings included.</para>
/// <para><b>Safe to repeat.</b> Gets, stats, lists and deletes may be repeated; a put with <see cref="PutMode.Replace"/>
/// as well. A put with <see cref="PutMode.CreateOnly"/> whose outcome is unknown is settled by reading the object back.</para>
/// <para><b>Parallel.</b> Every member may be called from any number of threads at once; one
/// <see cref="ObjectUpload"/> belongs to one caller at a time.</para>
/// <para><b>Failures</b> are <see cref="ObjectStoreException"/> with a kind that says what the caller can do.</para>
/// </remarks>
public interface IObjectStore : IAsyncDisposable
{
    /// <summary>What a person recognises the store by, as in <c>file:/srv/store</c>; never holds a secret.</summary>
    string Address { get; }

    /// <summary>
    /// Commits of large objects that one writer may usefully have under way: enough to hide what a commit waits for, and no
    /// more where each of them holds memory until it is answered.
    /// </summary>
    int CommitsAtOnce => 1;

    /// <summary>
    /// How many bytes are better read with one get than with several for the parts of them that are needed, if those lie close together;
    /// 0 where a get costs no more than its bytes.
    /// </summary>
    int ReadAheadBytes => 0;

    /// <summary>Begins an object. Nothing is visible until it is committed.</summary>
    /// <param name="name">See the rules above.</param>
    /// <param name="mode">Whether an existing object may be replaced; decided atomically at commit.</param>
    /// <param name="sizeHintBytes">The expected size, to reserve room; 0 when unknown. Only a hint.</param>
    /// <param name="cancellationToken">Gives up; nothing is left behind.</param>
    /// <returns>The upload, owned by the caller, who commits and disposes it.</returns>
    ValueTask<ObjectUpload> PutAsync(string name, PutMode mode, long sizeHintBytes, CancellationToken cancellationToken);

    /// <summary>Reads <paramref name="destination"/>.Length bytes from <paramref name="offset"/>, fewer only at the end of the object.</summary>
    /// <returns>The number of bytes read; 0 when <paramref name="offset"/> is at or past the end.</returns>
    /// <exception cref="ObjectStoreException">Kind <see cref="ObjectStoreFailure.NotFound"/> when there is no such object.</exception>
    ValueTask<int> GetAsync(string name, long offset, Memory<byte> destination, CancellationToken cancellationToken);

    /// <summary>The object's size, or null when there is none.</summary>
    ValueTask<ObjectStat?> StatAsync(string name, CancellationToken cancellationToken);

    /// <summary>
    /// Every object whose name starts with <paramref name="prefix"/> (empty: all), each once, in ordinal order of names.
    /// Objects put or deleted while the listing runs may or may not appear; all others do. It holds a page of names at a
    /// time, not all of them.
    /// </summary>
    /// <exception cref="ArgumentException">No name can begin with <paramref name="prefix"/> (<see cref="ObjectName.CheckPrefix"/>).</exception>
    IAsyncEnumerable<ObjectStat> ListAsync(string prefix, CancellationToken cancellationToken);

    /// <summary>Removes the object. An object that is not there is a success, durable like any other.</summary>
    ValueTask DeleteAsync(string name, CancellationToken cancellationToken);
}

/// <summary>What a put does when the name is taken.</summary>
public enum PutMode
{
    /// <summary>Fail with <see cref="ObjectStoreFailure.AlreadyExists"/>; of two racing puts exactly one wins.</summary>
    CreateOnly,

    /// <summary>Replace the object as a whole.</summary>
    Replace,
}

/// <summary>An object's name and size in bytes.</summary>
public readonly record struct ObjectStat(string Name, long SizeBytes);

/// <summary>
/// An object being written: append in order, then commit once. Disposing without a commit leaves nothing behind.
/// A failed append or commit ends the upload, unless <see cref="CanRepeat"/>: dispose it and start again.
/// </summary>
public abstract class ObjectUpload : IAsyncDisposable
{
    /// <summary>
    /// Whether the append or commit that failed as <see cref="ObjectStoreFailure.Transient"/> left the upload as it was, so that
    /// the very same call may be made again. The repeated commit of a <see cref="PutMode.CreateOnly"/> put settles by itself
    /// whether an earlier attempt had won.
    /// </summary>
    public virtual bool CanRepeat => false;

    /// <summary>Appends bytes; the caller may reuse the buffer as soon as the call returns.</summary>
    public abstract ValueTask AppendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken);

    /// <summary>Makes the object visible and durable in one step.</summary>
    /// <exception cref="ObjectStoreException"><see cref="ObjectStoreFailure.AlreadyExists"/> for <see cref="PutMode.CreateOnly"/>.</exception>
    public abstract ValueTask CommitAsync(CancellationToken cancellationToken);

    /// <inheritdoc/>
    public abstract ValueTask DisposeAsync();
}
