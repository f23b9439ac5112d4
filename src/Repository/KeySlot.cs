namespace Strongroom.Repository;

/// <summary>One of the passwords and key files that open a repository.</summary>
/// <param name="Id">32 hex digits.</param>
/// <param name="Kind"><c>password</c> or <c>key-file</c>; null when the slot cannot be read.</param>
/// <param name="Iterations">Of PBKDF2, for a password.</param>
/// <param name="IsOpen">The one this repository was opened with.</param>
public sealed record KeySlot(string Id, string? Kind, int? Iterations, bool IsOpen);
