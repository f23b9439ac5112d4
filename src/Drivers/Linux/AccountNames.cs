using System.Collections.Concurrent;
using System.Runtime.InteropServices;

namespace Strongroom.Drivers.Linux;

/// <summary>User and group names of this machine, remembered, since a tree asks for the same few again and again.</summary>
internal sealed unsafe class AccountNames
{
    /// <summary>More ids than this in one tree are a mail spool or a university: forget and ask again.</summary>
    private const int RememberedMax = 10_000;

    private readonly ConcurrentDictionary<uint, string?> users = new();
    private readonly ConcurrentDictionary<uint, string?> groups = new();

    internal string? User(uint uid) => Remember(users, uid, static id => Ask(id, user: true));

    internal string? Group(uint gid) => Remember(groups, gid, static id => Ask(id, user: false));

    private static string? Remember(ConcurrentDictionary<uint, string?> names, uint id, Func<uint, string?> ask)
    {
        if (names.TryGetValue(id, out string? known))
            return known;
        if (names.Count >= RememberedMax)
            names.Clear();
        return names.GetOrAdd(id, ask);
    }

    private static string? Ask(uint id, bool user)
    {
        // struct passwd and struct group both begin with the name's pointer and are under eight words long.
        byte** record = stackalloc byte*[8];
        // A group's record holds its members too; what does not fit has no name for us.
        byte[] buffer = new byte[64 * 1024];
        fixed (byte* room = buffer)
        {
            byte** found;
            int error = user
                ? Libc.GetPwUid(id, record, room, (nuint)buffer.Length, &found)
                : Libc.GetGrGid(id, record, room, (nuint)buffer.Length, &found);
            return error == 0 && found is not null ? Marshal.PtrToStringUTF8((nint)record[0]) : null;
        }
    }
}
