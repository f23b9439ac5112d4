namespace Strongroom.ObjectStores;

/// <summary>The rules for names of objects, checked by every store before it touches anything.</summary>
public static class ObjectName
{
    public const int MaxLength = 512;
    public const int MaxSegmentLength = 128;

    /// <exception cref="ArgumentException">The name breaks a rule of <see cref="IObjectStore"/>.</exception>
    public static void Check(string name)
    {
        if (!IsValid(name))
            throw new ArgumentException($"'{name}' is not a name for an object.", nameof(name));
    }

    /// <exception cref="ArgumentException">No name can begin with this prefix.</exception>
    public static void CheckPrefix(string prefix)
    {
        // What begins a name is a name once a letter follows, or is one already.
        if (prefix is null || (prefix.Length > 0 && !IsValid(prefix) && !IsValid(prefix + "a")))
            throw new ArgumentException($"No object's name begins with '{prefix}'.", nameof(prefix));
    }

    public static bool IsValid(string name)
    {
        if (string.IsNullOrEmpty(name) || name.Length > MaxLength)
            return false;
        for (var rest = name.AsSpan(); ;)
        {
            int slash = rest.IndexOf('/');
            if (!IsSegment(slash < 0 ? rest : rest[..slash]))
                return false;
            if (slash < 0)
                return true;
            rest = rest[(slash + 1)..];
        }
    }

    /// <summary>Whether a name may have this between two slashes.</summary>
    public static bool IsSegment(ReadOnlySpan<char> segment) =>
        segment.Length is > 0 and <= MaxSegmentLength
        && segment[0] != '.'
        && segment.IndexOfAnyExcept(_allowed) < 0;

    private static readonly System.Buffers.SearchValues<char> _allowed =
        System.Buffers.SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789._-");
}
