using Strongroom.Contract;

namespace Strongroom.Server.Identity;

/// <summary>
/// Refusals of the identity routes and commands. Keystone has no codes beyond the HTTP status, so these only repeat it in
/// the form that clients of the wire look for (docs/api-compatibility.md).
/// </summary>
public static class IdentityErrorCodes
{
    public static readonly ErrorCode Unauthorized = new("IAM.0401", 401);
    public static readonly ErrorCode NotFound = new("IAM.0404", 404);
    public static readonly ErrorCode Conflict = new("IAM.0409", 409);
}
