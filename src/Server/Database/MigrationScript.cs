using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Strongroom.Server.Database;

/// <summary>One numbered file of <c>Database/Migrations</c>. Once released it is never edited; its checksum holds that.</summary>
internal sealed record MigrationScript(int Number, string Name, string Text)
{
    private const string ResourcePrefix = "migrations/";

    /// <summary>SHA-256 of the text with line ends as LF, in hex.</summary>
    public string Checksum =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Text.ReplaceLineEndings("\n"))));

    /// <summary>
    /// The scripts built into the service that are meant for <paramref name="dialect"/>: <c>0002_vaults.sql</c> for both,
    /// <c>0003_x.sqlite.sql</c> and <c>0003_x.postgres.sql</c> where one text cannot do.
    /// </summary>
    public static IReadOnlyList<MigrationScript> BuiltIn(Dialect dialect)
    {
        var assembly = typeof(MigrationScript).Assembly;
        var scripts = new List<MigrationScript>();
        foreach (string resource in assembly.GetManifestResourceNames().Where(name => name.StartsWith(ResourcePrefix, StringComparison.Ordinal)))
        {
            string[] parts = resource[ResourcePrefix.Length..].Split('.');
            if (parts.Length == 3 && parts[1] != dialect.Name)
                continue;
            using var reader = new StreamReader(assembly.GetManifestResourceStream(resource)!);
            scripts.Add(new MigrationScript(int.Parse(parts[0].AsSpan(0, 4), CultureInfo.InvariantCulture), parts[0][5..], reader.ReadToEnd()));
        }

        scripts.Sort((a, b) => a.Number.CompareTo(b.Number));
        // Numbers may be left out: parts of the service that were built side by side each had theirs reserved.
        for (int i = 1; i < scripts.Count; i++)
        {
            if (scripts[i].Number == scripts[i - 1].Number)
                throw new InvalidOperationException($"Migration {scripts[i].Number} is there twice ({scripts[i - 1].Name}, {scripts[i].Name}).");
        }

        return scripts;
    }
}
