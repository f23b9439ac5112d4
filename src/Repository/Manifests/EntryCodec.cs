using System.Text;
using Strongroom.Repository.Crypto;
using Strongroom.Repository.Format;

namespace Strongroom.Repository.Manifests;

/// <summary>Entries of directory pages, and content lists (docs/repository-format.md, section 8).</summary>
internal static class EntryCodec
{
    public const int MaxNameBytes = 255;
    public const int MaxDepth = 1024;
    public const int MaxLevel = 8;

    /// <summary>A page is a chunk; an entry must fit one.</summary>
    public const int MaxEntryBytes = 4 << 20;
    private const int MaxLinkBytes = 64 << 10;
    private const int MaxAttributes = 1 << 16;
    private const ulong HasUserName = 1;
    private const ulong HasGroupName = 2;
    private const ulong HasAttributes = 4;

    public static bool IsValidName(ReadOnlySpan<byte> name) =>
        name.Length is > 0 and <= MaxNameBytes
        && name.IndexOfAny((byte)'/', (byte)0) < 0
        && !name.SequenceEqual("."u8)
        && !name.SequenceEqual(".."u8);

    /// <exception cref="ArgumentException">The entry cannot be stored: it is too large, or lacks what its type needs.</exception>
    public static void Write(StoredEntry entry, ByteWriter output)
    {
        int start = output.Length;
        output.Bytes(entry.Name);
        output.U8((byte)entry.Type);
        output.Varint((entry.UserName is null ? 0 : HasUserName) | (entry.GroupName is null ? 0 : HasGroupName) | (entry.Attributes.Count == 0 ? 0 : HasAttributes));
        output.Varint((ulong)(entry.Mode & 0xFFF));
        output.Varint(entry.Uid);
        output.Varint(entry.Gid);
        output.Zigzag(entry.ModifiedNs);
        output.Zigzag(unchecked(entry.ChangedNs - entry.ModifiedNs));
        output.Varint(entry.Device);
        output.Varint(entry.Inode);
        output.Varint(entry.LinkCount);
        if (entry.UserName is not null)
            output.Bytes(Encoding.UTF8.GetBytes(entry.UserName));
        if (entry.GroupName is not null)
            output.Bytes(Encoding.UTF8.GetBytes(entry.GroupName));
        if (entry.Attributes.Count > 0)
        {
            output.Varint(entry.Attributes.Count);
            foreach (var attribute in entry.Attributes)
            {
                output.Bytes(attribute.Name);
                output.Bytes(attribute.Value);
            }
        }

        switch (entry.Type)
        {
            case StoredEntryType.File:
                var content = entry.Content is { IsComplete: true } complete
                    ? complete
                    : throw new ArgumentException("The content of a file must be complete before its entry is added.", nameof(entry));
                output.Varint(content.LengthBytes);
                WriteContent(content, output);
                break;
            case StoredEntryType.Directory:
                output.Raw((entry.Children ?? throw new ArgumentException("A directory must be finished before its entry is added.", nameof(entry))).Id);
                break;
            case StoredEntryType.SymbolicLink:
                output.Bytes(entry.LinkTarget);
                break;
            case StoredEntryType.CharacterDevice or StoredEntryType.BlockDevice:
                output.Varint(entry.DeviceMajor);
                output.Varint(entry.DeviceMinor);
                break;
            case StoredEntryType.Fifo or StoredEntryType.Socket:
                break;
            default:
                throw new ArgumentException($"There is no entry of type {entry.Type}.", nameof(entry));
        }

        if (output.Length - start > MaxEntryBytes || entry.Attributes.Count > MaxAttributes || entry.LinkTarget?.Length > MaxLinkBytes)
            throw new ArgumentException($"An entry with {output.Length - start} bytes of metadata is too large to be stored.", nameof(entry));
    }

    /// <param name="isRoot">Only the root of a tree has an empty name.</param>
    public static StoredEntry Read(ref ByteReader reader, bool isRoot, int depth, OwnerNames owners)
    {
        byte[] name = reader.Bytes(MaxNameBytes, "length of a name").ToArray();
        if (isRoot ? name.Length != 0 : !IsValidName(name))
            throw new InvalidDataException($"A name of {name.Length} bytes before {reader.Position} is not possible.");
        var type = (StoredEntryType)reader.U8();
        ulong flags = reader.Varint();
        if (flags > (HasUserName | HasGroupName | HasAttributes))
            throw new InvalidDataException($"Flags {flags} at {reader.Position} are not known.");
        int mode = (int)reader.Varint(0xFFF, "mode");
        uint uid = (uint)reader.Varint(uint.MaxValue, "uid");
        uint gid = (uint)reader.Varint(uint.MaxValue, "gid");
        long modified = reader.Zigzag();
        long changed = unchecked(modified + reader.Zigzag());
        ulong device = reader.Varint();
        ulong inode = reader.Varint();
        uint links = (uint)reader.Varint(uint.MaxValue, "link count");
        string? user = (flags & HasUserName) == 0 ? null : owners.User(reader.Bytes(MaxEntryBytes, "length of a name"));
        string? group = (flags & HasGroupName) == 0 ? null : owners.Group(reader.Bytes(MaxEntryBytes, "length of a name"));
        var attributes = (flags & HasAttributes) == 0 ? [] : ReadAttributes(ref reader);

        FileContent? content = null;
        DirectoryContent? children = null;
        byte[]? target = null;
        uint major = 0;
        uint minor = 0;
        switch (type)
        {
            case StoredEntryType.File:
                content = ReadContent(ref reader, reader.Varint(long.MaxValue, "size"));
                break;
            case StoredEntryType.Directory:
                children = new DirectoryContent(reader.Take(ChunkHasher.IdBytes).ToArray());
                break;
            case StoredEntryType.SymbolicLink:
                target = reader.Bytes(MaxLinkBytes, "length of a link").ToArray();
                break;
            case StoredEntryType.CharacterDevice or StoredEntryType.BlockDevice:
                major = (uint)reader.Varint(uint.MaxValue, "device number");
                minor = (uint)reader.Varint(uint.MaxValue, "device number");
                break;
            case StoredEntryType.Fifo or StoredEntryType.Socket:
                break;
            default:
                throw new InvalidDataException($"There is no entry of type {type}.");
        }

        return new StoredEntry
        {
            Name = name, Type = type, Mode = mode, Uid = uid, Gid = gid, UserName = user, GroupName = group, ModifiedNs = modified,
            ChangedNs = changed, SizeBytes = content?.LengthBytes ?? 0, Device = device, Inode = inode, LinkCount = links, LinkTarget = target,
            DeviceMajor = major, DeviceMinor = minor, Attributes = attributes, Content = content, Children = children, Depth = depth,
        };
    }

    public static void WriteContent(FileContent content, ByteWriter output)
    {
        output.Varint(content.Level);
        output.Varint(content.Count);
        output.Raw(content.Items);
    }

    /// <summary>A content list of exactly this length in bytes of file.</summary>
    public static FileContent ReadContent(ref ByteReader reader, long lengthBytes)
    {
        int level = (int)reader.Varint(MaxLevel, "level");
        int count = (int)reader.Varint(reader.Remaining, "items");
        var rest = reader.Take(reader.Remaining);
        var items = new ByteReader(rest);
        long sum = 0;
        for (int i = 0; i < count; i++)
        {
            var item = ContentItem.Read(ref items, level);
            if (item.LengthBytes > lengthBytes - sum)
                throw new InvalidDataException($"Content of more than {lengthBytes} bytes.");
            sum += item.LengthBytes;
        }

        if (sum != lengthBytes)
            throw new InvalidDataException($"Content of {sum} bytes for a length of {lengthBytes}.");
        int used = items.Position;
        reader.Back(rest.Length - used);
        return new FileContent(level, count, rest[..used].ToArray(), lengthBytes);
    }

    private static StoredAttribute[] ReadAttributes(ref ByteReader reader)
    {
        var attributes = new StoredAttribute[reader.Varint(Math.Min(MaxAttributes, reader.Remaining / 2), "attributes")];
        for (int i = 0; i < attributes.Length; i++)
        {
            attributes[i] = new StoredAttribute(
                reader.Bytes(MaxEntryBytes, "length of a name").ToArray(), reader.Bytes(MaxEntryBytes, "length of a value").ToArray());
        }

        return attributes;
    }
}

/// <summary>One item of a content list: a chunk, a hole (no id), or a page of a longer list.</summary>
internal readonly ref struct ContentItem
{
    private ContentItem(ReadOnlySpan<byte> id, long lengthBytes)
    {
        Id = id;
        LengthBytes = lengthBytes;
    }

    /// <summary>Empty for a hole.</summary>
    public ReadOnlySpan<byte> Id { get; }

    public long LengthBytes { get; }

    public static ContentItem Read(ref ByteReader reader, int level)
    {
        if (level > 0)
        {
            var page = reader.Take(ChunkHasher.IdBytes);
            return new ContentItem(page, Positive(reader.Varint()));
        }

        ulong lengthAndHole = reader.Varint();
        return (lengthAndHole & 1) != 0
            ? new ContentItem([], Positive(lengthAndHole >> 1))
            : new ContentItem(reader.Take(ChunkHasher.IdBytes), Positive(lengthAndHole >> 1));
    }

    public static void Write(ByteWriter output, int level, ReadOnlySpan<byte> id, long lengthBytes)
    {
        if (level > 0)
        {
            output.Raw(id);
            output.Varint(lengthBytes);
            return;
        }

        output.Varint((lengthBytes << 1) | (id.IsEmpty ? 1L : 0));
        output.Raw(id);
    }

    private static long Positive(ulong length) =>
        length is > 0 and <= long.MaxValue ? (long)length : throw new InvalidDataException($"A piece of {length} bytes is not possible.");
}

/// <summary>Decoded owner names; neighbours nearly always share them.</summary>
internal sealed class OwnerNames
{
    private (byte[] Bytes, string Text) user = ([], "");
    private (byte[] Bytes, string Text) group = ([], "");

    public string User(ReadOnlySpan<byte> name) => Decode(ref user, name);

    public string Group(ReadOnlySpan<byte> name) => Decode(ref group, name);

    private static string Decode(ref (byte[] Bytes, string Text) last, ReadOnlySpan<byte> name)
    {
        if (!name.SequenceEqual(last.Bytes))
            last = (name.ToArray(), Encoding.UTF8.GetString(name));
        return last.Text;
    }
}
