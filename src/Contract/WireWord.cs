using System.Collections.Frozen;
using System.Text.Json;

namespace Strongroom.Contract;

/// <summary>The wire's words for an enum: its names in snake case, <c>WaitingProtect</c> as <c>waiting_protect</c>.</summary>
public static class WireWord
{
    public static string Of<T>(T value)
        where T : struct, Enum => Words<T>.ByValue[value];

    /// <summary>Exact, lower case; false for anything else.</summary>
    public static bool TryParse<T>(string word, out T value)
        where T : struct, Enum => Words<T>.ByWord.TryGetValue(word, out value);

    /// <summary>Of a word this product wrote itself.</summary>
    /// <exception cref="ArgumentException">It is none of the enum's words.</exception>
    public static T Parse<T>(string word)
        where T : struct, Enum =>
        TryParse(word, out T value) ? value : throw new ArgumentException($"'{word}' is no {typeof(T).Name}.", nameof(word));

    /// <summary>All of them, for messages that say what would have been right.</summary>
    public static string List<T>()
        where T : struct, Enum => string.Join(", ", Words<T>.ByValue.Values);

    private static class Words<T>
        where T : struct, Enum
    {
        public static readonly FrozenDictionary<T, string> ByValue =
            Enum.GetValues<T>().ToFrozenDictionary(value => value, value => JsonNamingPolicy.SnakeCaseLower.ConvertName(value.ToString()));

        public static readonly FrozenDictionary<string, T> ByWord =
            ByValue.ToFrozenDictionary(pair => pair.Value, pair => pair.Key, StringComparer.Ordinal);
    }
}
