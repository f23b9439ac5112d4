using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace Strongroom.Drivers.Testing;

/// <summary>
/// Trees with everything Linux has, from a seed: all types, odd names and modes, links, holes, attributes, capabilities,
/// ACLs, times before 1970. As root also owners and device nodes.
/// </summary>
public sealed class RandomTree
{
    private readonly Random random;
    private readonly List<byte[]> directories = [];
    private readonly List<byte[]> files = [];
    private readonly List<byte[]> all = [];

    private RandomTree(int seed) => random = new Random(seed);

    /// <summary>Fills <paramref name="directory"/>, which is made, with about <paramref name="entries"/> entries.</summary>
    public static void Create(string directory, int seed, int entries = 120)
    {
        var tree = new RandomTree(seed);
        byte[] root = RawFiles.Path(directory);
        RawFiles.MakeDirectory(root);
        tree.directories.Add(root);
        tree.all.Add(root);
        for (int i = 0; i < entries; i++)
            tree.AddEntry(i);
        // Deepest first: setting one entry's metadata must not touch another's times.
        foreach (byte[] path in tree.all.OrderByDescending(path => path.Count(letter => letter == '/')))
            tree.SetMetadata(path);
    }

    /// <summary>Changes the tree as a day of work would: some files rewritten, some grown, some gone, some new.</summary>
    public static void Change(string directory, int seed, int changes = 20)
    {
        var tree = new RandomTree(seed);
        tree.Find(RawFiles.Path(directory));
        for (int i = 0; i < changes; i++)
        {
            byte[] path = tree.files[tree.random.Next(tree.files.Count)];
            switch (tree.random.Next(4))
            {
                case 0:
                    RawFiles.WriteFile(path, tree.Bytes(tree.random.Next(200_000)));
                    break;
                case 1:
                    RawFiles.WriteFile(path, RawFiles.Status(path).SizeBytes + 5000, (tree.random.Next(4000), tree.Bytes(1000)));
                    break;
                case 2:
                    RawFiles.ChangeMode(path, (uint)tree.random.Next(0x200) | (RawFiles.IsRoot ? 0 : 0x180u));
                    break;
                default:
                    tree.AddEntry(10_000 + i);
                    break;
            }
        }
    }

    private void Find(byte[] directory)
    {
        directories.Add(directory);
        foreach (byte[] path in RawFiles.Names(directory).Select(name => RawFiles.Join(directory, name)))
        {
            RawStatus status = RawFiles.Status(path);
            if (status.IsDirectory)
                Find(path);
            else if (status.IsFile)
                files.Add(path);
        }
    }

    private void AddEntry(int number)
    {
        byte[] path = RawFiles.Join(directories[random.Next(directories.Count)], Name(number));
        int kind = random.Next(100);
        if (kind < 15 && path.Length < 2500)
        {
            RawFiles.MakeDirectory(path);
            directories.Add(path);
        }
        else if (kind < 70 || files.Count == 0)
        {
            AddFile(path);
            files.Add(path);
        }
        else if (kind < 78)
        {
            // A further name of a file is no entry of its own: its metadata is the file's.
            RawFiles.MakeHardLink(files[random.Next(files.Count)], path);
            return;
        }
        else if (kind < 90)
        {
            RawFiles.MakeLink(LinkTarget(), path);
        }
        else if (kind < 94 || !RawFiles.IsRoot)
        {
            RawFiles.MakeNode(path, random.Next(2) == 0 ? 0x1000u : 0xC000u);
        }
        else
        {
            RawFiles.MakeNode(path, random.Next(2) == 0 ? 0x2000u : 0x6000u, (uint)random.Next(65536));
        }

        all.Add(path);
        // A default ACL above it may have taken a plain user's own rights.
        if (!RawFiles.IsRoot && RawFiles.Status(path) is { IsLink: false } made)
            RawFiles.ChangeMode(path, made.IsDirectory ? 0x1EDu : 0x1A4u);
    }

    private void AddFile(byte[] path)
    {
        switch (random.Next(10))
        {
            case 0:
                RawFiles.WriteFile(path, []);
                break;
            case 1:
                // Only a hole, and only a hole at the end.
                RawFiles.WriteFile(path, random.Next(1, 10_000_000));
                break;
            case 2:
                RawFiles.WriteFile(path, 5_000_000 + random.Next(100_000), (65536L * random.Next(20), Bytes(70_000)), (4_000_000, Bytes(10)));
                break;
            case 3:
                RawFiles.WriteFile(path, Bytes(random.Next(300_000, 1_200_000)));
                break;
            case 4:
                RawFiles.WriteFile(path, Text(random.Next(10_000, 400_000)));
                break;
            default:
                RawFiles.WriteFile(path, Bytes(random.Next(1, 20_000)));
                break;
        }
    }

    private void SetMetadata(byte[] path)
    {
        RawStatus status = RawFiles.Status(path);
        if (RawFiles.IsRoot)
            RawFiles.ChangeOwner(path, (uint)random.Next(70_000), (uint)random.Next(70_000));
        if (status.IsFile || status.IsDirectory)
            SetAttributes(path, status);
        if (!status.IsLink)
            RawFiles.ChangeMode(path, Mode(status));
        RawFiles.SetModified(path, random.NextInt64(-5_000_000_000 / 3, 8_000_000_000), random.Next(1_000_000_000));
    }

    private uint Mode(RawStatus status)
    {
        uint mode = (uint)random.Next(0x1000);
        // A user who is not root must still be able to read what he made.
        return RawFiles.IsRoot ? mode : mode | (status.IsDirectory ? 0x1C0u : 0x180u);
    }

    private void SetAttributes(byte[] path, RawStatus status)
    {
        int count = Math.Max(0, random.Next(6) - 3);
        for (int i = 0; i < count; i++)
            RawFiles.SetAttribute(path, $"user.{i}\u00e9 {random.Next()}", Bytes(random.Next(900)));
        if (random.Next(4) == 0)
            RawFiles.SetAttribute(path, "system.posix_acl_access", Acl());
        if (status.IsDirectory && random.Next(3) == 0)
            RawFiles.SetAttribute(path, "system.posix_acl_default", Acl());
        if (!RawFiles.IsRoot)
            return;
        if (random.Next(5) == 0)
            RawFiles.SetAttribute(path, "trusted.strongroom", Bytes(5));
        if (status.IsFile && random.Next(5) == 0)
            RawFiles.SetAttribute(path, "security.capability", Capability());
    }

    /// <summary>The kernel's form (linux/posix_acl_xattr.h): version 2, then tag, permissions and id of each entry.</summary>
    private byte[] Acl()
    {
        (ushort Tag, uint Id)[] entries =
            [(1, uint.MaxValue), (2, (uint)random.Next(1000, 2000)), (4, uint.MaxValue), (16, uint.MaxValue), (32, uint.MaxValue)];
        byte[] acl = new byte[4 + (8 * entries.Length)];
        BinaryPrimitives.WriteUInt32LittleEndian(acl, 2);
        for (int i = 0; i < entries.Length; i++)
        {
            BinaryPrimitives.WriteUInt16LittleEndian(acl.AsSpan(4 + (8 * i)), entries[i].Tag);
            BinaryPrimitives.WriteUInt16LittleEndian(acl.AsSpan(6 + (8 * i)), (ushort)random.Next(8));
            BinaryPrimitives.WriteUInt32LittleEndian(acl.AsSpan(8 + (8 * i)), entries[i].Id);
        }

        return acl;
    }

    /// <summary><c>struct vfs_cap_data</c> of revision 2 with cap_net_bind_service, effective and permitted.</summary>
    private static byte[] Capability()
    {
        byte[] capability = new byte[20];
        BinaryPrimitives.WriteUInt32LittleEndian(capability, 0x02000001);
        BinaryPrimitives.WriteUInt32LittleEndian(capability.AsSpan(4), 1 << 10);
        return capability;
    }

    private byte[] Name(int number)
    {
        byte[] unique = Encoding.ASCII.GetBytes(number.ToString(CultureInfo.InvariantCulture));
        return random.Next(8) switch
        {
            0 => [.. "Größe mit Leerzeichen "u8, .. unique],
            1 => [0xFF, 0xFE, (byte)'\n', .. unique, 0x80],
            2 => [.. unique, .. Enumerable.Repeat((byte)'n', 255 - unique.Length)],
            3 => [.. "-rf *\\ $(x) "u8, .. unique],
            _ => [.. "file"u8, .. unique, .. ".txt"u8],
        };
    }

    private byte[] LinkTarget() => random.Next(5) switch
    {
        0 => "/etc/passwd"u8.ToArray(),
        1 => "../../../../.."u8.ToArray(),
        2 => [(byte)'x', 0xFF, (byte)'/', 0x01],
        3 => [.. Enumerable.Repeat((byte)'l', 4000)],
        _ => "file1.txt"u8.ToArray(),
    };

    private byte[] Bytes(int length)
    {
        byte[] bytes = new byte[length];
        random.NextBytes(bytes);
        return bytes;
    }

    private byte[] Text(int length)
    {
        string[] words = ["vault ", "backup ", "the ", "chunk\n", "policy ", "restores "];
        var text = new StringBuilder(length + 10);
        while (text.Length < length)
            text.Append(words[random.Next(words.Length)]);
        return Encoding.ASCII.GetBytes(text.ToString());
    }
}
