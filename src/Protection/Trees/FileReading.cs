using Strongroom.Drivers;
using Strongroom.Repository;

namespace Strongroom.Protection.Trees;

/// <summary>An open file as the repository reads it; counts what was read.</summary>
internal sealed class FileReading(ITreeFile file, MemberTracker tracker, CancellationToken cancellationToken) : IFileSource
{
    internal long ReadBytes { get; private set; }

    public DataExtent? NextData(long offset) =>
        file.NextData(offset) is { } extent ? new DataExtent(extent.Offset, extent.LengthBytes) : null;

    public int Read(long offset, Span<byte> destination)
    {
        cancellationToken.ThrowIfCancellationRequested();
        int length = file.Read(offset, destination);
        ReadBytes += length;
        tracker.Advance(length);
        return length;
    }
}
