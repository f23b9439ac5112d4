using System.CommandLine;
using System.CommandLine.Parsing;
using Strongroom.Contract.Vaults;

namespace Strongroom.Cli.Client;

internal static class TagOption
{
    /// <summary><c>--tag key=value</c>, or another name, repeated.</summary>
    public static Option<TagShape[]> Create(string name = "--tag") => new(name)
    {
        Description = "A tag; may be repeated.",
        HelpName = "key=value",
        CustomParser = Parse,
    };

    /// <summary>Null when there is none: the service takes no empty list.</summary>
    public static TagShape[]? GetTags(this ParseResult parsed, Option<TagShape[]> option) =>
        parsed.GetValue(option) is { Length: > 0 } tags ? tags : null;

    private static TagShape[]? Parse(ArgumentResult result)
    {
        var tags = new List<TagShape>(result.Tokens.Count);
        foreach (Token token in result.Tokens)
        {
            int equals = token.Value.IndexOf('=', StringComparison.Ordinal);
            if (equals <= 0)
            {
                result.AddError($"'{token.Value}' is no tag; write key=value.");
                return null;
            }

            tags.Add(new TagShape(token.Value[..equals], token.Value[(equals + 1)..]));
        }

        return [.. tags];
    }
}
