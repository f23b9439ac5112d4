using System.Buffers;

namespace Strongroom.Contract;

/// <summary>
/// Ids of vaults, resources, backups, policies and tasks: UUIDs in lower case with dashes, and nothing else. Upper case
/// is refused rather than folded, so that one thing has one spelling in paths, bodies, signatures and logs.
/// </summary>
public static class WireId
{
    private const int Length = 36;
    private const int ProjectLength = 32;

    private static readonly SearchValues<char> HexDigits = SearchValues.Create("0123456789abcdef");

    public static bool IsWellFormed(ReadOnlySpan<char> text) =>
        text.Length == Length
        && text[8] == '-' && text[13] == '-' && text[18] == '-' && text[23] == '-'
        && IsHex(text[..8]) && IsHex(text[9..13]) && IsHex(text[14..18]) && IsHex(text[19..23]) && IsHex(text[24..]);

    /// <summary>Ids of projects, domains and users: 32 hexadecimal digits in lower case.</summary>
    public static bool IsProject(ReadOnlySpan<char> text) => text.Length == ProjectLength && IsHex(text);

    private static bool IsHex(ReadOnlySpan<char> text) => !text.ContainsAnyExcept(HexDigits);
}
