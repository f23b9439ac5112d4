namespace Strongroom.Repository.Tests.Crypto;

public sealed class Blake3KernelGeneratorTests
{
    [Fact]
    public void The_checked_in_kernels_are_what_the_generator_writes()
    {
        string path = Path.Combine(RepositoryRoot(), "src", "Repository", "Crypto", "Blake3Kernels.g.cs");
        string expected = Blake3KernelGenerator.Write();
        if (Environment.GetEnvironmentVariable("STRONGROOM_REGENERATE") == "1")
            File.WriteAllText(path, expected);

        Assert.Equal(expected, File.ReadAllText(path));
    }

    private static string RepositoryRoot()
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "Strongroom.slnx")))
            folder = Path.GetDirectoryName(folder);
        Assert.SkipWhen(folder is null, "The tests do not run inside a clone of the repository.");
        return folder;
    }
}
