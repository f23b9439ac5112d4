using System.Net.Sockets;
using Strongroom.Contract;
using Strongroom.Drivers;
using Strongroom.ObjectStores;
using Strongroom.Repository;
using Strongroom.Server;

namespace Strongroom.Cli;

/// <param name="ExitCode">What scripts learn.</param>
/// <param name="Message">One line for people.</param>
internal readonly record struct Failure(ExitCode ExitCode, string Message);

/// <summary>What the failures a user can do something about mean; every other exception is our mistake and ends the process loudly.</summary>
internal static class Failures
{
    public static bool TryDescribe(Exception error, out Failure failure)
    {
        failure = error switch
        {
            CommandException known => new Failure(known.ExitCode, known.Message),
            CbrException answer => new Failure(CodeOf(answer), Describe(answer)),
            RefusedException refusal => new Failure(refusal.Error.Status == 404 ? ExitCode.NotFound : ExitCode.Refused, refusal.Message),
            StartRefusedException start => new Failure(ExitCode.Failed, start.Message),
            OperationCanceledException => new Failure(ExitCode.Failed, "interrupted."),
            HttpRequestException { InnerException: SocketException socket } request =>
                new Failure(ExitCode.Failed, $"the service does not answer ({socket.Message}; {request.Message}); start it with 'strongroom serve' or correct OS_AUTH_URL."),
            HttpRequestException request => new Failure(ExitCode.Failed, $"the service does not answer ({request.Message}); check OS_AUTH_URL."),
            DriverException driver => new Failure(driver.Failure == DriverFailure.Missing ? ExitCode.NotFound : ExitCode.Failed, driver.Message),
            RepositoryException repository => new Failure(repository.Failure == RepositoryFailure.NotFound ? ExitCode.NotFound : ExitCode.Failed, repository.Message),
            ObjectStoreException store => new Failure(ExitCode.Failed, store.Message),
            UnauthorizedAccessException access => new Failure(ExitCode.Failed, $"{access.Message} Run it as a user who may, or change the permissions."),
            IOException io => new Failure(ExitCode.Failed, io.Message),
            _ => default,
        };
        if (failure.Message is null)
            return false;
        failure = failure with { Message = failure.Message.ReplaceLineEndings(" ") };
        return true;
    }

    private static ExitCode CodeOf(CbrException answer) => answer.Status switch
    {
        404 => ExitCode.NotFound,
        >= 400 and < 500 => ExitCode.Refused,
        _ => ExitCode.Failed,
    };

    private static string Describe(CbrException answer)
    {
        string code = answer.ErrorCode.Length > 0 ? $" ({answer.ErrorCode})" : "";
        string request = answer.Status >= 500 && answer.RequestId.Length > 0 ? $" The service's log has more under request {answer.RequestId}." : "";
        string advice = answer.Status == 401 ? " Check OS_USERNAME, OS_PASSWORD and OS_PROJECT_NAME, or get a new OS_TOKEN." : "";
        return answer.Message + code + advice + request;
    }
}
