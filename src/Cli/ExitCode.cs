namespace Strongroom.Cli;

/// <summary>What a script learns from a command. The numbers are a promise; never renumber.</summary>
internal enum ExitCode
{
    Done = 0,

    /// <summary>It was tried and did not work.</summary>
    Failed = 1,

    /// <summary>The command line itself is wrong; nothing was tried.</summary>
    Usage = 2,

    /// <summary>Done for some of what was asked, and standard error says what is missing.</summary>
    Partial = 3,

    /// <summary>What was named is not there.</summary>
    NotFound = 4,

    /// <summary>The service or a rule does not allow it: not logged in, no permission, in use, over a limit.</summary>
    Refused = 5,
}
