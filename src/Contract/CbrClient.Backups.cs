using Strongroom.Contract.Backups;
using Strongroom.Contract.Checkpoints;
using Strongroom.Contract.Requests;

namespace Strongroom.Contract;

public sealed partial class CbrClient
{
    /// <summary>Starts one backup of each resource; the answer says which were left out and why.</summary>
    public async Task<CheckpointShape> CreateCheckpointAsync(CheckpointCreation checkpoint, CancellationToken cancellationToken) =>
        (await SendAsync<CheckpointReply>(
            HttpMethod.Post, endpoint + "/checkpoints",
            JsonContentOf(new CheckpointCreationBody(checkpoint), CbrRequestJson.Default.CheckpointCreationBody), cancellationToken)).Checkpoint;

    public async Task<CheckpointShape> GetCheckpointAsync(string checkpointId, CancellationToken cancellationToken) =>
        (await GetAsync<CheckpointReply>(
            $"{endpoint}/checkpoints/{Uri.EscapeDataString(checkpointId)}", cancellationToken)).Checkpoint;

    /// <summary>Newest first; pages are fetched as they are needed. Disks of a server only by their parent.</summary>
    public IAsyncEnumerable<BackupShape> ListBackupsAsync(BackupFilter filter, CancellationToken cancellationToken)
    {
        string path = new Query(endpoint + "/backups")
            .With("name", filter.Name)
            .With("vault_id", filter.VaultId)
            .With("checkpoint_id", filter.CheckpointId)
            .With("resource_id", filter.ResourceId)
            .With("status", filter.Status)
            .With("parent_id", filter.ParentId)
            .Text;
        return PagesAsync(path, (BackupListReply page) => (page.Backups, page.Count), cancellationToken);
    }

    /// <summary>With its children, the backups of a server's disks.</summary>
    public async Task<BackupShape> GetBackupAsync(string backupId, CancellationToken cancellationToken) =>
        (await GetAsync<BackupReply>(BackupPath(backupId), cancellationToken)).Backup;

    public async Task<BackupShape> RenameBackupAsync(string backupId, string name, CancellationToken cancellationToken) =>
        (await SendAsync<BackupReply>(
            HttpMethod.Put, BackupPath(backupId),
            JsonContentOf(new BackupChangeBody(new BackupChange(name)), CbrRequestJson.Default.BackupChangeBody), cancellationToken)).Backup;

    public Task DeleteBackupAsync(string backupId, CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Delete, BackupPath(backupId), content: null, cancellationToken);

    /// <summary>Starts writing the backup over the target.</summary>
    /// <returns>The id of its task.</returns>
    public async Task<string> RestoreBackupAsync(string backupId, RestoreTarget target, CancellationToken cancellationToken) =>
        (await SendAsync<RestoreReply>(
            HttpMethod.Post, BackupPath(backupId) + "/restore",
            JsonContentOf(new RestoreBody(target), CbrRequestJson.Default.RestoreBody), cancellationToken)).JobId;

    private string BackupPath(string backupId) => $"{endpoint}/backups/{Uri.EscapeDataString(backupId)}";
}
