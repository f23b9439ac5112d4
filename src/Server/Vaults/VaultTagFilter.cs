using Strongroom.Contract.Vaults;
using Strongroom.Server.Http;

namespace Strongroom.Server.Vaults;

/// <summary>
/// A search for vaults by their tags and names (atlas of the vault API, section 6.6). What it says is judged over tags as
/// they are stored, in memory: a project has no more vaults than <see cref="VaultOptions.VaultCountMax"/>.
/// </summary>
internal sealed record VaultTagFilter
{
    private const int MatchCountMax = 1;

    /// <summary>The total alone is wanted, not the vaults.</summary>
    public required bool IsCount { get; init; }

    public int Limit { get; init; } = QueryReader.LimitMax;

    public int Offset { get; init; }

    /// <summary>Only vaults without tags; the four lists then mean nothing.</summary>
    public bool WithoutAnyTag { get; init; }

    public IReadOnlyList<TagCondition> All { get; init; } = [];

    public IReadOnlyList<TagCondition> Any { get; init; } = [];

    public IReadOnlyList<TagCondition> NotAll { get; init; } = [];

    public IReadOnlyList<TagCondition> NotAny { get; init; } = [];

    /// <summary>Part of the name; empty asks for an empty name, which no vault has. Null: any.</summary>
    public string? Name { get; init; }

    public string? CloudType { get; init; }

    public string? ObjectType { get; init; }

    public static VaultTagFilter Read(BodyValue body, VaultOptions limits)
    {
        bool isCount = body["action"].Word(["filter", "count"]) == "count";
        if (body["sys_tags"].IsGiven)
            throw body["sys_tags"].Refused("is for the cloud's own services");
        return new VaultTagFilter
        {
            IsCount = isCount,
            Limit = (isCount ? null : body["limit"].WrittenIntOrNull(1, QueryReader.LimitMax)) ?? QueryReader.LimitMax,
            Offset = (isCount ? null : body["offset"].WrittenIntOrNull(0, int.MaxValue)) ?? 0,
            WithoutAnyTag = body["without_any_tag"].FlagOrNull() ?? false,
            All = Conditions(body["tags"], limits),
            Any = Conditions(body["tags_any"], limits),
            NotAll = Conditions(body["not_tags"], limits),
            NotAny = Conditions(body["not_tags_any"], limits),
            Name = body["matches"].ListOrNull(0, MatchCountMax, Match) is [string name] ? name : null,
            CloudType = body["cloud_type"].WordOrNull(CloudTypes.All),
            ObjectType = body["object_type"].WordOrNull(ObjectTypes.All),
        };
    }

    public bool Matches(TaggedVault vault)
    {
        if (Name is not null && (Name.Length == 0 ? vault.Name.Length > 0 : !vault.Name.Contains(Name, StringComparison.Ordinal)))
            return false;
        if (WithoutAnyTag)
            return vault.Tags.Count == 0;
        return All.All(condition => condition.Holds(vault.Tags))
            && (Any.Count == 0 || Any.Any(condition => condition.Holds(vault.Tags)))
            && (NotAll.Count == 0 || !NotAll.All(condition => condition.Holds(vault.Tags)))
            && !NotAny.Any(condition => condition.Holds(vault.Tags));
    }

    private static List<TagCondition> Conditions(BodyValue list, VaultOptions limits)
    {
        List<TagCondition> conditions = list.ListOrNull(1, limits.TagCountMax, item => TagCondition.Read(item, limits)) ?? [];
        var keys = new HashSet<string>(StringComparer.Ordinal);
        foreach (TagCondition condition in conditions)
        {
            if (!keys.Add(condition.Key))
                throw list.Refused($"names the key {ShownText.Quoted(condition.Key)} twice");
        }

        return conditions;
    }

    private static string Match(BodyValue match)
    {
        match["key"].Word(["resource_name"]);
        return match["value"].Text(0, TagRules.SearchValueLengthMax);
    }
}

/// <summary>A tag with this key and one of these values; without values, any. A value that starts with * asks for a part.</summary>
internal sealed record TagCondition(string Key, IReadOnlyList<string> Values)
{
    public static TagCondition Read(BodyValue item, VaultOptions limits)
    {
        BodyValue key = item["key"];
        string text = key.Text(0, TagRules.SearchKeyLengthMax).Trim(' ');
        if (text.Length == 0)
            throw key.Refused("must not be empty");
        List<string> values = item["values"].List(0, limits.TagCountMax, ReadValue);
        return values.Distinct(StringComparer.Ordinal).Count() == values.Count
            ? new TagCondition(text, values)
            : throw item["values"].Refused("names a value twice");
    }

    public bool Holds(IReadOnlyList<TagShape> tags)
    {
        foreach (TagShape tag in tags)
        {
            if (tag.Key == Key)
                return Values.Count == 0 || Values.Any(value => Fits(tag.Value, value));
        }

        return false;
    }

    private static string ReadValue(BodyValue item)
    {
        string value = item.Text(0, TagRules.SearchValueLengthMax).Trim(' ');
        return value != "*" ? value : throw item.Refused("must say which part is looked for after the *");
    }

    private static bool Fits(string value, string wanted) =>
        wanted.StartsWith('*') ? value.Contains(wanted[1..], StringComparison.Ordinal) : value == wanted;
}

/// <summary>What a search by tags looks at.</summary>
internal sealed record TaggedVault(VaultId Id, string Name, IReadOnlyList<TagShape> Tags);
