using System.Diagnostics;

namespace Strongroom.Scenarios;

internal sealed class TemporaryDirectory : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("strongroom-scenario-").FullName;

    public string this[string name] => System.IO.Path.Combine(Path, name);

    // The platform's own call stumbles over names that are not UTF-8.
    public void Dispose()
    {
        using Process remove = Process.Start("rm", ["-rf", "--one-file-system", "--", Path]);
        remove.WaitForExit();
    }
}
