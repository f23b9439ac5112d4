using Strongroom.Server.Database;
using Strongroom.Server.Identity;
using Strongroom.Server.Policies;

namespace Strongroom.Server.OrganizationPolicies;

/// <summary>Brings the policies of the projects into step with their organization policy, in the transaction that changes it.</summary>
internal static class OrganizationPolicyPush
{
    /// <summary>One policy in each of these projects and in no other.</summary>
    public static async ValueTask PushAsync(
        DbSession session, OrganizationPolicy policy, IReadOnlyCollection<string> projectIds, DateTimeOffset now, CancellationToken cancellationToken)
    {
        List<Policy> present = await PolicyTable.ListOfOrganizationAsync(session, policy.Id, cancellationToken);
        foreach (Policy deployed in present)
        {
            if (projectIds.Contains(deployed.ProjectId))
                await PolicyEndpoints.ChangeAsync(session, deployed, policy.ToChange(), now, cancellationToken);
            else
                await LetGoAsync(session, deployed, cancellationToken);
        }

        foreach (string projectId in projectIds.Except(present.Select(deployed => deployed.ProjectId)))
            await PolicyTable.InsertAsync(session, policy.ToPolicy(projectId, now), cancellationToken);
    }

    /// <summary>For a project just made: what its domain has for every project.</summary>
    public static async ValueTask JoinAsync(DbSession session, Project project, DateTimeOffset now, CancellationToken cancellationToken)
    {
        foreach (OrganizationPolicy policy in await OrganizationPolicyTable.ListCoveringAsync(session, project.DomainId, cancellationToken))
            await PolicyTable.InsertAsync(session, policy.ToPolicy(project.Id, now), cancellationToken);
    }

    /// <summary>
    /// One that vaults have stays and runs as it is, so that nobody's backups end unseen; new vaults do not get it. One that
    /// no vault has is of no use to anyone.
    /// </summary>
    private static async ValueTask LetGoAsync(DbSession session, Policy deployed, CancellationToken cancellationToken)
    {
        if (await PolicyBindingTable.IsBoundAsync(session, deployed.Id, cancellationToken))
            await PolicyTable.LetGoAsync(session, deployed.Id, cancellationToken);
        else
            await PolicyEndpoints.DropAsync(session, deployed.Id, cancellationToken);
    }
}
