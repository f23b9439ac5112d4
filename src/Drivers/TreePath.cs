using System.Text;

namespace Strongroom.Drivers;

/// <summary>
/// A path inside a tree: names joined by <c>/</c>, as raw bytes. The empty path is the root. Never absolute, never with
/// an empty, <c>.</c> or <c>..</c> segment: <see cref="Append"/> refuses such a name, so that no path read from a
/// repository can point outside the target.
/// </summary>
public readonly struct TreePath : IEquatable<TreePath>
{
    private readonly byte[]? bytes;

    private TreePath(byte[] bytes) => this.bytes = bytes;

    public static TreePath Root => default;

    public ReadOnlySpan<byte> Bytes => bytes;

    public bool IsRoot => bytes is null or { Length: 0 };

    /// <summary>The last name; empty for the root.</summary>
    public ReadOnlySpan<byte> Name => Bytes[(Bytes.LastIndexOf((byte)'/') + 1)..];

    /// <summary>The directory it is in; the root for names in the root and for the root itself.</summary>
    public TreePath Parent => Prefix(Bytes.LastIndexOf((byte)'/'));

    /// <exception cref="ArgumentException">The name is empty, <c>.</c>, <c>..</c>, longer than 255 bytes, or holds <c>/</c> or NUL.</exception>
    public TreePath Append(ReadOnlySpan<byte> name)
    {
        if (!IsValidName(name))
            throw new ArgumentException($"'{Show(name)}' is not a file name.", nameof(name));
        if (IsRoot)
            return new TreePath(name.ToArray());
        byte[] joined = new byte[bytes!.Length + 1 + name.Length];
        bytes.CopyTo(joined, 0);
        joined[bytes.Length] = (byte)'/';
        name.CopyTo(joined.AsSpan(bytes.Length + 1));
        return new TreePath(joined);
    }

    public static bool IsValidName(ReadOnlySpan<byte> name) =>
        name.Length is > 0 and <= 255
        && name.IndexOfAny((byte)'/', (byte)0) < 0
        && !name.SequenceEqual("."u8)
        && !name.SequenceEqual(".."u8);

    /// <summary>Its first <paramref name="length"/> bytes, which end before a <c>/</c>; the root when none.</summary>
    internal TreePath Prefix(int length) => length <= 0 ? Root : length == Bytes.Length ? this : new TreePath(bytes![..length]);

    internal bool IsWithin(TreePath directory) =>
        directory.IsRoot || Equals(directory)
        || (Bytes.StartsWith(directory.Bytes) && Bytes[directory.Bytes.Length] == (byte)'/');

    public bool Equals(TreePath other) => Bytes.SequenceEqual(other.Bytes);

    public override bool Equals(object? obj) => obj is TreePath other && Equals(other);

    public override int GetHashCode()
    {
        var hash = default(HashCode);
        hash.AddBytes(Bytes);
        return hash.ToHashCode();
    }

    /// <summary>For people: bytes that are not UTF-8 or not printable are shown as <c>\xNN</c>.</summary>
    public override string ToString() => IsRoot ? "." : Show(Bytes);

    public static bool operator ==(TreePath left, TreePath right) => left.Equals(right);

    public static bool operator !=(TreePath left, TreePath right) => !left.Equals(right);

    /// <summary>A name or path for people, as <see cref="ToString"/> shows it.</summary>
    public static string Show(ReadOnlySpan<byte> name)
    {
        var shown = new StringBuilder(name.Length);
        while (!name.IsEmpty)
        {
            if (Rune.DecodeFromUtf8(name, out Rune rune, out int consumed) == System.Buffers.OperationStatus.Done && !Rune.IsControl(rune))
                shown.Append(rune.ToString());
            else
                foreach (byte b in name[..consumed])
                    shown.Append("\\x").Append(b.ToString("x2", System.Globalization.CultureInfo.InvariantCulture));
            name = name[consumed..];
        }

        return shown.ToString();
    }
}
