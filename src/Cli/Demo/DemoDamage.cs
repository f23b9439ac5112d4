namespace Strongroom.Cli.Demo;

/// <summary>
/// Damage on order, to show and test that it never goes unnoticed: <c>STRONGROOM_DEMO_DAMAGE=pack</c> flips one bit in the
/// middle of the largest pack, <c>pack:N</c> of the N-th pack in order of names.
/// </summary>
internal static class DemoDamage
{
    public const string Variable = "STRONGROOM_DEMO_DAMAGE";

    public static void Inflict(Shell shell, string dataDirectory)
    {
        string order = shell.Variable(Variable) ?? "";
        if (order.Length == 0)
            return;
        FileInfo[] packs =
        [
            .. new DirectoryInfo(dataDirectory).EnumerateFiles("*", SearchOption.AllDirectories)
                .Where(file => file.FullName.Contains("/packs/", StringComparison.Ordinal))
                .OrderBy(file => file.FullName, StringComparer.Ordinal),
        ];
        FileInfo pack = order switch
        {
            _ when packs.Length == 0 => throw CommandException.NotFound($"There is no pack under {dataDirectory} to damage."),
            "pack" => packs.MaxBy(file => file.Length)!,
            _ when order.StartsWith("pack:", StringComparison.Ordinal) && int.TryParse(order.AsSpan(5), out int number) && number >= 0 =>
                packs[number % packs.Length],
            _ => throw CommandException.Usage($"{Variable} is '{order}'; use pack, or pack:N."),
        };
        FlipBit(pack);
        shell.Say($"demo: flipped one bit in the middle of {pack.FullName}");
    }

    private static void FlipBit(FileInfo pack)
    {
        pack.IsReadOnly = false;
        using FileStream file = pack.Open(FileMode.Open, FileAccess.ReadWrite);
        file.Position = file.Length / 2;
        int value = file.ReadByte();
        file.Position--;
        file.WriteByte((byte)(value ^ 1));
    }
}
