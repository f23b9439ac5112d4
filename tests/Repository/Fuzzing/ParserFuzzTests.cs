using System.Text;
using System.Text.Json;
using Strongroom.Repository.Compression;
using Strongroom.Repository.Crypto;
using Strongroom.Repository.Format;
using Strongroom.Repository.Indexes;
using Strongroom.Repository.Manifests;
using Strongroom.Repository.Packs;
using Strongroom.Repository.Parity;

namespace Strongroom.Repository.Tests.Fuzzing;

/// <summary>
/// Plain bytes behind the seals, as nobody without the keys can put them there, straight into every parser: each takes them
/// or throws what it documents, and allocates no more than a small multiple of what it was given.
/// </summary>
public sealed class ParserFuzzTests
{
    private static readonly ObjectId Id = ObjectId.Read(Bytes(16, 1));

    [Fact]
    public Task Pack_directories()
    {
        const long PackBytes = 32 + 300_016 + 16 + 16 + 12 + 16 + 24 + (3 * 36);
        byte[] valid = Build(writer =>
        {
            writer.U32(1);
            writer.U32(3);
            writer.U32(1);
            Id.Write(writer.Append(16));
            writer.U32(32);
            writer.U32(300_016);
            writer.U32(300_000);
            writer.U32(0);
            writer.U32(3);
            writer.U16(0);
            writer.U8(0);
            writer.U8(0);
            for (int i = 0; i < 3; i++)
            {
                writer.Raw(Bytes(32, i));
                writer.U32(100_000);
            }
        });

        return Fuzz.Run(random => Pick(random, valid), input => Sync(() =>
            PackFormat.ParseDirectory(input, Id, PackKind.Data, PackBytes + input.Length - valid.Length, input.Length + Sealing.TagBytes)), IsInvalid, Small);
    }

    [Fact]
    public Task Pack_and_run_headers_and_footers()
    {
        byte[][] valid = [PackFormat.Header(Id, PackKind.Data), RunFormat.Header(Id), RunFormat.Footer(1000)];
        return Fuzz.Run(random => Pick(random, valid[random.Next(valid.Length)]), input => Sync(() =>
        {
            Refused(() => PackFormat.CheckHeader(input, Id, "p"));
            Refused(() => RunFormat.CheckHeader(input, Id, "r"));
            Refused(() => PackFormat.CheckFooter(input, 5000));
            Refused(() => RunFormat.CheckFooter(input, 5000));
        }), IsInvalid, Small);
    }

    [Fact]
    public Task Parity_heads()
    {
        const int Blocks = 74;
        const int Columns = 2;
        byte[] valid = ParityFormat.Head(Id, 300_000, new uint[Blocks], new byte[Columns * ParityFormat.BlockBytes]);
        return Fuzz.Run(
            random =>
            {
                // Half of them with a right hash.
                byte[] input = Pick(random, valid);
                if (random.Next(2) == 0 && input.Length >= 32)
                    System.Security.Cryptography.SHA256.HashData(input.AsSpan(0, input.Length - 32), input.AsSpan(input.Length - 32));
                return input;
            },
            input => Sync(() =>
            {
                var geometry = ParityFormat.ReadHeader(input, Id, ParityFormat.SizeBytes(300_000, Columns), "p");
                _ = ParityFormat.ReadHead(input, geometry);
            }),
            IsInvalid, Small);
    }

    [Fact]
    public Task Pack_records_of_runs()
    {
        var segments = new SegmentInfo[] { new(32, 116, 100, 0, 0, SegmentCodec.Plain), new(148, 50, 4000, 1, 1, SegmentCodec.Zstd) };
        byte[] valid = Build(writer => RunFormat.WritePack(new PackRecord(Id, PackKind.Pages, 4000, [Id, new ObjectId(3)], segments), writer));

        return Fuzz.Run(random => Pick(random, valid), input => Sync(() =>
        {
            int count = RunFormat.ReadPack(input, Id).Segments.Length;
            for (int segment = 0; segment < Math.Min(count, 4); segment++)
                RunFormat.ReadSegment(input, Id, segment);
        }), IsInvalid, Small);
    }

    [Fact]
    public Task Directory_entries()
    {
        byte[][] valid = [.. Entries().Select(entry => Build(writer => EntryCodec.Write(entry, writer)))];
        return Fuzz.Run(random => Pick(random, valid[random.Next(valid.Length)]), input => Sync(() =>
        {
            var reader = new ByteReader(input);
            EntryCodec.Read(ref reader, input.Length % 2 == 0, 3, new OwnerNames());
        }), IsInvalid, Small);
    }

    [Fact]
    public Task Directory_pages()
    {
        byte[] leaf = Build(writer =>
        {
            writer.U8(0);
            foreach (var entry in Entries().Where(entry => entry.Name.Length > 0).OrderBy(entry => entry.Name[0]))
                EntryCodec.Write(entry, writer);
        });
        byte[] inner = Build(writer =>
        {
            writer.U8(2);
            for (int i = 0; i < 4; i++)
            {
                writer.Raw(Bytes(32, i));
                writer.Bytes([(byte)('a' + i)]);
            }
        });

        return Fuzz.Run(random => Pick(random, random.Next(2) == 0 ? leaf : inner), input => Sync(() =>
        {
            var page = new DirectoryPage(Bytes(32, 1), input.Length == 0 ? [0] : input, -1, "root");
            byte[]? last = null;
            while (!page.IsAtEnd)
            {
                if (page.Level == 0)
                    last = page.ReadEntry(1, new OwnerNames(), last).Name;
                else
                    page.ReadChild();
            }
        }), IsDamaged, Small);
    }

    [Fact]
    public Task Content_pages()
    {
        byte[][] valid =
        [
            Build(writer =>
            {
                writer.Varint(0L);
                writer.Varint(3L);
                ContentItem.Write(writer, 0, Bytes(32, 1), 70_000);
                ContentItem.Write(writer, 0, [], 20_000);
                ContentItem.Write(writer, 0, Bytes(32, 2), 10_000);
            }),
            Build(writer =>
            {
                writer.Varint(1L);
                writer.Varint(2L);
                ContentItem.Write(writer, 1, Bytes(32, 1), 60_000);
                ContentItem.Write(writer, 1, Bytes(32, 2), 40_000);
            }),
        ];
        return Fuzz.Run(random => Pick(random, valid[random.Next(2)]), input => Sync(() =>
        {
            var page = ContentPage.Parse(input, input is [1, ..] ? 1 : 0, 100_000, Bytes(32, 1), "root");
            while (!page.IsAtEnd)
                page.Read();
        }), IsDamaged, Small);
    }

    [Fact]
    public Task Map_pages() =>
        Fuzz.Run(random => Pick(random, Bytes(32 * (1 + random.Next(64)), 1)), input => Sync(() => MapReader.CheckPage(input, 64, Bytes(32, 1), "root")), IsDamaged, Small);

    [Fact]
    public Task Zstd_frames()
    {
        using var compressor = new ZstdCompressor(3);
        byte[] plain = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Range(0, 3000).Select(i => $"line {i % 70}\n")));
        byte[] packed = new byte[plain.Length];
        byte[] valid = packed[..compressor.Compress(plain, packed)];
        var decompressor = new ZstdDecompressor();
        byte[] destination = new byte[plain.Length];

        return Fuzz.Run(random => Pick(random, valid), input => Sync(() => decompressor.Decompress(input, destination)), IsInvalid, Small);
    }

    [Fact]
    public Task Text_objects()
    {
        var names = new (byte[] Line, Action<CheckedLine> Parse)[]
        {
            (Line(new ConfigText(1, new string('a', 32), "blake3-keyed", 65536, 64, 16384, 65536, 262144), FormatJson.Default.ConfigText), line => RepositoryParameters.Read(line)),
            (Line(new KeySlotText(1, "s", "password", new string('0', 64), new string('1', 96), 600_000), FormatJson.Default.KeySlotText), line => line.Parse(FormatJson.Default.KeySlotText)),
            (Line(new DomainKeyText(1, "d", new string('0', 64), new string('1', 96), "AAAA", "AAAA"), FormatJson.Default.DomainKeyText), line => line.Parse(FormatJson.Default.DomainKeyText)),
            (Line(new SessionText(1, "s", "b", 3), FormatJson.Default.SessionText), line => line.Parse(FormatJson.Default.SessionText)),
        };
        return Fuzz.Run(
            random =>
            {
                int which = random.Next(names.Length);
                return [(byte)which, .. random.Next(50) == 0 ? names[which].Line : Mutator.Json(random, names[which].Line)];
            },
            input => Sync(() => names[input[0]].Parse(new CheckedLine("name", input[1..], []))), IsDamaged, Small);
    }

    [Fact]
    public Task Bodies_of_roots()
    {
        var tree = new MemberRecord
        {
            Id = "m", ResourceId = "r", Name = "n", Location = "/l", Kind = MemberKind.Tree, Root = "AAAA", SizeBytes = 3, Incremental = true, DataBytes = 2,
            ChangedBytes = 1, StoredBytes = 1, Chunks = 1, Files = 1, Directories = 1,
        };
        var disk = tree with { Kind = MemberKind.Disk, Root = new string('a', 64), Height = 1 };
        byte[] valid = JsonSerializer.SerializeToUtf8Bytes(
            new BackupRecord
            {
                CreatedUs = 1_800_000_000_000_000, Sequence = 2, ResourceId = "r", ResourceName = "n", ResourceType = "OS::Nova::Server",
                Attributes = new Dictionary<string, string> { ["a"] = "b" }, Previous = new PreviousBackup("p", new string('b', 64)), ProblemCount = 1,
                Problems = ["gone"], Members = [tree, disk],
            },
            RootJson.Default.BackupRecord);
        return Fuzz.Run(
            random => random.Next(50) == 0 ? [.. valid] : Mutator.Json(random, valid),
            input => Sync(() =>
            {
                var record = RootFormat.ReadBody(input);
                foreach (var member in record.Members)
                    Assert.NotEmpty(RootFormat.RootBytes(member));
                Assert.False(record.Previous is { Sha256: null } or { BackupId: null });
            }),
            e => IsInvalid(e) || e is JsonException, Small);
    }

    [Fact]
    public Task Index_entries_and_filters() =>
        Fuzz.Run(random => Pick(random, Bytes(IndexEntry.Size, 1)), input => Sync(() =>
        {
            byte[] entry = new byte[IndexEntry.Size];
            input.AsSpan(0, Math.Min(input.Length, entry.Length)).CopyTo(entry);
            var read = IndexEntry.Read(entry);
            byte[] filter = new byte[RunFormat.FilterBytes];
            RunFormat.AddToFilter(filter, entry.AsSpan(0, ChunkPrefix.Size));
            Assert.True(RunFormat.MayContain(filter, read.Prefix));
        }), IsInvalid, Small);

    /// <summary>64 times the input and 256 KiB: a byte of input makes at most one small object.</summary>
    private static long Small(byte[] input) => (64L * input.Length) + (256 << 10);

    private static byte[] Pick(Random random, byte[] valid) => random.Next(50) == 0 ? [.. valid] : Mutator.Bytes(random, valid);

    private static byte[] Line<T>(T text, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type) => JsonSerializer.SerializeToUtf8Bytes(text, type);

    private static ValueTask Sync(Action parse)
    {
        parse();
        return ValueTask.CompletedTask;
    }

    private static void Refused(Action parse)
    {
        try
        {
            parse();
        }
        catch (Exception e) when (IsInvalid(e))
        {
        }
    }

    private static bool IsInvalid(Exception e) => e is InvalidDataException || IsDamaged(e);

    private static bool IsDamaged(Exception e) => e is RepositoryException { Failure: RepositoryFailure.Damaged or RepositoryFailure.NewerFormat };

    private static byte[] Bytes(int length, int seed) => ObjectStores.Testing.Bytes.Of(seed, length);

    private static byte[] Build(Action<ByteWriter> write)
    {
        var writer = new ByteWriter();
        write(writer);
        return writer.Written.ToArray();
    }

    private static IEnumerable<StoredEntry> Entries()
    {
        var content = new FileContent(0, 1, Build(writer => ContentItem.Write(writer, 0, Bytes(32, 3), 5000)), 5000);
        yield return TestTree.Entry("a", StoredEntryType.File) with { Content = content, SizeBytes = 5000 };
        yield return TestTree.Entry("b", StoredEntryType.Directory) with { Children = new DirectoryContent(Bytes(32, 2)) };
        yield return TestTree.Entry("c", StoredEntryType.SymbolicLink) with { LinkTarget = "../x"u8.ToArray() };
        yield return TestTree.Entry("d", StoredEntryType.CharacterDevice) with { DeviceMajor = 4, DeviceMinor = 7 };
        yield return TestTree.Entry("e", StoredEntryType.Fifo) with { Attributes = [new("user.a"u8.ToArray(), "b"u8.ToArray()), new("c"u8.ToArray(), [])] };
        yield return TestTree.Entry("", StoredEntryType.Directory) with { Children = new DirectoryContent(Bytes(32, 2)) };
    }
}
