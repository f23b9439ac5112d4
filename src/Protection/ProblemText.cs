using Strongroom.Drivers;

namespace Strongroom.Protection;

/// <summary>One line about one entry. The middle of a very long path is left out, so that what happened is not cut off.</summary>
internal static class ProblemText
{
    private const int PathLengthMax = 400;

    internal static string Of(string location, TreePath path, string problem)
    {
        string shown = path.IsRoot ? location : $"{location.TrimEnd('/')}/{path}";
        if (shown.Length > PathLengthMax)
            shown = $"{shown[..(PathLengthMax / 2)]}…{shown[^(PathLengthMax / 2)..]}";
        return $"{shown}: {problem}";
    }
}
