namespace Strongroom.Cli.Demo;

/// <summary>Real files of this machine: programs, libraries, texts, whatever is there.</summary>
internal static class HostFiles
{
    // Neither many tiny files nor one huge one: a disk of a machine holds both.
    private const long FileBytesMax = 16 << 20;

    private static readonly string[] Roots =
    [
        "/etc", "/usr/share", "/usr/lib", "/usr/bin", "/usr/include", "/usr/sbin", "/opt", "/var/lib/dpkg", "/usr/local",
    ];

    private static readonly EnumerationOptions Walk = new()
    {
        RecurseSubdirectories = true,
        IgnoreInaccessible = true,
        AttributesToSkip = FileAttributes.ReparsePoint,
    };

    /// <summary>
    /// Readable regular files, a stretch of each root in turn so that kinds of content mix, in an order that only depends on
    /// what is there.
    /// </summary>
    /// <param name="fromDotnet">The directory of the .NET runtime, which every machine that runs this has.</param>
    public static IEnumerable<FileInfo> List(string? fromDotnet)
    {
        const int Stretch = 40;
        var walks = new List<IEnumerator<FileInfo>>();
        foreach (string root in Roots.Append(fromDotnet ?? "").Where(Directory.Exists))
            walks.Add(new DirectoryInfo(root).EnumerateFiles("*", Walk).GetEnumerator());
        try
        {
            while (walks.Count > 0)
            {
                foreach (IEnumerator<FileInfo> walk in walks.ToArray())
                {
                    int taken = 0;
                    while (taken < Stretch && walk.MoveNext())
                    {
                        if (walk.Current is { LinkTarget: null, Length: > 0 and <= FileBytesMax })
                        {
                            taken++;
                            yield return walk.Current;
                        }
                    }

                    if (taken < Stretch)
                    {
                        walk.Dispose();
                        walks.Remove(walk);
                    }
                }
            }
        }
        finally
        {
            walks.ForEach(walk => walk.Dispose());
        }
    }
}
