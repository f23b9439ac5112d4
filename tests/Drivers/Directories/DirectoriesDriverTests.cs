using Strongroom.Drivers.Directories;
using Strongroom.Drivers.Testing;

namespace Strongroom.Drivers.Tests.Directories;

public sealed class DirectoriesDriverTests : ResourceDriverContract
{
    protected override IResourceDriver Driver { get; } = new DirectoriesDriver();

    protected override ContentKind Kind => ContentKind.Tree;

    protected override string Create(string name, int seed)
    {
        RandomTree.Create(Scratch[name], seed);
        return Scratch[name];
    }

    protected override void Damage(string location, int seed)
    {
        var random = new Random(seed);
        RandomTree.Change(location, seed + 1);
        byte[] root = RawFiles.Path(location);
        foreach (byte[] name in RawFiles.Names(root))
        {
            byte[] path = RawFiles.Join(root, name);
            bool isDirectory = RawFiles.Status(path).IsDirectory;
            switch (random.Next(4))
            {
                case 0 when !isDirectory:
                    // A directory with something in it where there was none.
                    Remove(path);
                    RawFiles.MakeDirectory(path);
                    RawFiles.ChangeMode(path, 0x1ED);
                    RawFiles.WriteFile(RawFiles.Join(path, "in the way"u8), [1, 2, 3]);
                    RawFiles.MakeLink("/etc"u8.ToArray(), RawFiles.Join(path, "link"u8));
                    break;
                case 1 when isDirectory:
                    Remove(path);
                    RawFiles.MakeLink("/"u8.ToArray(), path);
                    break;
                case 2:
                    Remove(path);
                    break;
                default:
                    RawFiles.SetModified(path, 1, 1);
                    break;
            }
        }

        RawFiles.WriteFile(RawFiles.Join(root, "not in the backup"u8), [1]);
        RawFiles.SetAttribute(root, "user.not in the backup", [1]);
    }

    protected override void AssertEqual(string expected, string actual) => TreeSnapshot.AssertEqual(expected, actual);

    /// <summary>By its raw name: no argument of a program holds bytes that are no UTF-8.</summary>
    private void Remove(byte[] path)
    {
        using var trash = new TemporaryDirectory();
        RawFiles.Rename(path, RawFiles.Join(RawFiles.Path(trash.Path), "gone"u8));
    }
}
