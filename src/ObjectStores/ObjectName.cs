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

    public static bool IsValid(string name)
    {
        if (string.IsNullOrEmpty(name) || name.Length > MaxLength)
            return false;
        int segmentLength = 0;
        foreach (char c in name)
        {
            if (c == '/')
            {
                if (segmentLength == 0)
                    return false;
                segmentLength = 0;
                continue;
            }

            bool allowed = c is >= 'a' and <= 'z' or >= '0' and <= '9' or '_' or '-' || (c == '.' && segmentLength > 0);
            if (!allowed || ++segmentLength > MaxSegmentLength)
                return false;
        }

        return segmentLength > 0;
    }
}
