using System.Text;
using Strongroom.Contract;
using Strongroom.Server.Http;

namespace Strongroom.Server.Tests.Http;

public sealed class BodyReaderTests
{
    [Theory]
    [InlineData("0", 0)]
    [InlineData("-0", 0)]
    [InlineData("7", 7)]
    [InlineData("-5", -5)]
    [InlineData("2147483647", int.MaxValue)]
    [InlineData("-2147483648", int.MinValue)]
    public void A_whole_number_is_read(string json, int expected) =>
        Assert.Equal(expected, Read($$"""{"n":{{json}}}""", body => body["n"].Int(int.MinValue, int.MaxValue)));

    [Theory]
    [InlineData("1.0")]
    [InlineData("1e0")]
    [InlineData("1E2")]
    [InlineData("2147483648")]
    [InlineData("-2147483649")]
    [InlineData("123456789012345678901234567890")]
    [InlineData("\"1\"")]
    [InlineData("true")]
    [InlineData("[1]")]
    [InlineData("null")]
    public void Anything_else_is_no_whole_number(string json) =>
        AssertRefused($$"""{"n":{{json}}}""", body => body["n"].Int(int.MinValue, int.MaxValue), "n ");

    [Theory]
    [InlineData("01")]
    [InlineData("+1")]
    [InlineData("NaN")]
    [InlineData("1,")]
    [InlineData("0x1")]
    public void What_is_no_json_is_refused_as_such(string json) =>
        AssertRefused($$"""{"n":{{json}}}""", body => body["n"].Int(int.MinValue, int.MaxValue), "JSON");

    [Fact]
    public void Lengths_count_characters_and_not_bytes_or_halves()
    {
        string wide = "\U0001F5C4\U0001F5C4\U0001F5C4";

        Assert.Equal(wide, Read($$"""{"t":"{{wide}}"}""", body => body["t"].Text(3, 3)));
        AssertRefused($$"""{"t":"{{wide}}"}""", body => body["t"].Text(0, 2), "t is 3 characters long; 0 to 2");
    }

    [Fact]
    public void A_refusal_shows_a_long_or_odd_value_short_and_on_one_line()
    {
        var refusal = Assert.Throws<RefusedException>(
            () => Read($$"""{"t":"a\n\u001b[31m{{new string('x', 5000)}}"}""", body => body["t"].Word(["one", ""])));

        Assert.Equal($"t must be one, empty: it is 'a??[31m{new string('x', 73)}…'.", refusal.Message);
    }

    [Fact]
    public void The_path_of_a_value_is_told_to_the_last_step()
    {
        AssertRefused(
            """{"a":{"b":[{"c":1},{"c":"x"}]}}""", body => body["a"]["b"].List(0, 5, item => item["c"].Int(0, 9)), "a.b[1].c must be a whole number: it is 'x'.");
        AssertRefused("""{"a":[[1,null]]}""", body => body["a"].List(0, 5, item => item.List(0, 5, inner => inner.Int(0, 9))), "a[0][1] must not be null.");
    }

    [Fact]
    public void A_member_of_something_that_is_no_object_is_refused() =>
        AssertRefused("""{"a":7}""", body => body["a"]["b"].TextOrNull(0, 1), "a must be an object: it is 7.");

    [Fact]
    public void Absent_and_null_are_the_same_for_what_is_optional_and_not_for_what_is_needed()
    {
        Assert.Null(Read("{}", body => body["x"].TextOrNull(1, 2)));
        Assert.Null(Read("""{"x":null}""", body => body["x"].TextOrNull(1, 2)));
        AssertRefused("{}", body => body["x"].Text(1, 2), "x is missing.");
        AssertRefused("""{"x":null}""", body => body["x"].Text(1, 2), "x must not be null.");
    }

    [Fact]
    public void Names_are_compared_as_they_read_and_not_as_they_are_escaped()
    {
        Assert.Equal(5, Read("""{"\u006e":5}""", body => body["n"].Int(0, 9)));
        AssertRefused("""{"n":5,"\u006e":6}""", body => body["n"].Int(0, 9), "JSON");
        Assert.Null(Read("""{"N":5}""", body => body["n"].IntOrNull(0, 9)));
    }

    [Fact]
    public void A_byte_order_mark_is_no_json() =>
        Assert.Throws<RefusedException>(() => BodyReader.Parse((byte[])[0xef, 0xbb, 0xbf, .. "{}"u8], body => 0));

    private static T Read<T>(string json, Func<BodyValue, T> read) => BodyReader.Parse(Encoding.UTF8.GetBytes(json), read);

    private static void AssertRefused<T>(string json, Func<BodyValue, T> read, string message)
    {
        var refusal = Assert.Throws<RefusedException>(() => Read(json, read));
        Assert.Equal("BackupService.9900", refusal.Error.Code);
        Assert.Contains(message, refusal.Message, StringComparison.Ordinal);
    }
}
