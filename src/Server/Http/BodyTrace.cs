using System.Text.Json.Nodes;

namespace Strongroom.Server.Http;

/// <summary>
/// What a body's reader asks for, written down as JSON schema while the reader runs on made-up values: so the description of
/// a request is the code that reads it. One node per member; a reader runs several times, with other words and flags and
/// with the optional members left out, and every run adds what it finds.
/// </summary>
internal sealed class BodyTrace
{
    // Each optional member is there in half of the runs, each word is taken in some.
    private const int RunCount = 32;

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
            return run.Number < 2 ? run.Number == 0 : (unchecked(ordinal * 2654435761u) >> (run.Number - 1) & 1) == 0;
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
        limits["minLength"] = lengthMin;
        limits["maxLength"] = lengthMax;
        return new string('a', Math.Max(lengthMin, Math.Min(1, lengthMax)));
    }

    public int Int(int min, int max)
    {
        Is("integer");
        limits["minimum"] = min;
        limits["maximum"] = max;
        return Math.Clamp(1, min, max);
    }

    public double Number(double min, double max)
    {
        Is("number");
        limits["minimum"] = min;
        limits["maximum"] = max;
        return min;
    }

    public bool Flag()
    {
        Is("boolean");
        return run.Number / 2 % 2 == 0;
    }

    public string Word(string[] choices)
    {
        Is("string");
        words.UnionWith(choices);
        return choices[run.Number % choices.Length];
    }

    public string Id()
    {
        Is("string");
        limits["format"] = "uuid";
        return "00000000-0000-4000-8000-000000000000";
    }

    public List<T> List<T>(int countMin, int countMax, Func<BodyValue, T> read)
    {
        Is("array");
        limits["minItems"] = countMin;
        limits["maxItems"] = countMax;
        item ??= new BodyTrace(run);
        return [read(new BodyValue(item))];
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
