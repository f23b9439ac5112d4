using Strongroom.Contract;
using Strongroom.Contract.Backups;
using Strongroom.Contract.Policies;
using Strongroom.Contract.Requests;
using Strongroom.Contract.Resources;
using Strongroom.Contract.Vaults;

namespace Strongroom.Cli.Client;

/// <summary>Things by id or by name. A name that fits several things is refused: the wrong one might be deleted.</summary>
internal static class Lookup
{
    public static async Task<VaultShape> FindVaultAsync(this CbrClient cbr, string idOrName, CancellationToken cancellationToken) =>
        WireId.IsWellFormed(idOrName)
            ? await cbr.GetVaultAsync(idOrName, cancellationToken)
            : await OnlyAsync(cbr.ListVaultsAsync(new VaultFilter { Name = idOrName }, cancellationToken), vault => vault.Name, "vault", idOrName);

    public static async Task<BackupShape> FindBackupAsync(this CbrClient cbr, string idOrName, CancellationToken cancellationToken)
    {
        if (WireId.IsWellFormed(idOrName))
            return await cbr.GetBackupAsync(idOrName, cancellationToken);
        BackupShape found = await OnlyAsync(
            cbr.ListBackupsAsync(new BackupFilter { Name = idOrName }, cancellationToken), backup => backup.Name, "backup", idOrName);
        return await cbr.GetBackupAsync(found.Id, cancellationToken); // with its children
    }

    public static async Task<ResourceShape> FindResourceAsync(this CbrClient cbr, string idOrName, CancellationToken cancellationToken) =>
        WireId.IsWellFormed(idOrName)
            ? await cbr.GetResourceAsync(idOrName, cancellationToken)
            : await OnlyAsync(cbr.ListResourcesAsync(type: null, idOrName, cancellationToken), resource => resource.Name, "resource", idOrName);

    public static async Task<PolicyShape> FindPolicyAsync(this CbrClient cbr, string idOrName, CancellationToken cancellationToken) =>
        WireId.IsWellFormed(idOrName)
            ? await cbr.GetPolicyAsync(idOrName, cancellationToken)
            : await OnlyAsync(cbr.ListPoliciesAsync(new PolicyFilter(), cancellationToken), policy => policy.Name, "policy", idOrName);

    /// <returns>The target's id.</returns>
    public static async Task<string> FindNotificationTargetAsync(this CbrClient cbr, string idOrName, CancellationToken cancellationToken) =>
        WireId.IsWellFormed(idOrName)
            ? idOrName
            : (await OnlyAsync(
                (await cbr.ListNotificationTargetsAsync(cancellationToken)).ToAsyncEnumerable(), target => target.Name, "notification target", idOrName)).Id;

    private static async Task<T> OnlyAsync<T>(IAsyncEnumerable<T> candidates, Func<T, string> nameOf, string kind, string name)
        where T : class
    {
        T? found = null;
        await foreach (T candidate in candidates)
        {
            if (nameOf(candidate) != name)
                continue;
            if (found is not null)
                throw new CommandException(ExitCode.Refused, $"More than one {kind} is called '{name}'; use the id from 'strongroom {kind} list'.");
            found = candidate;
        }

        return found ?? throw CommandException.NotFound($"There is no {kind} called '{name}'; see 'strongroom {kind} list'.");
    }
}
