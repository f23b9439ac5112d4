using System.Text;
using Strongroom.Contract.Notifications;

namespace Strongroom.Server.Notifications;

/// <summary>A notification as the text of a mail.</summary>
internal static class NotificationText
{
    public static string Of(NotificationShape shape)
    {
        var text = new StringBuilder(shape.Text).Append("\n\n");
        if (shape.Task is { } task)
        {
            Line(text, "what to do", task.Remedy);
            Line(text, "look at it", $"strongroom task show {task.Id}");
            Line(text, "resource", task.Resource.Id);
            Line(text, "vault", task.VaultId);
            Line(text, "policy", task.PolicyId);
            Line(text, "backup", task.BackupId);
            Line(text, "code", task.Error.Code);
            foreach (string problem in task.Problems)
                Line(text, "problem", problem);
        }

        Line(text, "project", shape.ProjectId);
        Line(text, "at", shape.Timestamp);
        Line(text, "id", shape.Id);
        return text.ToString();
    }

    private static void Line(StringBuilder text, string name, string? value)
    {
        if (!string.IsNullOrEmpty(value))
            text.Append(name).Append(": ").Append(value).Append('\n');
    }
}
