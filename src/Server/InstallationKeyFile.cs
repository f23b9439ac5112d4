using System.Security.Cryptography;
using Strongroom.ObjectStores;

namespace Strongroom.Server;

/// <summary>
/// One file of <c>keys</c> under the data directory: random bytes that something is locked with, or what an operator put
/// there. A directory as an object store puts files atomically and durably, which is what a key needs too.
/// </summary>
internal sealed class InstallationKeyFile(string dataDirectory, string name)
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const int KeyBytes = 32;
    private const int FileBytesMax = 64 << 10;

    private readonly string directory = System.IO.Path.GetFullPath(System.IO.Path.Combine(dataDirectory, "keys"));

    public string Path => System.IO.Path.Combine(directory, name);

    /// <summary>At least 32 bytes; null when the file is not there.</summary>
    /// <exception cref="StartRefusedException">It is too short to be a key.</exception>
    public async Task<byte[]?> ReadAsync(CancellationToken cancellationToken)
    {
        await using IObjectStore keys = await OpenAsync(readOnly: true, cancellationToken);
        byte[]? content = await keys.GetAllAsync(name, FileBytesMax, cancellationToken);
        if (content is not null)
            Check(content, $"The key file {Path}");
        return content;
    }

    /// <exception cref="StartRefusedException">It is too short to be a key, or far too long.</exception>
    public static void Check(byte[] content, string what)
    {
        if (content.Length is < KeyBytes or > FileBytesMax)
            throw new StartRefusedException($"{what} has {content.Length} bytes and is none: it should have {KeyBytes} random bytes or more. Bring the right one back from where it is kept safe.");
    }

    /// <summary>In one step: whoever reads it meanwhile gets the old or the new one.</summary>
    public async Task ReplaceAsync(byte[] content, CancellationToken cancellationToken)
    {
        await using IObjectStore keys = await OpenAsync(readOnly: false, cancellationToken);
        await keys.PutAsync(name, content, PutMode.Replace, cancellationToken);
    }

    /// <summary>Makes it unless it is there, from a first start that did not get further or by another process: that one counts.</summary>
    public async Task EnsureAsync(CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(dataDirectory, OwnerOnly);
        Directory.CreateDirectory(directory, OwnerOnly);
        await using IObjectStore keys = await OpenAsync(readOnly: false, cancellationToken);
        try
        {
            await keys.PutAsync(name, RandomNumberGenerator.GetBytes(KeyBytes), PutMode.CreateOnly, cancellationToken);
        }
        catch (ObjectStoreException error) when (error.Failure == ObjectStoreFailure.AlreadyExists)
        {
        }
    }

    private ValueTask<IObjectStore> OpenAsync(bool readOnly, CancellationToken cancellationToken) =>
        ObjectStoreCatalog.OpenAsync(new ObjectStoreOptions { Url = "file:" + directory, ReadOnly = readOnly }, TimeProvider.System, cancellationToken);
}
