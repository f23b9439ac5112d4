using System.Buffers;

namespace Strongroom.Server.Http;

/// <summary>Which characters a text may hold, and how to say so.</summary>
internal sealed class TextRule
{
    /// <summary>Of vaults, policies and backups: CJK ideographs, letters, digits, _ and -.</summary>
    public static readonly TextRule Name = new("CJK ideographs, Latin letters, digits, '_' and '-'", IsName);

    public static readonly TextRule NoAngleBrackets = Without("characters other than < and >", "<>");

    /// <summary>Tag keys and values: everything but ASCII 0 to 31 and eight characters filters have other uses for.</summary>
    public static readonly TextRule Tag = Without(
        @"printable characters other than = * < > \ , | /", @"=*<>\,|/" + string.Concat(Enumerable.Range(0, 32).Select(code => (char)code)));

    public static readonly TextRule Printable =
        Without("printable characters", string.Concat(Enumerable.Range(0, 32).Append(127).Select(code => (char)code)));

    public static readonly TextRule ProductId =
        new("Latin letters, digits, '_' and '-'", text => text.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-'));

    public static readonly TextRule Region =
        new("Latin letters, digits, '.', '_' and '-'", text => text.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-'));

    private readonly Func<string, bool> allows;

    private TextRule(string allowed, Func<string, bool> allows)
    {
        Allowed = allowed;
        this.allows = allows;
    }

    public string Allowed { get; }

    public bool Allows(string text) => allows(text);

    private static TextRule Without(string allowed, string forbidden)
    {
        SearchValues<char> characters = SearchValues.Create(forbidden);
        return new TextRule(allowed, text => text.AsSpan().IndexOfAny(characters) < 0);
    }

    // The pattern of the published definitions: ^[\u4E00-\u9FA5\uf900-\ufa2da-zA-Z0-9_\-]*$
    private static bool IsName(string text)
    {
        foreach (char c in text)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('_' or '-' or (>= '\u4E00' and <= '\u9FA5') or (>= '\uF900' and <= '\uFA2D')))
                return false;
        }

        return true;
    }
}
