using System.Buffers;

namespace Strongroom.Repository.Format;

/// <summary>Lower-case hexadecimal, the only form the format knows.</summary>
internal static class Hex
{
    private static readonly SearchValues<char> Digits = SearchValues.Create("0123456789abcdef");

    public static bool IsLower(ReadOnlySpan<char> text, int length) => text.Length == length && !text.ContainsAnyExcept(Digits);
}
