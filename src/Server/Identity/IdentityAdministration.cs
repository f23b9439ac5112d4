using System.Security.Cryptography;
using Strongroom.Contract;
using Strongroom.Contract.Audit;
using Strongroom.Server.Audit;
using Strongroom.Server.Database;
using Strongroom.Server.Http;
using Strongroom.Server.OrganizationPolicies;
using Strongroom.Server.Policies;
using Strongroom.Server.Resources;
using Strongroom.Server.Shares;
using Strongroom.Server.Vaults;

namespace Strongroom.Server.Identity;

/// <summary>
/// Users, projects, domains and roles, for the command line: it works on the database itself, also beside running servers,
/// which follow within <see cref="IdentityOptions.RevocationDelayMax"/>. Every method is one transaction, durable on return.
/// <para>
/// A <c>nameOrId</c> is an id, or a name inside <c>domain</c> (itself a name or id; <c>default</c> when null). Whatever is
/// not there, or there twice, is a <see cref="RefusedException"/> with status 404 or 409, a bad name one with 400.
/// </para>
/// </summary>
public sealed class IdentityAdministration : IAsyncDisposable
{
    public const string DefaultDomainId = "default";

    // How strong a password has to be is the operator's word; a bound keeps the hashing of a log-in cheap.
    private const int PasswordLengthMax = 1024;
    private const int NameLengthMax = 64;

    private readonly MetadataDatabase database;
    private readonly TimeProvider time;
    private readonly int passwordIterations;
    private readonly string? policyFile;
    private readonly CredentialMaker? credentials;
    private readonly bool ownsDatabase;

    internal IdentityAdministration(
        MetadataDatabase database, TimeProvider time, IdentityOptions options, CredentialMaker? credentials = null, bool ownsDatabase = false)
    {
        this.credentials = credentials;
        this.database = database;
        this.time = time;
        this.ownsDatabase = ownsDatabase;
        passwordIterations = options.PasswordIterations;
        policyFile = options.PolicyFile;
    }

    /// <summary>Opens the database of an installation, and makes it (as a first start would) when there is none.</summary>
    /// <exception cref="StartRefusedException">The settings or the database cannot be used.</exception>
    public static async Task<IdentityAdministration> OpenAsync(ServerOptions options, CancellationToken cancellationToken)
    {
        options.Validate();
        options.CreateDataDirectory();
        MetadataDatabase opened = options.Database.Open(options.DataDirectory);
        try
        {
            await Migrations.ApplyAsync(opened, TimeProvider.System, cancellationToken);
            var credentials = new CredentialMaker(opened, TimeProvider.System, new CredentialSeal(options));
            var administration = new IdentityAdministration(opened, TimeProvider.System, options.Identity, credentials, ownsDatabase: true);
            await FirstStart.EnsureAsync(administration, options.Identity, Console.Error, cancellationToken);
            return administration;
        }
        catch
        {
            await opened.DisposeAsync();
            throw;
        }
    }

    public ValueTask DisposeAsync() => ownsDatabase ? database.DisposeAsync() : ValueTask.CompletedTask;

    public Task<List<Domain>> ListDomainsAsync(CancellationToken cancellationToken) =>
        database.ReadAsync(session => DomainTable.ListAsync(session, cancellationToken), cancellationToken);

    public Task<Domain> CreateDomainAsync(string name, CancellationToken cancellationToken)
    {
        CheckName("domain", name);
        return ChangeAsync(
            "identity:domains:create",
            name,
            async session =>
            {
                if (await DomainTable.FindByNameAsync(session, name, cancellationToken) is not null)
                    throw new RefusedException(IdentityErrorCodes.Conflict, $"There is a domain '{name}' already.");
                var domain = new Domain(NewId(), name, Enabled: true);
                await DomainTable.InsertAsync(session, domain, time.GetUtcNow(), cancellationToken);
                return domain;
            },
            cancellationToken);
    }

    /// <summary>All projects of all domains, by name.</summary>
    public Task<List<Project>> ListProjectsAsync(CancellationToken cancellationToken) =>
        database.ReadAsync(session => ProjectTable.ListAsync(session, cancellationToken), cancellationToken);

    public Task<Project> CreateProjectAsync(string name, string? domain, string description, CancellationToken cancellationToken)
    {
        CheckName("project", name);
        return ChangeAsync(
            "identity:projects:create",
            name,
            async session =>
            {
                Domain owner = await FindDomainAsync(session, domain, cancellationToken);
                if (await ProjectTable.FindByNameAsync(session, owner.Id, name, cancellationToken) is not null)
                    throw new RefusedException(IdentityErrorCodes.Conflict, $"There is a project '{name}' in the domain '{owner.Name}' already.");
                var project = new Project(NewId(), owner.Id, name, description, Enabled: true);
                await ProjectTable.InsertAsync(session, project, time.GetUtcNow(), cancellationToken);
                await OrganizationPolicyPush.JoinAsync(session, project, time.GetStoredNow(), cancellationToken);
                return project;
            },
            cancellationToken);
    }

    /// <summary>A disabled project lets nobody in: its tokens end. Enabling it again does not bring them back.</summary>
    public Task SetProjectEnabledAsync(string nameOrId, string? domain, bool enabled, CancellationToken cancellationToken) =>
        ChangeAsync(
            "identity:projects:update",
            nameOrId,
            async session =>
            {
                Project project = await FindProjectAsync(session, nameOrId, domain, cancellationToken);
                await ProjectTable.SetEnabledAsync(session, project.Id, enabled, cancellationToken);
                await TokenTable.DeleteOfProjectAsync(session, project.Id, cancellationToken);
                await IdentityRevision.RaiseAsync(session, cancellationToken);
            },
            cancellationToken);

    /// <summary>Deletes a project with its role assignments and tokens. Vaults and resources it still owns stay, out of everyone's reach.</summary>
    public Task DeleteProjectAsync(string nameOrId, string? domain, CancellationToken cancellationToken) =>
        ChangeAsync(
            "identity:projects:delete",
            nameOrId,
            async session =>
            {
                Project project = await FindProjectAsync(session, nameOrId, domain, cancellationToken);
                long vaultCount = await VaultTable.CountAsync(session, project.Id, cancellationToken);
                long resourceCount = await ResourceTable.CountAsync(session, project.Id, cancellationToken);
                if (vaultCount + resourceCount > 0)
                {
                    throw new RefusedException(
                        IdentityErrorCodes.Conflict,
                        $"The project '{project.Name}' has {vaultCount} vaults and {resourceCount} resources: delete them first, or disable the project.");
                }

                await TokenTable.DeleteOfProjectAsync(session, project.Id, cancellationToken);
                await CredentialTable.DeleteOfProjectAsync(session, project.Id, cancellationToken);
                await RoleTable.DeleteOfProjectAsync(session, project.Id, cancellationToken);
                await PolicyTable.LetGoOfProjectAsync(session, project.Id, cancellationToken);
                await ShareTable.DeleteOfRecipientAsync(session, project.Id, cancellationToken);
                await ProjectTable.DeleteAsync(session, project.Id, cancellationToken);
                await IdentityRevision.RaiseAsync(session, cancellationToken);
            },
            cancellationToken);

    /// <summary>All users of all domains, by name.</summary>
    public Task<List<User>> ListUsersAsync(CancellationToken cancellationToken) =>
        database.ReadAsync(session => UserTable.ListAsync(session, cancellationToken), cancellationToken);

    public Task<User> CreateUserAsync(string name, string? domain, string password, CancellationToken cancellationToken)
    {
        CheckName("user", name);
        string passwordHash = HashPassword(password);
        return ChangeAsync(
            "identity:users:create",
            name,
            async session =>
            {
                Domain owner = await FindDomainAsync(session, domain, cancellationToken);
                if (await UserTable.FindByNameAsync(session, owner.Id, name, cancellationToken) is not null)
                    throw new RefusedException(IdentityErrorCodes.Conflict, $"There is a user '{name}' in the domain '{owner.Name}' already.");
                var user = new User(NewId(), owner.Id, name, Enabled: true);
                await UserTable.InsertAsync(session, user, passwordHash, time.GetUtcNow(), cancellationToken);
                return user;
            },
            cancellationToken);
    }

    /// <summary>A new password ends the user's tokens and temporary access keys: whoever knew the old one is out.</summary>
    public Task SetPasswordAsync(string nameOrId, string? domain, string password, CancellationToken cancellationToken)
    {
        string passwordHash = HashPassword(password);
        return ChangeAsync(
            "identity:users:setPassword",
            nameOrId,
            async session =>
            {
                User user = await FindUserAsync(session, nameOrId, domain, cancellationToken);
                await UserTable.SetPasswordHashAsync(session, user.Id, passwordHash, cancellationToken);
                await TokenTable.DeleteOfUserAsync(session, user.Id, cancellationToken);
                await CredentialTable.DeleteTemporaryOfUserAsync(session, user.Id, cancellationToken);
                await IdentityRevision.RaiseAsync(session, cancellationToken);
            },
            cancellationToken);
    }

    /// <summary>A disabled user's tokens end, and access keys rest. Enabling the user again brings only lasting access keys back.</summary>
    public Task SetUserEnabledAsync(string nameOrId, string? domain, bool enabled, CancellationToken cancellationToken) =>
        ChangeAsync(
            "identity:users:update",
            nameOrId,
            async session =>
            {
                User user = await FindUserAsync(session, nameOrId, domain, cancellationToken);
                await UserTable.SetEnabledAsync(session, user.Id, enabled, cancellationToken);
                await TokenTable.DeleteOfUserAsync(session, user.Id, cancellationToken);
                await CredentialTable.DeleteTemporaryOfUserAsync(session, user.Id, cancellationToken);
                await IdentityRevision.RaiseAsync(session, cancellationToken);
            },
            cancellationToken);

    /// <summary>Deletes a user with role assignments and tokens. What the user made stays: it belongs to projects.</summary>
    public Task DeleteUserAsync(string nameOrId, string? domain, CancellationToken cancellationToken) =>
        ChangeAsync(
            "identity:users:delete",
            nameOrId,
            async session =>
            {
                User user = await FindUserAsync(session, nameOrId, domain, cancellationToken);
                await TokenTable.DeleteOfUserAsync(session, user.Id, cancellationToken);
                await CredentialTable.DeleteOfUserAsync(session, user.Id, cancellationToken);
                await RoleTable.DeleteOfUserAsync(session, user.Id, cancellationToken);
                await UserTable.DeleteAsync(session, user.Id, cancellationToken);
                await IdentityRevision.RaiseAsync(session, cancellationToken);
            },
            cancellationToken);

    public Task<List<RoleAssignment>> ListRoleAssignmentsAsync(CancellationToken cancellationToken) =>
        database.ReadAsync(session => RoleTable.ListAllAsync(session, cancellationToken), cancellationToken);

    /// <summary>Gives a user one of <see cref="ActionPolicy.Roles"/> in a project or domain; tokens the user has there gain it. Repeating it changes nothing.</summary>
    /// <param name="user">Name or id.</param>
    /// <param name="role">One of <see cref="ActionPolicy.Roles"/>.</param>
    /// <param name="scope">Project or domain.</param>
    /// <param name="scopeNameOrId">Name or id of that project or domain.</param>
    /// <param name="domain">Where user and project are looked up by name.</param>
    /// <param name="cancellationToken">Stops before the change is stored.</param>
    public Task AddRoleAsync(string user, string role, ScopeKind scope, string scopeNameOrId, string? domain, CancellationToken cancellationToken)
    {
        IReadOnlyList<string> roles = ActionPolicy.Load(policyFile).Roles;
        if (!roles.Contains(role))
            throw new RefusedException(IdentityErrorCodes.NotFound, $"There is no role '{role}': use {string.Join(", ", roles)}.");
        return ChangeAsync(
            "identity:roles:add",
            $"{user} {role} {scopeNameOrId}",
            async session =>
            {
                User found = await FindUserAsync(session, user, domain, cancellationToken);
                string scopeId = await FindScopeAsync(session, scope, scopeNameOrId, domain, cancellationToken);
                await RoleTable.InsertAsync(session, found.Id, scope, scopeId, role, cancellationToken);
                await IdentityRevision.RaiseAsync(session, cancellationToken);
            },
            cancellationToken);
    }

    /// <summary>Takes a role away; the tokens the user has in that scope end.</summary>
    public Task RemoveRoleAsync(string user, string role, ScopeKind scope, string scopeNameOrId, string? domain, CancellationToken cancellationToken) =>
        ChangeAsync(
            "identity:roles:remove",
            $"{user} {role} {scopeNameOrId}",
            async session =>
            {
                User found = await FindUserAsync(session, user, domain, cancellationToken);
                string scopeId = await FindScopeAsync(session, scope, scopeNameOrId, domain, cancellationToken);
                if (await RoleTable.DeleteAsync(session, found.Id, scope, scopeId, role, cancellationToken) == 0)
                    throw new RefusedException(IdentityErrorCodes.NotFound, $"The user '{found.Name}' does not have the role '{role}' there.");
                await TokenTable.DeleteOfUserInAsync(session, found.Id, scope, scopeId, cancellationToken);
                await IdentityRevision.RaiseAsync(session, cancellationToken);
            },
            cancellationToken);

    /// <summary>Makes an access key; its secret is in the result and never seen again.</summary>
    /// <param name="user">Whose it is: name or id.</param>
    /// <param name="project">The only project it is good for, by name or id; null: all in which the user has a role.</param>
    /// <param name="domain">Where user and project are looked up by name.</param>
    /// <param name="description">For people.</param>
    /// <param name="validFor">Null: it lasts. Else it is temporary: only good together with its security token, and for this long.</param>
    /// <param name="cancellationToken">Stops before it is stored.</param>
    public async Task<NewCredential> CreateCredentialAsync(
        string user, string? project, string? domain, string description, TimeSpan? validFor, CancellationToken cancellationToken)
    {
        (string userId, string? projectId) = await database.ReadAsync<(string, string?)>(
            async session => (
                (await FindUserAsync(session, user, domain, cancellationToken)).Id,
                project is null ? null : (await FindProjectAsync(session, project, domain, cancellationToken)).Id),
            cancellationToken);
        CredentialMaker maker = credentials ?? throw new InvalidOperationException("This one was made without the key that seals secrets.");
        NewCredential made = validFor is { } duration
            ? await maker.MakeTemporaryAsync(userId, projectId, duration, cancellationToken)
            : await maker.MakeAsync(userId, projectId, description, cancellationToken);
        await ChangeAsync("identity:credentials:create", made.Credential.AccessKey, static _ => ValueTask.CompletedTask, cancellationToken);
        return made;
    }

    /// <summary>All access keys, or one user's, oldest first, without their secrets.</summary>
    public Task<List<Credential>> ListCredentialsAsync(string? user, string? domain, CancellationToken cancellationToken) =>
        database.ReadAsync(
            async session => await CredentialTable.ListAsync(
                session, user is null ? null : (await FindUserAsync(session, user, domain, cancellationToken)).Id, cancellationToken),
            cancellationToken);

    /// <summary>Requests it signs are refused from now on.</summary>
    public Task DeleteCredentialAsync(string accessKey, CancellationToken cancellationToken) =>
        ChangeAsync(
            "identity:credentials:delete",
            accessKey,
            async session =>
            {
                if (await CredentialTable.DeleteAsync(session, accessKey, cancellationToken) == 0)
                    throw new RefusedException(IdentityErrorCodes.NotFound, $"There is no access key '{accessKey}'.");
                await IdentityRevision.RaiseAsync(session, cancellationToken);
            },
            cancellationToken);

    /// <summary>What was asked of the whole installation, newest first: through the API in any project, and on the command line.</summary>
    public Task<List<AuditRecordShape>> ListAuditAsync(int countMax, CancellationToken cancellationToken) =>
        database.ReadAsync(
            async session => (await AuditTable.ListAllAsync(session, countMax, cancellationToken)).ConvertAll(record => record.ToShape()), cancellationToken);

    /// <summary>32 hex digits, the form of Keystone's ids.</summary>
    internal static string NewId() => RandomNumberGenerator.GetHexString(32, lowercase: true);

    /// <summary>
    /// Makes the domain, project and first user of an empty database, in one transaction; of two processes that try at once
    /// one does it.
    /// </summary>
    /// <returns>False when there was a domain already, and nothing was done.</returns>
    internal async Task<bool> TryBootstrapAsync(string userName, string password, string projectName, CancellationToken cancellationToken)
    {
        // Any length: the operator chose it, and must get in.
        string passwordHash = PasswordHash.Make(password, passwordIterations);
        return await database.WriteAsync(
            async session =>
            {
                if ((await DomainTable.ListAsync(session, cancellationToken)).Count > 0)
                    return false;
                DateTimeOffset now = time.GetUtcNow();
                var project = new Project(NewId(), DefaultDomainId, projectName, "", Enabled: true);
                var user = new User(NewId(), DefaultDomainId, userName, Enabled: true);
                await DomainTable.InsertAsync(session, new Domain(DefaultDomainId, DefaultDomainId, Enabled: true), now, cancellationToken);
                await ProjectTable.InsertAsync(session, project, now, cancellationToken);
                await UserTable.InsertAsync(session, user, passwordHash, now, cancellationToken);
                await RoleTable.InsertAsync(session, user.Id, ScopeKind.Project, project.Id, ActionPolicy.AdminRole, cancellationToken);
                await RoleTable.InsertAsync(session, user.Id, ScopeKind.Domain, DefaultDomainId, ActionPolicy.AdminRole, cancellationToken);
                return true;
            },
            cancellationToken);
    }

    internal Task<bool> IsEmptyAsync(CancellationToken cancellationToken) =>
        database.ReadAsync(async session => (await DomainTable.ListAsync(session, cancellationToken)).Count == 0, cancellationToken);

    private Task<bool> ChangeAsync(string action, string subject, Func<DbSession, ValueTask> work, CancellationToken cancellationToken) =>
        ChangeAsync<bool>(
            action,
            subject,
            async session =>
            {
                await work(session);
                return true;
            },
            cancellationToken);

    /// <summary>One transaction with its audit record, as whoever runs this program: of no project, since it is about who may work in any.</summary>
    private Task<T> ChangeAsync<T>(string action, string subject, Func<DbSession, ValueTask<T>> work, CancellationToken cancellationToken)
    {
        var record = new AuditRecord
        {
            Id = NewId(),
            RecordedAt = time.GetStoredNow(),
            UserName = Environment.UserName,
            Action = action,
            Method = "",
            Path = "",
            ResourceId = subject,
            Address = "command line",
        };
        return database.WriteAsync(
            async session =>
            {
                T result = await work(session);
                await AuditTable.InsertAsync(session, record, cancellationToken);
                return result;
            },
            cancellationToken);
    }

    private string HashPassword(string password)
    {
        if (password.Length is 0 or > PasswordLengthMax)
            throw new RefusedException(ErrorCodes.ParameterInvalid, $"A password has 1 to {PasswordLengthMax} characters.");
        return PasswordHash.Make(password, passwordIterations);
    }

    private static void CheckName(string kind, string name)
    {
        if (name.Length is 0 or > NameLengthMax || name.Any(char.IsControl) || name != name.Trim())
        {
            throw new RefusedException(
                ErrorCodes.ParameterInvalid,
                $"The name of a {kind} has 1 to {NameLengthMax} characters, no control characters, and no blank at either end.");
        }
    }

    private static async Task<Domain> FindDomainAsync(DbSession session, string? nameOrId, CancellationToken cancellationToken)
    {
        nameOrId ??= DefaultDomainId;
        return await DomainTable.FindAsync(session, nameOrId, cancellationToken)
            ?? await DomainTable.FindByNameAsync(session, nameOrId, cancellationToken)
            ?? throw new RefusedException(IdentityErrorCodes.NotFound, $"There is no domain '{nameOrId}'.");
    }

    private static async Task<Project> FindProjectAsync(DbSession session, string nameOrId, string? domain, CancellationToken cancellationToken)
    {
        if (await ProjectTable.FindAsync(session, nameOrId, cancellationToken) is { } project)
            return project;
        Domain owner = await FindDomainAsync(session, domain, cancellationToken);
        return await ProjectTable.FindByNameAsync(session, owner.Id, nameOrId, cancellationToken)
            ?? throw new RefusedException(IdentityErrorCodes.NotFound, $"There is no project '{nameOrId}' in the domain '{owner.Name}'.");
    }

    private static async Task<User> FindUserAsync(DbSession session, string nameOrId, string? domain, CancellationToken cancellationToken)
    {
        if (await UserTable.FindAsync(session, nameOrId, cancellationToken) is { } user)
            return user;
        Domain owner = await FindDomainAsync(session, domain, cancellationToken);
        return await UserTable.FindByNameAsync(session, owner.Id, nameOrId, cancellationToken)
            ?? throw new RefusedException(IdentityErrorCodes.NotFound, $"There is no user '{nameOrId}' in the domain '{owner.Name}'.");
    }

    private static async Task<string> FindScopeAsync(
        DbSession session,
        ScopeKind scope,
        string nameOrId,
        string? domain,
        CancellationToken cancellationToken) => scope switch
    {
        ScopeKind.Project => (await FindProjectAsync(session, nameOrId, domain, cancellationToken)).Id,
        ScopeKind.Domain => (await FindDomainAsync(session, nameOrId, cancellationToken)).Id,
        _ => throw new ArgumentException("A role is given in a project or a domain.", nameof(scope)),
    };
}
