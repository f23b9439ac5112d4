using System.Runtime.InteropServices;

namespace Strongroom.Drivers.Linux;

/// <summary>The error numbers this product tells apart; the same on x64 and arm64.</summary>
internal static class Errno
{
    internal const int NotPermitted = 1;
    internal const int NoEntry = 2;
    internal const int Interrupted = 4;
    internal const int NoSuchDeviceOrAddress = 6;
    internal const int AccessDenied = 13;
    internal const int Busy = 16;
    internal const int Exists = 17;
    internal const int NoDevice = 19;
    internal const int NotDirectory = 20;
    internal const int IsDirectory = 21;
    internal const int Invalid = 22;
    internal const int TextFileBusy = 26;
    internal const int FileTooBig = 27;
    internal const int NoSpace = 28;
    internal const int ReadOnlyFileSystem = 30;
    internal const int OutOfRange = 34;
    internal const int NotEmpty = 39;
    internal const int TooManyLinks = 40;
    internal const int NoData = 61;
    internal const int NotSupported = 95;
    internal const int QuotaExceeded = 122;

    internal static int Last => Marshal.GetLastPInvokeError();

    internal static string Describe(int error) => Marshal.GetPInvokeErrorMessage(error);

    internal static DriverFailure ToFailure(int error) => error switch
    {
        NoEntry or NoDevice or NoSuchDeviceOrAddress => DriverFailure.Missing,
        NotDirectory or IsDirectory or TooManyLinks => DriverFailure.WrongKind,
        NotPermitted or AccessDenied or ReadOnlyFileSystem => DriverFailure.Denied,
        Busy or TextFileBusy => DriverFailure.InUse,
        NoSpace or QuotaExceeded or FileTooBig => DriverFailure.Full,
        _ => DriverFailure.Failed,
    };

    /// <summary>The failure of the call just made.</summary>
    internal static DriverException LastToException(string location, string step) => ToException(Last, location, step);

    internal static DriverException ToException(int error, string location, string step) =>
        new(ToFailure(error), location, step, Describe(error));
}
