using System.Text.Json.Nodes;

namespace Strongroom.Server.Http;

/// <summary>
/// What a body's reader asks for, written down as JSON schema while the reader runs on made-up values: so the description of
/// a request is the code that reads it. One node per member; a reader runs several times, with other words and flags and
/// with the optional members left out, and every run adds what it finds.
/// </summary>
internal sealed class BodyTrace
{
    // Chains of optional members and of words that exclude others are found when runs are many; a run takes microseconds.
    private const int RunCount = 400;

    private readonly SortedDictionary<string, BodyTrace> members = new(StringComparer.Ordinal);
    private readonly HashSet<string> kinds = [];
    private readonly SortedSet<string> words = new(StringComparer.Ordinal);
    private readonly JsonObject limits = [];
    private readonly Run run;
    private readonly uint ordinal;
    private BodyTrace? item;
    private bool isOptional;

    private BodyTrace(Run run)
    {
        this.run = run;
        ordinal = run.NodeCount++;
    }

    /// <summary>The same within a run; all are given in the first and none in the second.</summary>
    public bool IsGiven
    {
        get
        {
            isOptional = true;
            return run.Number < 2 ? run.Number == 0 : Choose(2, salt: 1) == 0;
        }
    }

    /// <summary>The schema of what the reader takes.</summary>
    public static JsonObject Describe(Action<BodyValue> read)
    {
        var run = new Run();
        var root = new BodyTrace(run);
        for (run.Number = 0; run.Number < RunCount; run.Number++)
        {
            try
            {
                read(new BodyValue(root));
            }
            catch (Exception error) when (error is Contract.RefusedException or InvalidOperationException)
            {
                // Made-up values need not make sense together: what was asked for until then is known.
            }
        }

        return root.Schema();
    }

    public BodyTrace Member(string name)
    {
        Is("object");
        if (!members.TryGetValue(name, out BodyTrace? member))
            members.Add(name, member = new BodyTrace(run));
        return member;
    }

    public void Is(string kind) => kinds.Add(kind);

    public string Text(int lengthMin, int lengthMax)
    {
        Is("string");
        Widen("minLength", lengthMin, Math.Min);
        Widen("maxLength", lengthMax, Math.Max);
        return new string('a', Math.Max(lengthMin, Math.Min(1, lengthMax)));
    }

    public int Int(int min, int max)
    {
        Is("integer");
        Widen("minimum", min, Math.Min);
        Widen("maximum", max, Math.Max);
        return Math.Clamp(1, min, max);
    }

    public double Number(double min, double max)
    {
        Is("number");
        Widen("minimum", min, Math.Min);
        Widen("maximum", max, Math.Max);
        return min;
    }

    public bool Flag()
    {
        Is("boolean");
        return Choose(2, salt: 2) == 0;
    }

    public string Word(string[] choices)
    {
        Is("string");
        words.UnionWith(choices);
        return choices[Choose(choices.Length, salt: 3)];
    }

    public string Id()
    {
        Is("string");
        limits["format"] = "uuid";
        return "00000000-0000-4000-8000-000000000000";
    }

    /// <summary>A list, or one of its items in its place.</summary>
    public List<T> ListOrSingle<T>(int countMin, int countMax, Func<BodyValue, T> read)
    {
        Is("object");
        read(new BodyValue(this));
        return List(countMin, countMax, read);
    }

    public List<T> List<T>(int countMin, int countMax, Func<BodyValue, T> read)
    {
        Is("array");
        Widen("minItems", countMin, Math.Min);
        Widen("maxItems", countMax, Math.Max);
        item ??= new BodyTrace(run);
        return [read(new BodyValue(item))];
    }

    /// <summary>The widest limits of all runs: they may depend on other members.</summary>
    private void Widen(string limit, double value, Func<double, double, double> widest) =>
        limits[limit] = limits[limit] is { } known ? widest((double)known, value) : value;

    /// <summary>The same for this node all through a run, and as good as unrelated to other nodes and runs.</summary>
    private int Choose(int count, uint salt)
    {
        unchecked
        {
            uint mixed = ((ordinal * 4) + salt) * 0x9E3779B9u ^ ((uint)run.Number * 0x85EBCA6Bu);
            mixed = (mixed ^ (mixed >> 15)) * 0x2C1B3C6Du;
            mixed = (mixed ^ (mixed >> 12)) * 0x297A2D39u;
            return (int)((mixed ^ (mixed >> 15)) % (uint)count);
        }
    }

    private JsonObject Schema()
    {
        var schema = new JsonObject();
        if (isOptional)
            kinds.Add("null");
        if (kinds.Count == 1)
            schema["type"] = kinds.Single();
        else if (kinds.Count > 1)
            schema["type"] = new JsonArray([.. kinds.Order(StringComparer.Ordinal).Select(kind => (JsonNode)kind)]);
        if (words.Count > 0)
            schema["enum"] = new JsonArray([.. words.Select(word => (JsonNode)word), .. isOptional ? (JsonNode?[])[null] : []]);
        foreach ((string name, JsonNode? value) in limits)
            schema[name] = value!.DeepClone();
        if (item is not null)
            schema["items"] = item.Schema();
        if (members.Count == 0)
            return schema;
        schema["properties"] = new JsonObject(members.Select(member => new KeyValuePair<string, JsonNode?>(member.Key, member.Value.Schema())));
        JsonNode[] required = [.. members.Where(member => !member.Value.isOptional).Select(member => (JsonNode)member.Key)];
        if (required.Length > 0)
            schema["required"] = new JsonArray(required);
        return schema;
    }

    /// <summary>Shared by all nodes of one description.</summary>
    private sealed class Run
    {
        public int Number { get; set; }

        public uint NodeCount { get; set; }
    }
}
