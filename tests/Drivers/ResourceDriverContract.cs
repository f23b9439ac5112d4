using Strongroom.Drivers.Testing;

namespace Strongroom.Drivers.Tests;

/// <summary>What every driver promises, whatever it reads. One derived class per driver.</summary>
public abstract class ResourceDriverContract : IDisposable
{
    protected TemporaryDirectory Scratch { get; } = new();

    protected abstract IResourceDriver Driver { get; }

    protected abstract ContentKind Kind { get; }

    /// <summary>Makes a resource under that name in <see cref="Scratch"/>, its content from the seed; returns its location.</summary>
    protected abstract string Create(string name, int seed);

    /// <summary>Spoils a resource: changed, cut, with something in the way.</summary>
    protected abstract void Damage(string location, int seed);

    protected abstract void AssertEqual(string expected, string actual);

    [Fact]
    public async Task A_resource_is_known_by_kind_and_size()
    {
        string location = Create("it", 1);

        ResourceState state = await Driver.InspectAsync(location, default);

        await using ISource source = await Driver.OpenSourceAsync(location, default);
        Assert.Equal(Kind, state.Kind);
        Assert.Equal(Kind, source.Kind);
        Assert.Equal(location, source.Location);
        Assert.False(state.IsDevice);
        Assert.Equal((source as IDiskSource)?.SizeBytes ?? 0, state.SizeBytes);
    }

    [Fact]
    public async Task Nothing_there_is_missing()
    {
        string nowhere = Scratch["nowhere"];

        await AssertFails(DriverFailure.Missing, () => Driver.InspectAsync(nowhere, default).AsTask());
        await AssertFails(DriverFailure.Missing, () => Driver.OpenSourceAsync(nowhere, default).AsTask());
    }

    [Fact]
    public async Task A_thing_of_another_kind_is_refused_as_source_and_as_target()
    {
        string fifo = Scratch["fifo"];
        RawFiles.MakeNode(RawFiles.Path(fifo), 0x1000);
        string other = Scratch["other"];
        if (Kind == ContentKind.Tree)
            await File.WriteAllTextAsync(other, "a file");
        else
            Directory.CreateDirectory(other);

        foreach (string location in new[] { fifo, other })
        {
            await AssertFails(DriverFailure.WrongKind, () => Driver.InspectAsync(location, default).AsTask());
            await AssertFails(DriverFailure.WrongKind, () => Driver.OpenSourceAsync(location, default).AsTask());
            await AssertFails(
                DriverFailure.WrongKind, () => Driver.OpenTargetAsync(location, new TargetRequest(4096), default).AsTask());
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    public async Task What_was_read_and_written_back_is_equal(int seed)
    {
        string original = Create("original", seed);

        List<TreeProblem> problems = await ResourceCopy.Copy(Driver, original, Scratch["copy"]);

        Assert.Empty(problems);
        AssertEqual(original, Scratch["copy"]);
    }

    [Theory]
    [InlineData(11)]
    [InlineData(12)]
    [InlineData(13)]
    public async Task A_damaged_original_becomes_equal_again(int seed)
    {
        string original = Create("original", seed);
        await ResourceCopy.Copy(Driver, original, Scratch["kept"]);
        Damage(original, seed);

        List<TreeProblem> problems = await ResourceCopy.Copy(Driver, Scratch["kept"], original, removeOthers: true);

        Assert.Empty(problems);
        AssertEqual(Scratch["kept"], original);
    }

    [Fact]
    public async Task Sources_of_one_resource_may_be_read_side_by_side()
    {
        string original = Create("original", 21);

        await Task.WhenAll(Enumerable.Range(0, 3).Select(
            i => Task.Run(() => ResourceCopy.Copy(Driver, original, Scratch[$"copy{i}"]))));

        for (int i = 0; i < 3; i++)
            AssertEqual(original, Scratch[$"copy{i}"]);
    }

    [Fact]
    public async Task Reading_leaves_nothing_behind_and_changes_nothing()
    {
        string original = Create("original", 31);
        TreeSnapshot before = TreeSnapshot.Take(Scratch.Path);

        await using (ISource source = await Driver.OpenSourceAsync(original, default))
        {
            if (source is ITreeSource tree)
                _ = tree.List(TreePath.Root, []).Count();
        }

        before.AssertEqualTo(Scratch.Path);
    }

    [Fact]
    public async Task The_directory_a_target_is_to_lie_in_must_exist()
    {
        await AssertFails(
            DriverFailure.Missing,
            () => Driver.OpenTargetAsync(Scratch["no/such/place"], new TargetRequest(4096), default).AsTask());
    }

    [Fact]
    public async Task A_target_given_up_can_be_restored_to_again()
    {
        string original = Create("original", 41);
        await using (await Driver.OpenTargetAsync(Scratch["copy"], new TargetRequest(100), default))
        {
        }

        await ResourceCopy.Copy(Driver, original, Scratch["copy"]);

        AssertEqual(original, Scratch["copy"]);
    }

    public void Dispose()
    {
        Scratch.Dispose();
        GC.SuppressFinalize(this);
    }

    protected static async Task<DriverException> AssertFails(DriverFailure failure, Func<Task> action)
    {
        DriverException exception = await Assert.ThrowsAsync<DriverException>(action);
        Assert.Equal(failure, exception.Failure);
        return exception;
    }
}
