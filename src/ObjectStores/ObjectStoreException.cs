namespace Strongroom.ObjectStores;

/// <summary>What the caller of a store can do about a failure.</summary>
public enum ObjectStoreFailure
{
    /// <summary>There is no such object. Not to be retried.</summary>
    NotFound,

    /// <summary>A <see cref="PutMode.CreateOnly"/> put lost. Not to be retried.</summary>
    AlreadyExists,

    /// <summary>May pass by itself: network, overload, a busy device. The retry wrapper, and nothing else, tries again.</summary>
    Transient,

    /// <summary>Credentials or permissions. An operator has to act.</summary>
    Denied,

    /// <summary>No room or quota left. An operator has to act; nothing already stored is harmed.</summary>
    Full,

    /// <summary>
    /// The medium did not give up these bytes: a bad sector. Others of the object, and other objects, may be sound, and a later read may
    /// succeed: what is unreadable is not gone. Not retried, since each attempt can hold a dying disk up for a minute.
    /// </summary>
    Unreadable,

    /// <summary>The store answered something that cannot be: wrong length, corrupted listing.</summary>
    Invalid,
}

/// <summary>A store could not do what was asked; <see cref="Failure"/> says what the caller can do.</summary>
public sealed class ObjectStoreException : IOException
{
    public ObjectStoreException(ObjectStoreFailure failure, string message, Exception? inner = null)
        : base(message, inner) => Failure = failure;

    public ObjectStoreFailure Failure { get; }

    /// <summary>How long the store asked its callers to wait before they try again; null when it did not say.</summary>
    public TimeSpan? RetryAfter { get; init; }
}
