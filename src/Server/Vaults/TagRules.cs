using Strongroom.Contract;
using Strongroom.Contract.Vaults;
using Strongroom.Server.Http;

namespace Strongroom.Server.Vaults;

/// <summary>
/// Tags as the API reference limits them (atlas of the vault API, section 8.6). Blanks around keys and values are dropped;
/// a value that is absent or null is empty. Searching and deleting take longer keys, so that what older rules let in can
/// be found and removed.
/// </summary>
internal static class TagRules
{
    public const int KeyLengthMax = 36;
    public const int ValueLengthMax = 43;
    public const int SearchKeyLengthMax = 127;
    public const int SearchValueLengthMax = 255;

    // What a body may list before anything is counted against a limit of its own.
    private const int ListedCountMax = 1000;

    /// <summary>Tags to be set: at least one, each key once, at most <paramref name="countMax"/> (6600 beyond).</summary>
    public static List<TagShape> Additions(BodyValue list, int countMax)
    {
        List<TagShape> tags = list.List(1, ListedCountMax, Addition);
        var keys = new HashSet<string>(StringComparer.Ordinal);
        foreach (TagShape tag in tags)
        {
            if (!keys.Add(tag.Key))
                throw list.Refused($"names the key {ShownText.Quoted(tag.Key)} twice");
        }

        RefuseTooMany(tags.Count, countMax);
        return tags;
    }

    public static TagShape Addition(BodyValue item) => new(Key(item["key"], KeyLengthMax), Value(item["value"], ValueLengthMax));

    /// <summary>A pair that resources are matched with; their own tags may be longer than a vault's.</summary>
    public static TagShape Rule(BodyValue item) => new(Key(item["key"], SearchKeyLengthMax), Value(item["value"], SearchValueLengthMax));

    /// <summary>Keys to be deleted. No check of characters: what is there must be removable.</summary>
    public static List<string> Removals(BodyValue list) => list.List(1, ListedCountMax, item =>
    {
        item["value"].TextOrNull(0, SearchValueLengthMax);
        return TrimmedKey(item["key"], item["key"].Text(0, SearchKeyLengthMax));
    });

    public static void RefuseTooMany(int count, int countMax)
    {
        if (count > countMax)
            throw new RefusedException(ErrorCodes.TagCountExceeded, $"The vault would have {count} tags: {countMax} is the most.");
    }

    /// <summary>The tags with <paramref name="added"/> set: an existing key keeps its place and takes the new value.</summary>
    public static List<TagShape> Merged(IReadOnlyList<TagShape> tags, IReadOnlyList<TagShape> added)
    {
        List<TagShape> merged = [.. tags];
        foreach (TagShape tag in added)
        {
            int at = merged.FindIndex(known => known.Key == tag.Key);
            if (at >= 0)
                merged[at] = tag;
            else
                merged.Add(tag);
        }

        return merged;
    }

    private static string Key(BodyValue value, int lengthMax)
    {
        // Blanks do not count, so the limit is asked of what is left; the wider one only bounds what is looked at.
        string key = TrimmedKey(value, value.Text(0, SearchValueLengthMax, TextRule.Tag));
        int length = BodyValue.LengthOf(key);
        return length <= lengthMax ? key : throw value.Refused($"is {length} characters long; 1 to {lengthMax} are allowed");
    }

    private static string TrimmedKey(BodyValue value, string text)
    {
        string key = text.Trim(' ');
        return key.Length > 0 ? key : throw value.Refused("must not be empty");
    }

    private static string Value(BodyValue value, int lengthMax)
    {
        string text = (value.TextOrNull(0, 2 * SearchValueLengthMax, TextRule.Tag) ?? "").Trim(' ');
        int length = BodyValue.LengthOf(text);
        return length <= lengthMax ? text : throw value.Refused($"is {length} characters long; 0 to {lengthMax} are allowed");
    }
}
