using Strongroom.ObjectStores;

namespace Strongroom.Repository;

/// <summary>What the caller can do about a repository that does not give what was asked.</summary>
public enum RepositoryFailure
{
    /// <summary>Stored bytes are not what was written, or are gone. Other backups may be sound; <c>check</c> tells which.</summary>
    Damaged,

    /// <summary>
    /// The store's medium did not give stored bytes up (<see cref="ObjectStoreFailure.Unreadable"/>). A later read may: nothing deletes them
    /// for it, and nothing counts on them.
    /// </summary>
    Unreadable,

    /// <summary>No key slot opens with this password or key file.</summary>
    WrongKey,

    /// <summary>Written by a newer version of the format; an update of the program reads it.</summary>
    NewerFormat,

    /// <summary>Something else is being done that excludes this; try again later.</summary>
    Locked,

    /// <summary>There is no repository, domain, backup or member of this name.</summary>
    NotFound,

    /// <summary>The name is taken, or the backup was given up by a collection and can no longer be committed.</summary>
    Conflict,
}

/// <summary>
/// The repository could not give or take what was asked. Never swallowed: a run that meets one fails and shows the
/// message, which names the object, and the offset and chunk where they are known.
/// </summary>
public sealed class RepositoryException : IOException
{
    public RepositoryException(RepositoryFailure failure, string objectName, string message, Exception? inner = null)
        : this(failure, objectName, -1, message, inner)
    {
    }

    public RepositoryException(RepositoryFailure failure, string objectName, long offset, string message, Exception? inner = null)
        : base(offset < 0 ? $"{objectName}: {message}" : $"{objectName} at {offset}: {message}", inner)
    {
        Failure = failure;
        ObjectName = objectName;
        Offset = offset;
    }

    private RepositoryException(RepositoryException cause, string message)
        : base(message, cause) => (Failure, ObjectName, Offset) = (cause.Failure, cause.ObjectName, cause.Offset);

    public RepositoryFailure Failure { get; }

    /// <summary>The stored object, or what stands for it when none was found.</summary>
    public string ObjectName { get; }

    /// <summary>Offset in that object in bytes, -1 when it is not about one place.</summary>
    public long Offset { get; }

    /// <summary>The same, which also says for what it was read.</summary>
    internal RepositoryException ReadFor(string what) => new(this, $"{Message} It was read for {what}.");
}
