using System.Buffers.Binary;
using System.Text;

namespace Strongroom.Repository.Tests.Fuzzing;

/// <summary>Makes bytes that are nearly right out of bytes that are right.</summary>
internal static class Mutator
{
    private static readonly ulong[] Interesting =
    [
        0, 1, 2, 15, 16, 17, 31, 32, 63, 64, 127, 128, 255, 256, 4095, 4096, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 0xFFFFFF, 0x1000000,
        int.MaxValue - 1UL, int.MaxValue, 0x80000000, uint.MaxValue - 1UL, uint.MaxValue, 1UL << 32, long.MaxValue - 1UL, long.MaxValue, 1UL << 63, ulong.MaxValue,
    ];

    private static readonly string[] Junk =
    [
        "null", "true", "0", "-1", "1", "2147483647", "2147483648", "9223372036854775807", "9223372036854775808", "1e400", "0.5", "\"\"", "\"x\"", "[]", "{}",
        "[null]", "[[]]", "[{}]", "{\"a\":null}", "\"\\u0000\"", "\"\\ud800\"", "\"AAAA\"", "\"0000000000000000000000000000000000000000000000000000000000000000\"",
    ];

    /// <summary>One to a few changes: of bytes, of numbers of every width, of lengths, of order.</summary>
    public static byte[] Bytes(Random random, byte[] valid)
    {
        if (random.Next(50) == 0)
        {
            byte[] noise = new byte[random.Next(200)];
            random.NextBytes(noise);
            return noise;
        }

        var bytes = new List<byte>(valid);
        for (int changes = 1 + (random.Next(3) == 0 ? random.Next(6) : 0); changes > 0; changes--)
            Change(random, bytes, valid);
        return [.. bytes];
    }

    /// <summary>The text with one to a few values, names or pieces replaced; mostly still JSON.</summary>
    public static byte[] Json(Random random, byte[] valid)
    {
        if (random.Next(8) == 0)
            return Bytes(random, valid);
        string text = Encoding.UTF8.GetString(valid);
        for (int changes = 1 + random.Next(3); changes > 0; changes--)
        {
            // A value is what follows a colon, a comma or a bracket.
            int[] starts = [.. Enumerable.Range(1, Math.Max(0, text.Length - 1)).Where(i => text[i - 1] is ':' or ',' or '[')];
            if (starts.Length == 0)
                break;
            int start = starts[random.Next(starts.Length)];
            int end = ValueEnd(text, start);
            string value = text[start..end];
            string changed = random.Next(6) switch
            {
                0 => value + "," + value,
                1 => "[" + value + "]",
                2 when value.StartsWith('"') && value.Length > 2 => value[..^1] + value[1..],
                3 when value.StartsWith('"') && value.Length > 3 => value[..random.Next(1, value.Length - 1)] + "\"",
                _ => Junk[random.Next(Junk.Length)],
            };
            text = text[..start] + changed + text[end..];
        }

        return Encoding.UTF8.GetBytes(text);
    }

    private static int ValueEnd(string text, int start)
    {
        int depth = 0;
        bool quoted = false;
        for (int i = start; i < text.Length; i++)
        {
            char c = text[i];
            if (quoted)
            {
                if (c == '\\')
                    i++;
                else if (c == '"')
                    quoted = false;
                continue;
            }

            if (c == '"')
                quoted = true;
            else if (c is '{' or '[')
                depth++;
            else if ((c is '}' or ']' && depth-- == 0) || (c is ',' or ':' && depth == 0))
                return i;
        }

        return text.Length;
    }

    private static void Change(Random random, List<byte> bytes, byte[] valid)
    {
        if (bytes.Count == 0)
        {
            bytes.Add((byte)random.Next(256));
            return;
        }

        // The beginning, where counts are, more often than the rest.
        int at = random.Next(2) == 0 ? random.Next(Math.Min(bytes.Count, 64)) : random.Next(bytes.Count);
        int length = Math.Min(bytes.Count - at, random.Next(3) == 0 ? random.Next(1, 400) : random.Next(1, 20));
        switch (random.Next(9))
        {
            case 0:
                bytes[at] ^= (byte)(1 << random.Next(8));
                break;
            case 1:
                bytes[at] = (byte)random.Next(256);
                break;
            case 2:
                bytes.RemoveRange(at, length);
                break;
            case 3:
                bytes.InsertRange(at, bytes.GetRange(at, length));
                break;
            case 4:
                byte[] noise = new byte[length];
                random.NextBytes(noise);
                bytes.InsertRange(at, noise);
                break;
            case 5:
                int from = random.Next(valid.Length == 0 ? 1 : valid.Length);
                bytes.InsertRange(at, valid.AsSpan(from, Math.Min(length, valid.Length - from)).ToArray());
                break;
            case 6:
                bytes.RemoveRange(at, bytes.Count - at);
                break;
            default:
                Span<byte> number = stackalloc byte[8];
                BinaryPrimitives.WriteUInt64LittleEndian(number, Interesting[random.Next(Interesting.Length)]);
                int width = 1 << random.Next(4);
                for (int i = 0; i < width && at + i < bytes.Count; i++)
                    bytes[at + i] = number[i];
                break;
        }
    }
}
