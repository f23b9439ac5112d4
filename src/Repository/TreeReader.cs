using System.Runtime.CompilerServices;
using Strongroom.Repository.Format;
using Strongroom.Repository.Manifests;
using Strongroom.Repository.Packs;

namespace Strongroom.Repository;

/// <summary>A file being restored. Written by several threads at once, in any order; what is not written is a hole.</summary>
public interface IFileSink : IDisposable
{
    void Write(long offset, ReadOnlySpan<byte> bytes);

    /// <summary>Everything was written. Disposed without it, the file is not to be trusted.</summary>
    void Complete();
}

/// <param name="Entry">A file of the tree being read.</param>
/// <param name="Open">Makes the file, all hole; called when its first piece is there. Its exceptions end the restore.</param>
/// <param name="Path">What people know it by: named when it cannot be read. Null: nobody is told.</param>
public readonly record struct FileToRestore(StoredEntry Entry, Func<IFileSink> Open, Func<string>? Path = null);

/// <summary>A tree of files as a backup has it. Thread-safe. Every byte it gives was checked by its seal and its chunk's hash.</summary>
public sealed class TreeReader
{
    /// <summary>Chunks and files planned at once: bounded memory and open files, wide enough that segments are opened about once.</summary>
    private const int WindowChunks = 1 << 15;
    private const int WindowFiles = 1 << 12;

    private readonly RepositoryDomain domain;
    private readonly string owner;

    internal TreeReader(RepositoryDomain domain, BackupRecord backup, MemberRecord member)
    {
        this.domain = domain;
        Member = member;
        owner = domain.Names.Backup(backup.Id);
        Root = ReadRoot(domain, backup, member);
    }

    public MemberRecord Member { get; }

    /// <summary>The root directory's entry; its name is empty.</summary>
    public StoredEntry Root { get; }

    /// <summary>The entries of a directory in ascending order of the bytes of their names.</summary>
    /// <exception cref="RepositoryException">Damaged.</exception>
    public async IAsyncEnumerable<StoredEntry> ListAsync(StoredEntry directory, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var cursor = new DirectoryCursor(domain.Source, directory, owner);
        while (await cursor.NextAsync(cancellationToken) is { } entry)
            yield return entry;
    }

    /// <summary>Reads from any place of a file; for many files <see cref="RestoreFilesAsync"/> is faster.</summary>
    /// <returns>Bytes read: all asked for, fewer only at the end of the file.</returns>
    public async ValueTask<int> ReadAsync(StoredEntry file, long offset, Memory<byte> destination, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        var content = ContentOf(file);
        int total = (int)Math.Clamp(content.LengthBytes - offset, 0, destination.Length);
        destination = destination[..total];
        destination.Span.Clear();
        var cursor = new ContentCursor(domain.Source, content, owner, offset);
        while (await cursor.NextAsync(cancellationToken) is { } piece && piece.Offset < offset + total)
        {
            long from = Math.Max(offset, piece.Offset);
            long to = Math.Min(offset + total, piece.Offset + piece.LengthBytes);
            if (piece.Id.IsEmpty || from >= to)
                continue;
            var bytes = await domain.Source.ReadChunkAsync(piece.Id, cancellationToken);
            CheckLength(bytes.Length, piece);
            bytes[(int)(from - piece.Offset)..(int)(to - piece.Offset)].CopyTo(destination[(int)(from - offset)..]);
        }

        return total;
    }

    /// <summary>
    /// Hands the contents of files to their sinks, segment by segment in the order they are stored. Each file is opened
    /// when its first piece comes and completed after its last; empty files and pure holes too.
    /// </summary>
    /// <param name="files">In any order; best in that of the walk. Read from one thread.</param>
    /// <param name="workers">Threads that read, open, check and write.</param>
    public async Task RestoreFilesAsync(IAsyncEnumerable<FileToRestore> files, int workers, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(workers, 1);
        var planning = new Window(domain.Source);
        var running = new Window(domain.Source);
        var work = Task.CompletedTask;
        try
        {
            await foreach (var file in files.WithCancellation(cancellationToken))
            {
                var open = new OpenFile(file);
                planning.Begin(open);
                var cursor = new ContentCursor(domain.Source, ContentOf(file.Entry), owner);
                while (await cursor.NextAsync(cancellationToken) is { } piece)
                {
                    if (piece.Id.IsEmpty)
                        continue;
                    var hit = await domain.Source.FindAsync(piece.Id, cancellationToken);
                    CheckLength(hit.Entry.Length, piece);
                    planning.Add(open, hit, piece);
                    if (planning.Plan.Count < WindowChunks)
                        continue;

                    // A large file goes on in the next window.
                    await work;
                    (planning, running) = (running, planning);
                    planning.Begin(open);
                    work = running.RunAsync(workers, cancellationToken);
                }

                open.EndPlanning();
                if (planning.FileCount < WindowFiles)
                    continue;
                await work;
                (planning, running) = (running, planning);
                work = running.RunAsync(workers, cancellationToken);
            }

            await work;
            await planning.RunAsync(workers, cancellationToken);
        }
        finally
        {
            await work.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            running.Abandon();
            planning.Abandon();
        }
    }

    internal static StoredEntry ReadRoot(RepositoryDomain domain, BackupRecord backup, MemberRecord member)
    {
        try
        {
            var reader = new ByteReader(RootFormat.RootBytes(member));
            var root = EntryCodec.Read(ref reader, isRoot: true, 0, new OwnerNames());
            reader.End();
            return root.Type == StoredEntryType.Directory ? root : throw new InvalidDataException("The root of its tree is no directory.");
        }
        catch (InvalidDataException e)
        {
            throw new RepositoryException(RepositoryFailure.Damaged, domain.Names.Backup(backup.Id), e.Message, e);
        }
    }

    private static FileContent ContentOf(StoredEntry file) =>
        file.Content is { IsComplete: true } content ? content : throw new ArgumentException("Only files have contents.", nameof(file));

    private void CheckLength(int length, in ContentPiece piece)
    {
        if (length != piece.LengthBytes)
        {
            throw new RepositoryException(
                RepositoryFailure.Damaged, owner, $"Chunk {ChunkSource.Show(piece.Id.Span)} has {length} bytes; a file expects {piece.LengthBytes}.");
        }
    }

    /// <summary>The files and chunks planned together.</summary>
    private sealed class Window(ChunkSource source)
    {
        private readonly List<OpenFile> files = [];

        public SegmentPlan Plan { get; } = new(source);

        public int FileCount => files.Count;

        public void Begin(OpenFile file) => files.Add(file);

        public void Add(OpenFile file, Indexes.IndexHit hit, in ContentPiece piece)
        {
            file.Expect(hit.Entry.Length);
            Plan.Add(hit, piece.Id.Span, files.Count - 1, piece.Offset);
        }

        public async Task RunAsync(int workers, CancellationToken cancellationToken)
        {
            await Plan.RunAsync(workers, (file, offset, bytes) => files[file].Write(offset, bytes), file => files[file].Path, cancellationToken);
            foreach (var file in files)
                file.CompleteIfDone();
            files.Clear();
        }

        public void Abandon()
        {
            foreach (var file in files)
                file.Dispose();
        }
    }

    /// <summary>One file from its first piece to its last. The sink is opened late and completed early, so that few are open at once.</summary>
    private sealed class OpenFile(FileToRestore file) : IDisposable
    {
        private readonly Lock gate = new();
        private IFileSink? sink;
        private long expected;
        private long written;
        private bool isPlanned;
        private bool isClosed;

        public string? Path => file.Path?.Invoke();

        public void Expect(int length)
        {
            lock (gate)
                expected += length;
        }

        public void EndPlanning()
        {
            lock (gate)
                isPlanned = true;
        }

        public void Write(long offset, ReadOnlySpan<byte> bytes)
        {
            IFileSink target;
            lock (gate)
                target = sink ??= file.Open();
            target.Write(offset, bytes);
            lock (gate)
                written += bytes.Length;
            CompleteIfDone();
        }

        /// <summary>A file of several windows is completed after the last of them.</summary>
        public void CompleteIfDone()
        {
            lock (gate)
            {
                if (isClosed || !isPlanned || written != expected)
                    return;
                isClosed = true;
                sink ??= file.Open();
                sink.Complete();
                sink.Dispose();
            }
        }

        public void Dispose()
        {
            lock (gate)
            {
                if (!isClosed)
                    sink?.Dispose();
                isClosed = true;
            }
        }
    }
}
