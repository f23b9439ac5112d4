namespace Strongroom.Drivers.Directories;

/// <summary>Counts problems and keeps the first of them. Members may be called in parallel.</summary>
internal sealed class ProblemLog
{
    private readonly Lock gate = new();
    private readonly List<TreeProblem> first = [];

    internal long Count
    {
        get
        {
            lock (gate)
                return field;
        }
        private set;
    }

    internal void Add(TreePath path, string message)
    {
        lock (gate)
        {
            Count++;
            if (first.Count < ITreeTarget.ProblemsKept)
                first.Add(new TreeProblem(path, message));
        }
    }

    internal IReadOnlyList<TreeProblem> First()
    {
        lock (gate)
            return [.. first];
    }
}
