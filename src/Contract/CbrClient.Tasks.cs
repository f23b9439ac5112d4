using Strongroom.Contract.Requests;
using Strongroom.Contract.Tasks;

namespace Strongroom.Contract;

public sealed partial class CbrClient
{
    /// <summary>Newest first; pages are fetched as they are needed.</summary>
    public IAsyncEnumerable<OperationLogShape> ListOperationLogsAsync(TaskFilter filter, CancellationToken cancellationToken)
    {
        string path = new Query(endpoint + "/operation-logs")
            .With("operation_type", filter.OperationType)
            .With("status", filter.Status)
            .With("vault_id", filter.VaultId)
            .With("resource_id", filter.ResourceId)
            .Text;
        return PagesAsync(path, (OperationLogListReply page) => (page.OperationLogs, page.Count), cancellationToken);
    }

    /// <summary>A task as CBR clients see it.</summary>
    public async Task<OperationLogShape> GetOperationLogAsync(string taskId, CancellationToken cancellationToken) =>
        (await GetAsync<OperationLogReply>(
            $"{endpoint}/operation-logs/{Uri.EscapeDataString(taskId)}", cancellationToken)).OperationLog;

    /// <summary>A task with everything known of it; an addition of this product.</summary>
    public async Task<TaskShape> GetTaskAsync(string taskId, CancellationToken cancellationToken) =>
        (await GetAsync<TaskReply>($"{additions}/tasks/{Uri.EscapeDataString(taskId)}", cancellationToken)).Task;

    /// <summary>Asks for a task to end; one that has ended stays as it is. An addition of this product.</summary>
    /// <returns>The task as it is at that moment.</returns>
    public async Task<TaskShape> CancelTaskAsync(string taskId, CancellationToken cancellationToken) =>
        (await SendAsync<TaskReply>(HttpMethod.Post, $"{additions}/tasks/{Uri.EscapeDataString(taskId)}/cancel", null, cancellationToken)).Task;
}
