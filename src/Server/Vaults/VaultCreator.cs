using Strongroom.Contract;
using Strongroom.Server.Audit;
using Strongroom.Server.Database;
using Strongroom.Server.Http;
using Strongroom.Server.Policies;
using Strongroom.Server.Resources;

namespace Strongroom.Server.Vaults;

/// <summary>Makes a vault with its resources in one transaction; ordinary creation and orders alike.</summary>
internal static class VaultCreator
{
    /// <summary>The id is told to the audit before anything is stored.</summary>
    public static Task<Vault> CreateAsync(
        MetadataDatabase database, HttpContext context, VaultCreation creation, VaultOptions options, DateTimeOffset now)
    {
        Caller caller = context.Caller();
        CancellationToken cancellationToken = context.RequestAborted;
        Vault asked = creation.ToVault(VaultId.New(), caller.ProjectId, caller.UserId, now);
        if (asked.IsPrePaid)
            asked = asked with { Charging = VaultOrders.Placed(asked.Charging) };
        context.AuditResource(asked.Id.Value);
        return database.WriteAsync(
            async session =>
            {
                if (await VaultTable.CountAsync(session, caller.ProjectId, cancellationToken) >= options.VaultCountMax)
                    throw new RefusedException(ErrorCodes.VaultCountExceeded, $"The project has {options.VaultCountMax} vaults: no more can be made.");
                BindingChange change = await VaultBinder.AddAsync(session, asked, creation.Resources, now, cancellationToken);
                Vault vault = asked with { Resources = change.Added };
                await VaultTable.InsertAsync(session, vault, cancellationToken);
                await ResourceTable.SetAutoBindAsync(session, [.. creation.Resources.Select(addition => addition.Id)], true, cancellationToken);
                if (creation.BackupPolicyId is { } policyId)
                    await PolicyBinder.BindBackupAsync(session, vault, new PolicyId(policyId), now, cancellationToken);
                return vault;
            },
            cancellationToken);
    }
}
