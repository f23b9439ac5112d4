using Microsoft.Win32.SafeHandles;
using Strongroom.Drivers.Linux;

namespace Strongroom.Drivers.Directories;

/// <summary>
/// A file system mounted inside a tree is left out unless the driver is told to cross mounts: backing up <c>/</c> must not
/// read <c>/proc</c> or somebody's network share. That is said out loud when it hides data, and only then.
/// </summary>
internal static unsafe class MountedFileSystem
{
    internal const string LeftOut =
        "another file system is mounted here; its content is not in this backup, so protect it as a resource of its own";

    /// <summary>
    /// File systems made of the kernel's state or of memory, and views of data that lies elsewhere (overlay, squashfs): the
    /// magic numbers of statfs(2) and linux/magic.h.
    /// </summary>
    private static readonly HashSet<uint> WithoutData =
    [
        0x9FA0, // proc
        0x62656572, // sysfs
        0x01021994, // tmpfs, devtmpfs
        0x858458F6, // ramfs
        0x1CD1, // devpts
        0x27E0EB, // cgroup
        0x63677270, // cgroup2
        0x64626720, // debugfs
        0x74726163, // tracefs
        0x73636673, // securityfs
        0xCAFE4A11, // bpf
        0x6165676C, // pstore
        0x19800202, // mqueue
        0x958458F6, // hugetlbfs
        0x62656570, // configfs
        0x65735543, // fusectl
        0xDE5E81E4, // efivarfs
        0x42494E4D, // binfmt_misc
        0xF97CFF8C, // selinuxfs
        0x0187, // autofs
        0x6E736673, // nsfs
        0x67596969, // rpc_pipefs
        0x794C7630, // overlay
        0x73717368, // squashfs
    ];

    internal static bool HoldsData(SafeFileHandle directory, string location)
    {
        // struct statfs is 120 bytes on 64-bit systems and begins with the type, a word.
        byte* status = stackalloc byte[256];
        if (Libc.FStatFs(directory, status) < 0)
            throw Errno.LastToException(location, "stat");
        return !WithoutData.Contains(unchecked((uint)*(long*)status)) && !DirectoryNames.IsEmpty(directory, location);
    }
}
