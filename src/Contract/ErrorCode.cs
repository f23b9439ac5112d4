namespace Strongroom.Contract;

/// <summary>
/// One refusal of the wire: the code as clients see it and the HTTP status it travels with. The known ones are in
/// <c>ErrorCodes</c>.
/// </summary>
/// <param name="Code">As on the wire, with its prefix: <c>BackupService.6105</c>, <c>APIG.0301</c>.</param>
/// <param name="Status">HTTP status.</param>
public readonly record struct ErrorCode(string Code, int Status);
