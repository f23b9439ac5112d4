using System.Globalization;
using System.Text;
using System.Text.Json;
using Strongroom.Contract;

namespace Strongroom.Server.Http;

/// <summary>
/// One value of a request's body and the rules it must keep, read so that the code looks like the table of the API
/// reference: <c>vault["threshold"].IntOrNull(1, 100) ?? 80</c>. What breaks a rule is <c>BackupService.9900</c> and names
/// the member, the value and the limit. A reader can also be run to describe itself (<see cref="BodyTrace"/>). The forms ending in <c>OrNull</c> take a member that is absent or null; the others
/// want it there. Members nobody asks for are never looked at. Lengths count characters (code points), not bytes.
/// </summary>
internal readonly struct BodyValue
{
    private readonly JsonElement element;
    private readonly string parent;
    private readonly string? name;
    private readonly int index;
    private readonly BodyTrace? trace;

    public BodyValue(JsonElement root)
        : this(root, "", null, 0)
    {
    }

    /// <summary>No value at all: writes down what it is asked for.</summary>
    public BodyValue(BodyTrace trace)
        : this(default, "", null, 0) => this.trace = trace;

    private BodyValue(JsonElement element, string parent, string? name, int index)
    {
        this.element = element;
        this.parent = parent;
        this.name = name;
        this.index = index;
    }

    /// <summary>Present and not null.</summary>
    public bool IsGiven => trace?.IsGiven ?? element.ValueKind is not (JsonValueKind.Undefined or JsonValueKind.Null);

    /// <summary>Where the reference allows a word in place of an object.</summary>
    public bool IsText => element.ValueKind == JsonValueKind.String;

    /// <summary>As in <c>vault.resources[3].id</c>.</summary>
    public string Path => name is null && parent.Length == 0 ? "the body"
        : name is null ? $"{parent}[{index}]"
        : parent.Length == 0 ? name
        : $"{parent}.{name}";

    private bool IsRoot => name is null && parent.Length == 0;

    /// <summary>A member of this object; one that is absent is not given. A value that is no object is refused.</summary>
    public BodyValue this[string member] => trace is not null
        ? new BodyValue(trace.Member(member))
        : new(Object().element.TryGetProperty(member, out JsonElement value) ? value : default, IsRoot ? "" : Path, member, 0);

    public BodyValue Object()
    {
        trace?.Is("object");
        if (trace is not null)
            return this;
        RefuseMissing();
        return element.ValueKind == JsonValueKind.Object ? this : throw Refused("must be an object");
    }

    public BodyValue? ObjectOrNull() => IsGiven ? Object() : null;

    /// <summary>The text of this object as it was sent, to the byte, for what is kept and given back untouched.</summary>
    public string ObjectText(int charsMax)
    {
        if (trace is not null)
        {
            trace.Is("object");
            return "{}";
        }

        string text = Object().element.GetRawText();
        return text.Length <= charsMax ? text : throw Refused($"is {text.Length} characters long; at most {charsMax} are allowed", showValue: false);
    }

    /// <param name="rule">What the characters must keep.</param>
    public string Text(int lengthMin, int lengthMax, TextRule? rule = null)
    {
        if (trace is not null)
            return trace.Text(lengthMin, lengthMax);
        string text = String();
        int length = LengthOf(text);
        if (length < lengthMin || length > lengthMax)
            throw Refused($"is {length} characters long; {lengthMin} to {lengthMax} are allowed");
        if (rule is not null && !rule.Allows(text))
            throw Refused($"may hold only {rule.Allowed}");
        return text;
    }

    public string? TextOrNull(int lengthMin, int lengthMax, TextRule? rule = null) => IsGiven ? Text(lengthMin, lengthMax, rule) : null;

    /// <summary>A whole number, written without fraction or exponent.</summary>
    public int Int(int min, int max)
    {
        if (trace is not null)
            return trace.Int(min, max);
        RefuseMissing();
        if (element.ValueKind != JsonValueKind.Number)
            throw Refused("must be a whole number");
        string digits = element.GetRawText();
        if (digits.AsSpan().IndexOfAny(".eE") >= 0)
            throw Refused("must be a whole number");
        return int.TryParse(digits, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int value) && value >= min && value <= max
            ? value
            : throw Refused($"must be {min} to {max}");
    }

    public int? IntOrNull(int min, int max) => IsGiven ? Int(min, max) : null;

    /// <summary>A whole number, as one or written in text.</summary>
    public int? WrittenIntOrNull(int min, int max)
    {
        trace?.Is("string");
        if (element.ValueKind != JsonValueKind.String)
            return IntOrNull(min, max);
        return int.TryParse(element.GetString(), NumberStyles.None, CultureInfo.InvariantCulture, out int value) && value >= min && value <= max
            ? value
            : throw Refused($"must be {min} to {max}");
    }

    /// <summary>Any number, fractions included.</summary>
    public double Number(double min, double max)
    {
        if (trace is not null)
            return trace.Number(min, max);
        RefuseMissing();
        return element.ValueKind == JsonValueKind.Number && element.TryGetDouble(out double value) && value >= min && value <= max
            ? value
            : throw Refused(string.Create(CultureInfo.InvariantCulture, $"must be a number, {min} to {max}"));
    }

    public bool Flag()
    {
        if (trace is not null)
            return trace.Flag();
        RefuseMissing();
        return element.ValueKind switch
        {
            JsonValueKind.True => true,
            JsonValueKind.False => false,
            _ => throw Refused("must be true or false"),
        };
    }

    public bool? FlagOrNull() => IsGiven ? Flag() : null;

    /// <summary>One of a few words, spelt exactly so.</summary>
    public string Word(string[] words)
    {
        if (trace is not null)
            return trace.Word(words);
        string text = String();
        int at = Array.IndexOf(words, text);
        return at >= 0 ? words[at] : throw Refused($"must be {string.Join(", ", words.Select(word => word.Length == 0 ? "empty" : word))}");
    }

    public string? WordOrNull(string[] words) => IsGiven ? Word(words) : null;

    /// <summary>A UUID in lower case with dashes.</summary>
    public string Id()
    {
        if (trace is not null)
            return trace.Id();
        string text = String();
        return WireId.IsWellFormed(text) ? text : throw Refused("must be a UUID in lower case with dashes");
    }

    public string? IdOrNull() => IsGiven ? Id() : null;

    public List<T> List<T>(int countMin, int countMax, Func<BodyValue, T> read)
    {
        if (trace is not null)
            return trace.List(countMin, countMax, read);
        RefuseMissing();
        if (element.ValueKind != JsonValueKind.Array)
            throw Refused("must be a list");
        int count = element.GetArrayLength();
        if (count < countMin || count > countMax)
            throw Refused($"has {count} items; {countMin} to {countMax} are allowed", showValue: false);
        var items = new List<T>(count);
        string path = Path;
        foreach (JsonElement item in element.EnumerateArray())
            items.Add(read(new BodyValue(item, path, null, items.Count)));
        return items;
    }

    public List<T>? ListOrNull<T>(int countMin, int countMax, Func<BodyValue, T> read) => IsGiven ? List(countMin, countMax, read) : null;

    /// <summary>A list, or one item in place of it.</summary>
    public List<T>? ListOrSingleOrNull<T>(int countMin, int countMax, Func<BodyValue, T> read) =>
        trace is not null ? (IsGiven ? trace.ListOrSingle(countMin, countMax, read) : null)
        : element.ValueKind == JsonValueKind.Object ? [read(this)]
        : ListOrNull(countMin, countMax, read);

    /// <summary>Characters as people count them: code points.</summary>
    public static int LengthOf(string text)
    {
        int length = 0;
        foreach (Rune _ in text.EnumerateRunes())
            length++;
        return length;
    }

    public RefusedException Refused(string rule) => Refused(rule, showValue: true);

    private RefusedException Refused(string rule, bool showValue) =>
        BodyReader.Refused(showValue ? $"{Path} {rule}: it is {Shown()}." : $"{Path} {rule}.");

    private string String()
    {
        RefuseMissing();
        return element.ValueKind == JsonValueKind.String ? element.GetString()! : throw Refused("must be text");
    }

    private void RefuseMissing()
    {
        if (element.ValueKind == JsonValueKind.Undefined)
            throw Refused("is missing", showValue: false);
        if (element.ValueKind == JsonValueKind.Null)
            throw Refused("must not be null", showValue: false);
    }

    private string Shown() => element.ValueKind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "a list",
        JsonValueKind.String => ShownText.Quoted(element.GetString()!),
        _ => ShownText.Shortened(element.GetRawText()),
    };
}

/// <summary>What a caller sent, made fit for a message: short, on one line, no control characters.</summary>
internal static class ShownText
{
    private const int CharsMax = 80;

    public static string Quoted(string text) => $"'{Shortened(text)}'";

    public static string Shortened(string text)
    {
        var shown = new StringBuilder(Math.Min(text.Length, CharsMax));
        foreach (Rune rune in text.EnumerateRunes())
        {
            if (shown.Length >= CharsMax)
                return shown.Append('…').ToString();
            shown.Append(Rune.IsControl(rune) ? "?" : rune.ToString());
        }

        return shown.ToString();
    }
}
