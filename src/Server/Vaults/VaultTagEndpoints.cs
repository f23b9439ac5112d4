using Microsoft.AspNetCore.Routing;
using Strongroom.Contract;
using Strongroom.Contract.Vaults;
using Strongroom.Server.Database;
using Strongroom.Server.Http;

namespace Strongroom.Server.Vaults;

/// <summary>The six tag operations (atlas of the vault API, section 6). Their path says <c>vault</c>, in the singular.</summary>
internal sealed class VaultTagEndpoints(MetadataDatabase database, VaultOptions options)
{
    private const string Vault = "/v3/{project_id}/vault";
    private const string Tags = Vault + "/{vault_id}/tags";

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet(Tags, ListAsync).WithAction("cbr:vaults:getTags");
        routes.MapPost(Tags, SetAsync).WithAction("cbr:vaults:setTags");
        routes.MapDelete(Tags + "/{key}", DeleteAsync).WithAction("cbr:vaults:deleteTags");
        routes.MapPost(Tags + "/action", ChangeAsync).WithAction("cbr:vaults:bulkCreateOrDeleteTags");
        routes.MapGet(Vault + "/tags", ListOfProjectAsync).WithAction("cbr:vaults:listProjectTags");
        routes.MapPost(Vault + "/resource_instances/action", SearchAsync).WithAction("cbr:vaults:listResourceInstances");
    }

    private async Task ListAsync(HttpContext context)
    {
        VaultId id = VaultEndpoints.PathVault(context);
        string projectId = context.Caller().ProjectId;
        Vault vault = await database.ReadAsync(
            session => VaultEndpoints.RequireAsync(session, projectId, id, context.RequestAborted), context.RequestAborted);
        await JsonReply.WriteAsync(context, new VaultTagsReply(vault.Tags), VaultJson.Default.VaultTagsReply);
    }

    private async Task SetAsync(HttpContext context)
    {
        VaultId id = VaultEndpoints.PathVault(context);
        TagShape tag = await BodyReader.ReadAsync(context, body => TagRules.Addition(body["tag"].Object()));
        await UpdateAsync(context, id, tags => TagRules.Merged(tags, [tag]));
    }

    private async Task DeleteAsync(HttpContext context)
    {
        VaultId id = VaultEndpoints.PathVault(context);

        // The server leaves an encoded slash as it is, lest it look like the end of a segment.
        string key = ((string)context.Request.RouteValues["key"]!).Replace("%2F", "/", StringComparison.OrdinalIgnoreCase).Trim(' ');
        if (key.Length == 0)
            throw BodyReader.Refused("The tag key in the path must not be empty.");
        await UpdateAsync(
            context,
            id,
            tags => tags.Any(tag => tag.Key == key)
                ? [.. tags.Where(tag => tag.Key != key)]
                : throw new RefusedException(ErrorCodes.TagMissing, $"Vault {id} has no tag {ShownText.Quoted(key)}."));
    }

    private async Task ChangeAsync(HttpContext context)
    {
        VaultId id = VaultEndpoints.PathVault(context);
        Func<IReadOnlyList<TagShape>, List<TagShape>> change = await BodyReader.ReadAsync(context, body => ReadChange(body, options));
        await UpdateAsync(context, id, change);
    }

    private async Task ListOfProjectAsync(HttpContext context)
    {
        string projectId = context.Caller().ProjectId;
        List<TaggedVault> vaults = await database.ReadAsync(
            session => VaultTable.ListTaggedAsync(session, new VaultFilter().Where(projectId), context.RequestAborted), context.RequestAborted);
        ProjectTagShape[] tags =
        [
            .. vaults.SelectMany(vault => vault.Tags)
                .GroupBy(tag => tag.Key, tag => tag.Value, StringComparer.Ordinal)
                .OrderBy(group => group.Key, StringComparer.Ordinal)
                .Select(group => new ProjectTagShape(group.Key, [.. group.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)])),
        ];
        await JsonReply.WriteAsync(context, new ProjectTagsReply(tags), VaultJson.Default.ProjectTagsReply);
    }

    private async Task SearchAsync(HttpContext context)
    {
        VaultTagFilter filter = await BodyReader.ReadAsync(context, body => VaultTagFilter.Read(body, options));
        string projectId = context.Caller().ProjectId;
        var among = new VaultFilter
        {
            CloudType = filter.CloudType,
            ObjectType = filter.ObjectType,
            EnterpriseProjectId = new QueryReader(context.Request).Text("enterprise_project_id"),
        };
        TaggedVaultsReply reply = await database.ReadAsync(
            async session =>
            {
                List<TaggedVault> matching = await VaultTable.ListTaggedAsync(session, among.Where(projectId), context.RequestAborted);
                matching.RemoveAll(vault => !filter.Matches(vault));
                if (filter.IsCount)
                    return new TaggedVaultsReply(null, matching.Count);
                VaultId[] page = [.. matching.Skip(filter.Offset).Take(filter.Limit).Select(vault => vault.Id)];
                Dictionary<VaultId, Vault> vaults = (await VaultTable.FindManyAsync(session, projectId, page, context.RequestAborted))
                    .ToDictionary(vault => vault.Id);
                return new TaggedVaultsReply([.. page.Where(vaults.ContainsKey).Select(id => Shape(vaults[id]))], matching.Count);
            },
            context.RequestAborted);
        await JsonReply.WriteAsync(context, reply, VaultJson.Default.TaggedVaultsReply);
    }

    internal static Func<IReadOnlyList<TagShape>, List<TagShape>> ReadChange(BodyValue body, VaultOptions options)
    {
        bool isCreate = body["action"].Word(["create", "delete"]) == "create";
        if (body["sys_tags"].IsGiven)
            throw body["sys_tags"].Refused("is for the cloud's own services");
        if (isCreate)
        {
            List<TagShape> added = TagRules.Additions(body["tags"], options.TagCountMax);
            return tags => TagRules.Merged(tags, added);
        }

        HashSet<string> removed = [.. TagRules.Removals(body["tags"])];
        return tags => [.. tags.Where(tag => !removed.Contains(tag.Key))];
    }

    private async Task UpdateAsync(HttpContext context, VaultId id, Func<IReadOnlyList<TagShape>, List<TagShape>> change)
    {
        string projectId = context.Caller().ProjectId;
        await database.WriteAsync(
            async session =>
            {
                Vault vault = await VaultEndpoints.RequireAsync(session, projectId, id, context.RequestAborted);
                vault.RefuseUnlessWritable("its tags cannot be changed");
                List<TagShape> tags = change(vault.Tags);
                if (tags.Count > vault.Tags.Count)
                    TagRules.RefuseTooMany(tags.Count, options.TagCountMax);
                await VaultTable.UpdateAsync(session, vault with { Tags = tags }, context.RequestAborted);
            },
            context.RequestAborted);
        JsonReply.NoContent(context);
    }

    private static TaggedVaultShape Shape(Vault vault) => new(vault.Id.Value, vault.Name, new VaultReply(vault.ToShape()), vault.Tags);
}
