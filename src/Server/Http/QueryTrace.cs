using System.Collections;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Primitives;

namespace Strongroom.Server.Http;

/// <summary>
/// A query that is empty, and writes down what a reader asks it for: the description of a list's parameters is the code
/// that reads them.
/// </summary>
internal sealed class QueryTrace : IQueryCollection
{
    private readonly Dictionary<string, JsonObject> parameters = new(StringComparer.Ordinal);
    private readonly HashSet<string> required = new(StringComparer.Ordinal);

    /// <summary>By name, in the order they were asked for.</summary>
    public IReadOnlyDictionary<string, JsonObject> Parameters => parameters;

    public int Count => 0;

    public ICollection<string> Keys => [];

    public StringValues this[string key] => StringValues.Empty;

    public static QueryTrace Describe(Action<HttpRequest> read)
    {
        var context = new DefaultHttpContext();
        var trace = new QueryTrace();
        context.Request.Query = trace;
        try
        {
            read(context.Request);
        }
        catch (Contract.RefusedException)
        {
            // One that must be there is not: it was the last to be asked for, or is named first.
        }

        return trace;
    }

    public void Add(string name, JsonObject schema) => parameters.TryAdd(name, schema);

    public void Require(string name) => required.Add(name);

    public bool IsRequired(string name) => required.Contains(name);

    public bool ContainsKey(string key) => false;

    public bool TryGetValue(string key, out StringValues value)
    {
        value = StringValues.Empty;
        return false;
    }

    public IEnumerator<KeyValuePair<string, StringValues>> GetEnumerator() => Enumerable.Empty<KeyValuePair<string, StringValues>>().GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
