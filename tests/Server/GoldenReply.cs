using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;

namespace Strongroom.Server.Tests;

/// <summary>
/// Whole answers, kept as files beside their tests and compared byte for byte once what differs from run to run is given a
/// name. With STRONGROOM_WRITE_GOLDEN=1 the files are written anew, to be read in the diff.
/// </summary>
public static partial class GoldenReply
{
    private static readonly string Folder = Path.Combine(Path.GetDirectoryName(ThisFile())!, "Golden");

    public static void AssertMatches(string file, string reply, params (string Value, string Name)[] names)
    {
        foreach ((string value, string word) in names)
            reply = reply.Replace(value, word, StringComparison.Ordinal);
        reply = UserId().Replace(reply, "\"user_id\":\"{user}\"");
        reply = Instant().Replace(reply, "\"{instant}\"");
        string path = Path.Combine(Folder, file);
        if (Environment.GetEnvironmentVariable("STRONGROOM_WRITE_GOLDEN") == "1")
        {
            Directory.CreateDirectory(Folder);
            File.WriteAllText(path, reply + "\n");
        }

        Assert.Equal(File.ReadAllText(path).TrimEnd('\n'), reply);
    }

    private static string ThisFile([CallerFilePath] string path = "") => path;

    [GeneratedRegex("\"user_id\":\"[0-9a-f]{32}\"")]
    private static partial Regex UserId();

    [GeneratedRegex("\"\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{6}\"")]
    private static partial Regex Instant();
}
