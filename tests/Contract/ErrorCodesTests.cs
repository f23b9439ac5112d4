using System.Reflection;

namespace Strongroom.Contract.Tests;

public sealed class ErrorCodesTests
{
    private static IEnumerable<ErrorCode> All =>
        typeof(ErrorCodes).GetFields(BindingFlags.Public | BindingFlags.Static).Select(member => (ErrorCode)member.GetValue(null)!);

    [Fact]
    public void Every_code_has_the_form_of_the_wire()
    {
        Assert.All(All, error => Assert.Matches(@"^(BackupService\.\d{4}|APIG\.\d{4})$", error.Code));
        Assert.All(All, error => Assert.InRange(error.Status, 400, 599));
    }

    [Fact]
    public void No_refusal_stands_twice() => Assert.Equal(All.Count(), All.Distinct().Count());
}
