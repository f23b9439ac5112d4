namespace Strongroom.Drivers;

/// <summary>A disk's bytes at one instant. Reads may run in parallel.</summary>
public interface IDiskSource : ISource
{
    long SizeBytes { get; }

    /// <summary>
    /// The ranges that may hold data, ascending, not overlapping, clipped to the size; what lies between reads as zeros
    /// and is never read. Ranges are as fine as the system tells, so their bounds need not be aligned to anything. A range
    /// costs time by its whole length on some file systems, clipped or not: ask once for all, not piece by piece.
    /// </summary>
    IEnumerable<DiskExtent> DataExtents(long fromOffset, long toOffset);

    /// <summary>Fills <paramref name="destination"/> from <paramref name="offset"/>; runs synchronously on the caller's thread (page-cache reads are faster that way).</summary>
    /// <exception cref="DriverException">The range could not be read in full. Never fewer bytes without one.</exception>
    void Read(long offset, Span<byte> destination);

    /// <summary>
    /// Null while the bytes are those of one instant: the source reads from a snapshot, or nothing has written to the resource
    /// since it was opened. Otherwise what the system tells of it, for people. Asked after the last read.
    /// </summary>
    string? ChangeSinceOpen();

    /// <summary>
    /// Says of which state the bytes are: two sources of one resource with the same mark have the same bytes, so that the
    /// later one need not be read. Up to 200 ASCII characters. Null when the system gives no evidence, as of block devices.
    /// </summary>
    string? StateMark { get; }
}

public readonly record struct DiskExtent(long Offset, long LengthBytes);

/// <summary>
/// A disk opened for writing. Starts as it was; writes may run in parallel on different ranges. No place is written twice,
/// so that a target may leave out blocks of zeros where it starts zeroed, and make them holes elsewhere.
/// </summary>
public interface IDiskTarget : ITarget
{
    long SizeBytes { get; }

    /// <summary>True when every byte not written reads as zero (a new image); otherwise zero ranges have to be written too.</summary>
    bool StartsZeroed { get; }

    /// <summary>Takes the bytes; they may be written later, up to <see cref="ITarget.CompleteAsync"/>. Thread-safe.</summary>
    /// <exception cref="DriverException">
    /// <see cref="DriverFailure.Full"/> when no room is left; <see cref="DriverFailure.Failed"/>. Of this write or an earlier one.
    /// </exception>
    void Write(long offset, ReadOnlySpan<byte> bytes);

    /// <summary>Makes the range read as zeros: a hole where the target can have one, else zeros.</summary>
    void WriteZeros(long offset, long lengthBytes);
}
