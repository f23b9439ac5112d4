using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Strongroom.Drivers.Testing;

/// <summary>
/// All there is to a directory tree, one line of text for each path: type, mode, owner, time, size, SHA-256, where the
/// data lies, attributes, link target, device numbers and which names are one file. Two trees are equal when their lines are.
/// </summary>
public sealed class TreeSnapshot
{
    private readonly SortedDictionary<string, SortedDictionary<string, string>> entries = new(StringComparer.Ordinal);

    /// <summary>The paths, relative to the root, for people.</summary>
    public IReadOnlyCollection<string> Paths => entries.Keys;

    /// <param name="directory">The tree's root, which is an entry itself.</param>
    /// <param name="ignore">What not to look at.</param>
    public static TreeSnapshot Take(string directory, TreeAspects ignore = TreeAspects.None)
    {
        var snapshot = new TreeSnapshot();
        var firstNames = new Dictionary<ulong, string>();
        var left = new Stack<(byte[] Path, string Shown)>();
        left.Push((RawFiles.Path(directory), "."));
        while (left.TryPop(out (byte[] Path, string Shown) next))
        {
            RawStatus status = RawFiles.Status(next.Path);
            snapshot.entries.Add(next.Shown, Describe(next.Path, status, ignore));
            if (!status.IsDirectory)
                continue;
            foreach (byte[] name in RawFiles.Names(next.Path))
                left.Push((RawFiles.Join(next.Path, name), $"{next.Shown}/{TreePath.Show(name)}"));
        }

        // One after another in order of paths, so that the same links give the same text in both trees.
        foreach ((string shown, SortedDictionary<string, string> facts) in snapshot.entries)
        {
            if (!facts.Remove("inode", out string? inode))
                continue;
            ulong number = ulong.Parse(inode, CultureInfo.InvariantCulture);
            if (!firstNames.TryAdd(number, shown))
                facts["same file as"] = firstNames[number];
        }

        return snapshot;
    }

    /// <summary>What <paramref name="actual"/> has otherwise, at most 50 lines; empty when the trees are equal.</summary>
    public IReadOnlyList<string> DifferencesTo(TreeSnapshot actual)
    {
        var differences = new List<string>();
        foreach (string path in entries.Keys.Union(actual.entries.Keys).Order(StringComparer.Ordinal))
        {
            if (!actual.entries.TryGetValue(path, out SortedDictionary<string, string>? have))
                differences.Add($"{path}: missing");
            else if (!entries.TryGetValue(path, out SortedDictionary<string, string>? want))
                differences.Add($"{path}: not expected");
            else
                foreach (string fact in want.Keys.Union(have.Keys).Order(StringComparer.Ordinal))
                    if (want.GetValueOrDefault(fact) is var wanted && have.GetValueOrDefault(fact) is var had && wanted != had)
                        differences.Add($"{path}: {fact} is {had ?? "not there"}, was {wanted ?? "not there"}");
            if (differences.Count >= 50)
                break;
        }

        return differences;
    }

    /// <summary>Fails the test with the first differences when the trees are not equal in everything not ignored.</summary>
    public static void AssertEqual(string expected, string actual, TreeAspects ignore = TreeAspects.None) =>
        Take(expected, ignore).AssertEqualTo(actual, ignore);

    public void AssertEqualTo(string actual, TreeAspects ignore = TreeAspects.None)
    {
        IReadOnlyList<string> differences = DifferencesTo(Take(actual, ignore));
        Assert.True(differences.Count == 0, string.Join('\n', differences.Prepend("the trees differ:")));
    }

    private static SortedDictionary<string, string> Describe(byte[] path, RawStatus status, TreeAspects ignore)
    {
        var facts = new SortedDictionary<string, string>(StringComparer.Ordinal)
        {
            ["type"] = status.Type.ToString("x", CultureInfo.InvariantCulture),
        };
        if (!status.IsLink)
            facts["mode"] = Convert.ToString(status.ModeAndType & 0xFFF, 8);
        if (!ignore.HasFlag(TreeAspects.Owners))
            facts["owner"] = $"{status.Uid}:{status.Gid}";
        if (!ignore.HasFlag(TreeAspects.Times))
            facts["modified"] = $"{status.ModifiedSeconds}s {status.ModifiedNanoseconds}ns";
        if (status.IsLink)
            facts["target"] = TreePath.Show(RawFiles.LinkTarget(path));
        if (status.Type is 0x2000 or 0x6000)
            facts["device"] = $"{status.NodeMajor}:{status.NodeMinor}";
        if (!status.IsDirectory && status.LinkCount > 1)
            facts["inode"] = status.Inode.ToString(CultureInfo.InvariantCulture);
        if (!ignore.HasFlag(TreeAspects.Attributes))
            foreach ((string name, string value) in RawFiles.Attributes(path))
                facts[$"attribute {name}"] = value;
        if (status.IsFile)
            DescribeContent(path, status, ignore, facts);
        return facts;
    }

    private static void DescribeContent(
        byte[] path, RawStatus status, TreeAspects ignore, SortedDictionary<string, string> facts)
    {
        facts["size"] = status.SizeBytes.ToString(CultureInfo.InvariantCulture);
        List<(long From, long To)> map = RawFiles.DataMap(path, status.SizeBytes);
        if (!ignore.HasFlag(TreeAspects.Holes))
            facts["data"] = string.Join(' ', map.Select(range => $"{range.From}-{range.To}"));
        int descriptor = RawFiles.Open(path);
        using var file = new FileStream(new Microsoft.Win32.SafeHandles.SafeFileHandle(descriptor, ownsHandle: true), FileAccess.Read);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] buffer = new byte[1024 * 1024];
        // Holes are hashed as their lengths, so that huge sparse files take no time; unless holes are not to count.
        if (ignore.HasFlag(TreeAspects.Holes))
            map = [(0, status.SizeBytes)];
        foreach ((long from, long to) in map)
        {
            hash.AppendData(Encoding.ASCII.GetBytes($"{from}-"));
            file.Position = from;
            for (long at = from; at < Math.Min(to, status.SizeBytes);)
            {
                int got = file.Read(buffer, 0, (int)Math.Min(buffer.Length, Math.Min(to, status.SizeBytes) - at));
                if (got == 0)
                    break;
                hash.AppendData(buffer, 0, got);
                at += got;
            }
        }

        facts["sha256"] = Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}

/// <summary>What a comparison of trees may leave out.</summary>
[Flags]
public enum TreeAspects
{
    None = 0,

    /// <summary>Where data lies and where holes are; the bytes are compared all the same.</summary>
    Holes = 1,

    Owners = 2,

    Times = 4,

    Attributes = 8,
}
