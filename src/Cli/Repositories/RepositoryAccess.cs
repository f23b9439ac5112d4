using Strongroom.Repository;

namespace Strongroom.Cli.Repositories;

/// <summary>An open repository, and the domains a command is about.</summary>
internal sealed class RepositoryAccess : IAsyncDisposable
{
    private readonly IReadOnlyList<IAsyncDisposable> owned;
    private readonly List<RepositoryDomain> domains = [];
    private readonly List<string> damagedDomains = [];

    /// <param name="repository">What is open.</param>
    /// <param name="owned">What to close at the end, in order: the repository or what holds it, then its store.</param>
    public RepositoryAccess(BackupRepository repository, params IReadOnlyList<IAsyncDisposable> owned)
    {
        this.owned = owned;
        Repository = repository;
    }

    public BackupRepository Repository { get; }

    public IReadOnlyList<RepositoryDomain> Domains => domains;

    /// <summary>What a command that had nothing else to complain of ends with.</summary>
    public ExitCode Done => damagedDomains.Count == 0 ? ExitCode.Done : ExitCode.Partial;

    /// <param name="domainId">Null opens every domain there is; those whose keys are damaged are told and left out.</param>
    /// <param name="create">Makes the named domain when there is none.</param>
    /// <param name="shell">Where it is told.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task OpenDomainsAsync(string? domainId, bool create, Shell shell, CancellationToken cancellationToken)
    {
        if (domainId is not null)
        {
            domains.Add(await Repository.OpenDomainAsync(domainId, create, cancellationToken));
            return;
        }

        foreach (string id in await Repository.ListDomainsAsync(cancellationToken).ToListAsync(cancellationToken))
        {
            try
            {
                domains.Add(await Repository.OpenDomainAsync(id, create: false, cancellationToken));
            }
            catch (RepositoryException error) when (error.Failure is RepositoryFailure.Damaged or RepositoryFailure.Unreadable)
            {
                shell.Say($"domain {id} is left out, its backups cannot be read: {error.Message}");
                damagedDomains.Add(id);
            }
        }
    }

    /// <summary>The backup of this id, or the one with a member of this id, in whichever domain it is.</summary>
    public async Task<(RepositoryDomain Domain, BackupRecord Backup)> FindBackupAsync(string backupOrMemberId, CancellationToken cancellationToken)
    {
        foreach (RepositoryDomain domain in domains)
        {
            if (await domain.FindBackupAsync(backupOrMemberId, cancellationToken) is { } backup)
                return (domain, backup);
        }

        throw damagedDomains.Count == 0
            ? CommandException.NotFound($"There is no backup {backupOrMemberId} here; see 'strongroom repo list'.")
            : new CommandException(ExitCode.Failed, $"There is no backup {backupOrMemberId} in what can be read; it may be in {string.Join(", ", damagedDomains)}, whose keys are damaged.");
    }

    public async ValueTask DisposeAsync()
    {
        foreach (RepositoryDomain domain in domains)
            await domain.DisposeAsync();
        foreach (IAsyncDisposable one in owned)
            await one.DisposeAsync();
    }
}
