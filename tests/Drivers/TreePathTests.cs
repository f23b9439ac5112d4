using Strongroom.Drivers.Testing;

namespace Strongroom.Drivers.Tests;

public sealed class TreePathTests
{
    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("..")]
    [InlineData("/")]
    [InlineData("a/b")]
    [InlineData("/etc")]
    [InlineData("a\0b")]
    public void What_is_no_file_name_is_refused(string name)
    {
        Assert.Throws<ArgumentException>(() => TreePath.Root.Append(RawFiles.Path(name)));
    }

    [Fact]
    public void A_name_has_255_bytes_at_most()
    {
        Assert.Throws<ArgumentException>(() => TreePath.Root.Append(new byte[256].Select(_ => (byte)'n').ToArray()));
        Assert.Equal(255, TreePath.Root.Append(new byte[255].Select(_ => (byte)'n').ToArray()).Name.Length);
    }

    [Fact]
    public void A_path_knows_its_name_its_parent_and_what_is_within_it()
    {
        TreePath a = TreePath.Root.Append("a"u8);
        TreePath abc = a.Append("b"u8).Append("c"u8);

        Assert.Equal("c"u8, abc.Name);
        Assert.Equal("a/b", abc.Parent.ToString());
        Assert.Equal(TreePath.Root, a.Parent);
        Assert.Equal(TreePath.Root, TreePath.Root.Parent);
        Assert.True(TreePath.Root.Name.IsEmpty);
        Assert.True(abc.IsWithin(a));
        Assert.True(abc.IsWithin(TreePath.Root));
        Assert.True(a.IsWithin(a));
        Assert.False(a.IsWithin(abc));
        Assert.False(TreePath.Root.Append("ab"u8).IsWithin(a));
    }

    [Fact]
    public void Bytes_that_are_no_text_are_shown_as_numbers()
    {
        Assert.Equal("ü\\xff\\x0a", TreePath.Root.Append([0xC3, 0xBC, 0xFF, 0x0A]).ToString());
    }
}
