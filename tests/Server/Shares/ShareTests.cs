using System.Text.Json.Nodes;
using Strongroom.Protection;
using Strongroom.Server.Tests.Tasks;
using Strongroom.Server.Tests.Vaults;

namespace Strongroom.Server.Tests.Shares;

/// <summary>Sharing between an owner, a recipient and somebody who has nothing to do with it.</summary>
public abstract class ShareTests(ServerFixture server)
{
    private const string Unknown = VaultWorld.UnknownId;

    [Fact]
    public async Task Sharing_answers_with_the_new_members_in_the_order_asked_for()
    {
        (TaskWorld owner, string backup) = await SharableAsync();
        string first = await server.NewProjectIdAsync();
        string second = await server.NewProjectIdAsync();

        TestReply reply = await AddAsync(owner, backup, second, first);

        Assert.True(reply.Status == 200, reply.Text);
        JsonArray members = reply.Json["members"]!.AsArray();
        GoldenReply.AssertMatches(
            "AddMember.json",
            reply.Text,
            (backup, "{backup}"), (second, "{first project}"), (first, "{second project}"),
            ((string)members[0]!["id"]!, "{member 0}"), ((string)members[1]!["id"]!, "{member 1}"));
    }

    [Fact]
    public async Task A_pending_recipient_sees_the_backup_without_a_vault_and_nobody_else_does()
    {
        (TaskWorld owner, string backup) = await SharableAsync();
        TaskWorld recipient = await TaskWorld.NewAsync(server);
        TaskWorld stranger = await TaskWorld.NewAsync(server);
        await ShareAsync(owner, backup, recipient);

        JsonNode row = Assert.Single(await recipient.BackupsAsync("own_type=shared"))!;
        JsonNode shown = await recipient.BackupAsync(backup);

        Assert.Equal(backup, (string?)row["id"]);
        Assert.Equal(owner.ProjectId, (string?)row["project_id"]);
        Assert.Null(row["vault_id"]);
        Assert.Null(shown["vault_id"]);
        Assert.Equal(owner.ProjectId, (string?)shown["project_id"]);
        Assert.All(shown["children"]!.AsArray(), child => Assert.Null(child!["vault_id"]));
        Assert.Empty(await recipient.BackupsAsync(""));
        Assert.Empty(await recipient.BackupsAsync("own_type=private"));
        foreach (string query in (string[])["", "own_type=shared", "own_type=all_granted", "own_type=shared&member_status=rejected"])
            Assert.Empty(await stranger.BackupsAsync(query));
        VaultWorld.AssertRefused(await stranger.Vaults.GetAsync("backups/" + backup), 404, "6200", backup);
    }

    [Fact]
    public async Task An_accepted_backup_is_in_the_recipients_vault_and_shows_nothing_of_the_owners()
    {
        (TaskWorld owner, string backup) = await SharableAsync();
        TaskWorld recipient = await TaskWorld.NewAsync(server);
        await ShareAsync(owner, backup, recipient);
        string vault = await recipient.Vaults.VaultAsync("server");
        string ownVault = (string)(await owner.BackupAsync(backup))["vault_id"]!;

        TestReply reply = await AcceptAsync(recipient, backup, vault);

        Assert.True(reply.Status == 200, reply.Text);
        Assert.Equal(("accepted", vault), ((string?)reply.Json["member"]!["status"], (string?)reply.Json["member"]!["vault_id"]));
        Assert.NotNull((string?)reply.Json["member"]!["updated_at"]);
        JsonNode shown = await recipient.BackupAsync(backup);
        Assert.Equal((vault, owner.ProjectId), ((string?)shown["vault_id"], (string?)shown["project_id"]));
        Assert.All(shown["children"]!.AsArray(), child => Assert.Equal(vault, (string?)child!["vault_id"]));
        string child = (string)shown["children"]![0]!["id"]!;
        Assert.Equal(vault, (string?)(await recipient.BackupAsync(child))["vault_id"]);
        foreach (string path in (string[])["backups/" + backup, "backups/" + child, $"backups/{backup}/metadata", "backups?own_type=shared", $"backups?own_type=shared&parent_id={backup}"])
        {
            TestReply answer = await recipient.Vaults.GetAsync(path);
            Assert.True(answer.Status == 200, answer.Text);
            Assert.DoesNotContain(ownVault, answer.Text, StringComparison.Ordinal);
        }

        Assert.Equal(ownVault, (string?)(await owner.BackupAsync(backup))["vault_id"]);
        Assert.Equal((0, 100), ((int)(await recipient.Vaults.ShowAsync(vault))["billing"]!["used"]!, (int)(await recipient.Vaults.ShowAsync(vault))["billing"]!["size"]!));
        VaultWorld.AssertRefused(await recipient.Vaults.GetAsync("vaults/" + ownVault), 404, "6105");
        VaultWorld.AssertRefused(await recipient.Vaults.GetAsync("checkpoints/" + (string)shown["checkpoint_id"]!), 404, "6217");
    }

    [Fact]
    public async Task Filters_of_the_list_apply_to_what_the_recipient_sees()
    {
        (TaskWorld owner, string backup) = await SharableAsync();
        TaskWorld recipient = await TaskWorld.NewAsync(server);
        (string ownVault, _) = await recipient.DiskVaultAsync();
        (_, string[] own) = await recipient.ProtectAsync(ownVault);
        await ShareAsync(owner, backup, recipient);
        string vault = await recipient.Vaults.VaultAsync("server");

        Assert.Equal([backup], await IdsAsync(recipient, "own_type=shared&member_status=pending"));
        Assert.Empty(await IdsAsync(recipient, "own_type=shared&member_status=accepted"));
        await AcceptAsync(recipient, backup, vault);
        Assert.Equal([backup], await IdsAsync(recipient, "own_type=shared&member_status=accept"));
        Assert.Empty(await IdsAsync(recipient, "own_type=shared&member_status=pending"));
        Assert.Equal([backup], await IdsAsync(recipient, "own_type=shared&vault_id=" + vault));
        Assert.Equal([own[0], backup], await IdsAsync(recipient, "own_type=all_granted"));
        Assert.Equal([backup], await IdsAsync(recipient, "own_type=all_granted&marker=" + own[0]));
        Assert.Equal([own[0]], await IdsAsync(recipient, "own_type=all_granted&limit=1"));
        Assert.Equal([backup, own[0]], await IdsAsync(recipient, "own_type=all_granted&sort=created_at:asc"));
        Assert.Equal(2, (await IdsAsync(recipient, "own_type=shared&parent_id=" + backup)).Length);
        Assert.Equal(own, await IdsAsync(recipient, ""));
        Assert.Equal(own, await IdsAsync(recipient, "member_status=pending"));
        string ownersVault = (string)(await owner.BackupAsync(backup))["vault_id"]!;
        Assert.Empty(await IdsAsync(recipient, "own_type=shared&vault_id=" + ownersVault));
        Assert.Equal(2, (int)(await recipient.GetAsync("backups?own_type=all_granted&limit=1"))["count"]!);
        VaultWorld.AssertRefused(await recipient.Vaults.GetAsync("backups?member_status=perhaps"), 400, "9900", "perhaps");
    }

    [Fact]
    public async Task A_rejected_backup_is_gone_for_the_recipient_and_can_be_accepted_after_all()
    {
        (TaskWorld owner, string backup) = await SharableAsync();
        TaskWorld recipient = await TaskWorld.NewAsync(server);
        await ShareAsync(owner, backup, recipient);
        string vault = await recipient.Vaults.VaultAsync("server");
        await AcceptAsync(recipient, backup, vault);

        TestReply reply = await AnswerAsync(recipient, backup, new { status = "rejected" });

        Assert.True(reply.Status == 200, reply.Text);
        Assert.Equal("rejected", (string?)reply.Json["member"]!["status"]);
        Assert.Null(reply.Json["member"]!["vault_id"]);
        VaultWorld.AssertRefused(await recipient.Vaults.GetAsync("backups/" + backup), 404, "6200");
        VaultWorld.AssertRefused(await recipient.Vaults.GetAsync($"backups/{backup}/metadata"), 404, "6200");
        Assert.Empty(await recipient.BackupsAsync("own_type=shared"));
        Assert.Equal([backup], await IdsAsync(recipient, "own_type=shared&member_status=rejected"));
        Assert.Equal("rejected", await StatusAsync(owner, backup, recipient));
        Assert.Equal(200, (await AcceptAsync(recipient, backup, vault)).Status);
        Assert.Equal(vault, (string?)(await recipient.BackupAsync(backup))["vault_id"]);
    }

    [Fact]
    public async Task The_owner_sees_all_members_and_a_recipient_only_itself()
    {
        (TaskWorld owner, string backup) = await SharableAsync();
        TaskWorld recipient = await TaskWorld.NewAsync(server);
        TaskWorld other = await TaskWorld.NewAsync(server);
        TaskWorld stranger = await TaskWorld.NewAsync(server);
        Assert.Equal(200, (await AddAsync(owner, backup, recipient.ProjectId, other.ProjectId)).Status);
        string vault = await recipient.Vaults.VaultAsync("server");
        await AcceptAsync(recipient, backup, vault);
        string members = $"backups/{backup}/members";

        Assert.Equal(2, (int)(await owner.GetAsync(members))["count"]!);
        JsonNode seen = await recipient.GetAsync(members);
        Assert.Equal(1, (int)seen["count"]!);
        Assert.Equal(recipient.ProjectId, (string?)Assert.Single(seen["members"]!.AsArray())!["dest_project_id"]);
        Assert.DoesNotContain(other.ProjectId, seen.ToJsonString(), StringComparison.Ordinal);
        Assert.Equal(200, (await recipient.Vaults.GetAsync($"{members}/{recipient.ProjectId}")).Status);
        VaultWorld.AssertRefused(await recipient.Vaults.GetAsync($"{members}/{other.ProjectId}"), 404, "6705");
        VaultWorld.AssertRefused(await recipient.Vaults.GetAsync($"{members}/{owner.ProjectId}"), 404, "6705");
        VaultWorld.AssertRefused(await recipient.Vaults.PutAsync($"{members}/{other.ProjectId}", new { status = "rejected" }), 404, "6705");
        VaultWorld.AssertRefused(await stranger.Vaults.GetAsync(members), 404, "6200");
        VaultWorld.AssertRefused(await stranger.Vaults.GetAsync($"{members}/{recipient.ProjectId}"), 404, "6200");
        VaultWorld.AssertRefused(await stranger.Vaults.PutAsync($"{members}/{stranger.ProjectId}", new { status = "rejected" }), 404, "6200");
        VaultWorld.AssertRefused(await stranger.Vaults.PutAsync($"{members}/{recipient.ProjectId}", new { status = "rejected" }), 404, "6200");
        VaultWorld.AssertRefused(await stranger.Vaults.DeleteAsync($"{members}/{recipient.ProjectId}"), 404, "6200");
        VaultWorld.AssertRefused(await AddAsync(stranger, backup, stranger.ProjectId), 404, "6200");
        VaultWorld.AssertRefused(await owner.Vaults.GetAsync($"{members}/{stranger.ProjectId}"), 404, "6705");
        VaultWorld.AssertRefused(await owner.Vaults.GetAsync($"{members}/{Unknown}"), 400, "9900");
        VaultWorld.AssertRefused(await owner.Vaults.PutAsync($"{members}/{recipient.ProjectId}", new { status = "rejected" }), 400, "6708");

        Assert.Equal(1, (int)(await owner.GetAsync($"{members}?status=accepted"))["count"]!);
        Assert.Equal(1, (int)(await owner.GetAsync($"{members}?dest_project_id={other.ProjectId}"))["count"]!);
        Assert.Equal(1, (int)(await owner.GetAsync($"{members}?vault_id={vault}"))["count"]!);
        Assert.Equal(0, (int)(await owner.GetAsync($"{members}?image_id={Unknown}"))["count"]!);
        Assert.Equal(2, (int)(await owner.GetAsync($"{members}?status=available&own_type=private&sort=acs"))["count"]!);
        JsonArray ordered = (await owner.GetAsync($"{members}?sort=dest_project_id:asc"))["members"]!.AsArray();
        Assert.Equal(new[] { recipient.ProjectId, other.ProjectId }.Order(StringComparer.Ordinal), ordered.Select(member => (string)member!["dest_project_id"]!));
        JsonArray rest = (await owner.GetAsync($"{members}?sort=dest_project_id:asc&limit=1&marker={(string)ordered[0]!["id"]!}"))["members"]!.AsArray();
        Assert.Equal((string?)ordered[1]!["id"], (string?)Assert.Single(rest)!["id"]);
        Assert.Empty((await owner.GetAsync($"{members}?offset=2"))["members"]!.AsArray());
    }

    [Fact]
    public async Task What_is_shared_is_read_only_for_the_recipient()
    {
        (TaskWorld owner, string backup) = await SharableAsync();
        TaskWorld recipient = await TaskWorld.NewAsync(server);
        TaskWorld other = await TaskWorld.NewAsync(server);
        await ShareAsync(owner, backup, recipient);
        string vault = await recipient.Vaults.VaultAsync("server");

        for (int round = 0; round < 2; round++)
        {
            VaultWorld.AssertRefused(await recipient.Vaults.PutAsync("backups/" + backup, new { backup = new { name = "mine" } }), 400, "6707");
            VaultWorld.AssertRefused(await recipient.Vaults.DeleteAsync("backups/" + backup), 400, "6707");
            VaultWorld.AssertRefused(await AddAsync(recipient, backup, other.ProjectId), 400, "6707");
            VaultWorld.AssertRefused(await recipient.Vaults.DeleteAsync($"backups/{backup}/members/{recipient.ProjectId}"), 400, "6707");
            await AcceptAsync(recipient, backup, vault);
        }
    }

    [Fact]
    public async Task What_cannot_be_shared_is_refused_with_the_documented_code()
    {
        (TaskWorld owner, string backup) = await SharableAsync();
        string other = await server.NewProjectIdAsync();
        string child = (string)(await owner.BackupAsync(backup))["children"]![0]!["id"]!;
        string turboVault = await owner.Vaults.VaultAsync("turbo");
        await owner.AddAsync(turboVault, VaultWorld.FileSystem(await owner.Vaults.NewFileSystemAsync()));
        (_, string[] trees) = await owner.ProtectAsync(turboVault);

        VaultWorld.AssertRefused(await AddAsync(owner, Unknown, other), 404, "6200");
        VaultWorld.AssertRefused(await AddAsync(owner, child, other), 400, "6700", backup);
        VaultWorld.AssertRefused(await AddAsync(owner, trees[0], other), 400, "6700", "OS::Sfs::Turbo");
        VaultWorld.AssertRefused(await AddAsync(owner, backup), 400, "9900");
        VaultWorld.AssertRefused(await AddAsync(owner, backup, Enumerable.Repeat(other, 11).ToArray()), 400, "9900", "10");
        VaultWorld.AssertRefused(await owner.Vaults.PostAsync($"backups/{backup}/members", new { domains = new[] { other } }), 400, "9900", "members");
        VaultWorld.AssertRefused(await AddAsync(owner, backup, "no id"), 400, "6704", "no id");
        VaultWorld.AssertRefused(await AddAsync(owner, backup, new string('0', 32)), 400, "6704", new string('0', 32));
        VaultWorld.AssertRefused(await AddAsync(owner, backup, owner.ProjectId), 400, "6704");
        VaultWorld.AssertRefused(await AddAsync(owner, backup, other, other), 400, "6714");
        Assert.Equal(0, (int)(await owner.GetAsync($"backups/{backup}/members"))["count"]!);
        Assert.Equal(200, (await AddAsync(owner, backup, other)).Status);
        VaultWorld.AssertRefused(await AddAsync(owner, backup, other), 400, "6703", other);
    }

    [Fact]
    public async Task A_backup_is_shared_with_ten_projects_and_not_with_eleven()
    {
        (TaskWorld owner, string backup) = await SharableAsync();
        string[] projects = new string[11];
        for (int i = 0; i < projects.Length; i++)
            projects[i] = await server.NewProjectIdAsync();

        Assert.Equal(200, (await AddAsync(owner, backup, projects[..9])).Status);
        VaultWorld.AssertRefused(await AddAsync(owner, backup, projects[9..]), 400, "6701", "10");
        Assert.Equal(200, (await AddAsync(owner, backup, projects[9])).Status);
        VaultWorld.AssertRefused(await AddAsync(owner, backup, projects[10]), 400, "6701", "10");
        Assert.Equal(10, (int)(await owner.GetAsync($"backups/{backup}/members"))["count"]!);
    }

    [Fact]
    public async Task Only_an_available_backup_in_an_available_vault_is_shared()
    {
        TaskWorld owner = await TaskWorld.NewAsync(server);
        (string vault, string serverId, _) = await owner.ServerVaultAsync();
        string other = await server.NewProjectIdAsync();
        Gate making = owner.Engine.Hold(serverId);
        Assert.Equal(200, (await owner.CheckpointAsync(vault)).Status);
        await making.Reached;
        string backup = (string)Assert.Single(await owner.BackupsAsync(""))!["id"]!;

        VaultWorld.AssertRefused(await AddAsync(owner, backup, other), 400, "6702", "protecting");
        making.Open();
        await TaskWorld.UntilAsync(async () => (string?)(await owner.BackupAsync(backup))["status"] == "available");
        await SetVaultStatusAsync(vault, "frozen");
        VaultWorld.AssertRefused(await AddAsync(owner, backup, other), 400, "6712", "frozen");
        await SetVaultStatusAsync(vault, "available");
        Assert.Equal(200, (await AddAsync(owner, backup, other)).Status);
    }

    [Fact]
    public async Task An_answer_that_does_not_fit_is_refused_with_the_documented_code()
    {
        (TaskWorld owner, string backup) = await SharableAsync();
        TaskWorld recipient = await TaskWorld.NewAsync(server);
        await ShareAsync(owner, backup, recipient);
        string small = await recipient.Vaults.VaultAsync("server", 10);
        await server.Database.WriteAsync(
            async session => { await session.ExecuteAsync($"update vaults set used_bytes = {8 * VaultWorld.Gb + 1} where id = {small}", default); }, default);
        string ownersVault = (string)(await owner.BackupAsync(backup))["vault_id"]!;

        VaultWorld.AssertRefused(await AnswerAsync(recipient, backup, new { status = "pending" }), 400, "6706", "pending");
        VaultWorld.AssertRefused(await AnswerAsync(recipient, backup, new { status = "perhaps" }), 400, "6706", "perhaps");
        VaultWorld.AssertRefused(await AnswerAsync(recipient, backup, new { }), 400, "6706", "status");
        VaultWorld.AssertRefused(await AnswerAsync(recipient, backup, new { status = "accepted" }), 400, "6706", "vault_id");
        VaultWorld.AssertRefused(await AcceptAsync(recipient, backup, "x"), 400, "9900", "vault_id");
        VaultWorld.AssertRefused(await AcceptAsync(recipient, backup, Unknown), 404, "6105");
        VaultWorld.AssertRefused(await AcceptAsync(recipient, backup, ownersVault), 404, "6105");
        VaultWorld.AssertRefused(await AcceptAsync(recipient, backup, await recipient.Vaults.VaultAsync("disk")), 400, "6713", "disk");
        VaultWorld.AssertRefused(
            await AcceptAsync(recipient, backup, await recipient.Vaults.VaultAsync("server", protectType: "replication")), 400, "6713", "replication");
        VaultWorld.AssertRefused(await AcceptAsync(recipient, backup, small), 400, "6708", "1 GB free", "2 GB");
        string frozen = await recipient.Vaults.VaultAsync("server");
        await SetVaultStatusAsync(frozen, "frozen");
        VaultWorld.AssertRefused(await AcceptAsync(recipient, backup, frozen), 400, "6712", "frozen");
        Assert.Equal("pending", await StatusAsync(owner, backup, recipient));

        await server.Database.WriteAsync(
            async session => { await session.ExecuteAsync($"update vaults set used_bytes = {8 * VaultWorld.Gb} where id = {small}", default); }, default);
        Assert.Equal(200, (await AcceptAsync(recipient, backup, small)).Status);
        string next = await recipient.Vaults.VaultAsync("server");
        Assert.Equal(200, (await AcceptAsync(recipient, backup, next)).Status);
        Assert.Equal(200, (await AcceptAsync(recipient, backup, next)).Status);
        Assert.Equal(next, (string?)(await recipient.BackupAsync(backup))["vault_id"]);
    }

    [Fact]
    public async Task A_disks_backup_is_shared_into_a_disk_vault_and_restored_to_a_disk_of_the_recipient()
    {
        TaskWorld owner = await TaskWorld.NewAsync(server);
        (string vault, _) = await owner.DiskVaultAsync();
        (_, string[] backups) = await owner.ProtectAsync(vault);
        TaskWorld recipient = await TaskWorld.NewAsync(server);
        await ShareAsync(owner, backups[0], recipient);
        string target = await recipient.Vaults.NewDiskAsync("target", VaultWorld.Gb);
        VaultWorld.AssertRefused(await recipient.RestoreAsync(backups[0], new { volume_id = target }), 404, "6200");
        string vaultThere = await recipient.Vaults.VaultAsync("disk");
        Assert.Equal(200, (await AcceptAsync(recipient, backups[0], vaultThere)).Status);

        TestReply reply = await recipient.RestoreAsync(backups[0], new { volume_id = target });

        Assert.True(reply.Status == 202, reply.Text);
        JsonNode log = await recipient.EndOfAsync((string)reply.Json["job_id"]!);
        Assert.Equal("success", (string?)log["status"]);
        Assert.Equal((recipient.ProjectId, vaultThere), ((string?)log["project_id"], (string?)log["vault_id"]));
        RestoreRequest request = recipient.Engine.Restores.Single(request => request.BackupId == backups[0]);
        Assert.Equal(owner.ProjectId, request.DomainId);
        Assert.Equal("available", (string?)(await owner.BackupAsync(backups[0]))["status"]);
        Assert.Empty(await owner.LogsAsync("operation_type=restore"));
        VaultWorld.AssertRefused(await owner.Vaults.GetAsync("operation-logs/" + (string)reply.Json["job_id"]!), 404, "6500");
    }

    [Fact]
    public async Task A_shared_server_is_restored_disk_by_disk_and_not_as_a_whole()
    {
        (TaskWorld owner, string backup) = await SharableAsync();
        TaskWorld recipient = await TaskWorld.NewAsync(server);
        await ShareAsync(owner, backup, recipient);
        string vault = await recipient.Vaults.VaultAsync("server");
        await AcceptAsync(recipient, backup, vault);
        (string target, string[] disks) = await recipient.Vaults.NewServerAsync(VaultWorld.Gb);
        string child = (string)(await recipient.BackupAsync(backup))["children"]![0]!["id"]!;

        VaultWorld.AssertRefused(
            await recipient.RestoreAsync(backup, new { server_id = target, mappings = new[] { new { backup_id = child, volume_id = disks[0] } } }), 400, "2003", "children");
        TestReply reply = await recipient.RestoreAsync(child, new { volume_id = disks[0] });

        Assert.True(reply.Status == 202, reply.Text);
        Assert.Equal("success", (string?)(await recipient.EndOfAsync((string)reply.Json["job_id"]!))["status"]);
    }

    [Fact]
    public async Task A_backup_a_recipient_restores_from_is_not_deleted_under_it_but_the_share_can_be_taken_back()
    {
        TaskWorld owner = await TaskWorld.NewAsync(server);
        (string vault, _) = await owner.DiskVaultAsync();
        (_, string[] backups) = await owner.ProtectAsync(vault);
        TaskWorld recipient = await TaskWorld.NewAsync(server);
        await ShareAsync(owner, backups[0], recipient);
        await AcceptAsync(recipient, backups[0], await recipient.Vaults.VaultAsync("disk"));
        string target = await recipient.Vaults.NewDiskAsync("target", VaultWorld.Gb);
        Gate restoring = recipient.Engine.HoldRestore(backups[0]);
        TestReply reply = await recipient.RestoreAsync(backups[0], new { volume_id = target });
        await restoring.Reached;

        VaultWorld.AssertRefused(await owner.Vaults.DeleteAsync("backups/" + backups[0]), 400, "6216");
        VaultWorld.AssertRefused(await owner.Vaults.DeleteAsync("vaults/" + vault), 400, "6216");
        Assert.Equal(204, (await owner.Vaults.DeleteAsync($"backups/{backups[0]}/members/{recipient.ProjectId}")).Status);
        VaultWorld.AssertRefused(await recipient.Vaults.GetAsync("backups/" + backups[0]), 404, "6200");
        restoring.Open();
        Assert.Equal("success", (string?)(await recipient.EndOfAsync((string)reply.Json["job_id"]!))["status"]);
        Assert.Equal(204, (await owner.Vaults.DeleteAsync("backups/" + backups[0])).Status);
    }

    [Fact]
    public async Task Deleting_the_backup_takes_it_from_every_recipient_and_undoing_that_gives_it_back()
    {
        (TaskWorld owner, string backup) = await SharableAsync();
        TaskWorld recipient = await TaskWorld.NewAsync(server);
        await ShareAsync(owner, backup, recipient);
        string vault = await recipient.Vaults.VaultAsync("server");
        await AcceptAsync(recipient, backup, vault);

        Assert.Equal(204, (await owner.Vaults.DeleteAsync("backups/" + backup)).Status);

        VaultWorld.AssertRefused(await recipient.Vaults.GetAsync("backups/" + backup), 404, "6200");
        VaultWorld.AssertRefused(await recipient.Vaults.GetAsync($"backups/{backup}/members"), 404, "6200");
        VaultWorld.AssertRefused(await AcceptAsync(recipient, backup, vault), 404, "6200");
        Assert.Empty(await recipient.BackupsAsync("own_type=all_granted"));
        Assert.Equal(204, (await server.PostAsync(owner.Vaults.Caller, $"/strongroom/v1/{{project_id}}/backups/{backup}/undelete", null)).Status);
        Assert.Equal(vault, (string?)(await recipient.BackupAsync(backup))["vault_id"]);
    }

    [Fact]
    public async Task A_deleted_vault_of_the_recipient_gives_back_what_was_accepted_into_it_and_takes_it_again_when_undeleted()
    {
        (TaskWorld owner, string backup) = await SharableAsync();
        TaskWorld recipient = await TaskWorld.NewAsync(server);
        await ShareAsync(owner, backup, recipient);
        string vault = await recipient.Vaults.VaultAsync("server");
        await AcceptAsync(recipient, backup, vault);

        Assert.Equal(204, (await recipient.Vaults.DeleteAsync("vaults/" + vault)).Status);

        Assert.Equal("rejected", await StatusAsync(owner, backup, recipient));
        VaultWorld.AssertRefused(await recipient.Vaults.GetAsync("backups/" + backup), 404, "6200");
        Assert.Equal(200, (await server.PostAsync(recipient.Vaults.Caller, $"/strongroom/v1/{{project_id}}/vaults/{vault}/undelete", null)).Status);
        Assert.Equal(vault, (string?)(await recipient.BackupAsync(backup))["vault_id"]);
    }

    [Fact]
    public async Task A_project_that_is_deleted_takes_its_shares_along()
    {
        (TaskWorld owner, string backup) = await SharableAsync();
        string other = await server.NewProjectIdAsync();
        Assert.Equal(200, (await AddAsync(owner, backup, other)).Status);

        await server.Administration.DeleteProjectAsync(other, null, default);

        Assert.Equal(0, (int)(await owner.GetAsync($"backups/{backup}/members"))["count"]!);
    }

    /// <summary>The backup of a server with two disks of one GB.</summary>
    private async Task<(TaskWorld Owner, string Backup)> SharableAsync()
    {
        TaskWorld owner = await TaskWorld.NewAsync(server);
        (string vault, _, _) = await owner.ServerVaultAsync();
        (_, string[] backups) = await owner.ProtectAsync(vault);
        return (owner, backups[0]);
    }

    private static Task<TestReply> AddAsync(TaskWorld world, string backup, params string[] projects) =>
        world.Vaults.PostAsync($"backups/{backup}/members", new { members = projects });

    private static async Task ShareAsync(TaskWorld owner, string backup, TaskWorld recipient)
    {
        TestReply reply = await AddAsync(owner, backup, recipient.ProjectId);
        Assert.True(reply.Status == 200, reply.Text);
    }

    private static Task<TestReply> AcceptAsync(TaskWorld recipient, string backup, string vault) =>
        AnswerAsync(recipient, backup, new { status = "accepted", vault_id = vault });

    private static Task<TestReply> AnswerAsync(TaskWorld recipient, string backup, object answer) =>
        recipient.Vaults.PutAsync($"backups/{backup}/members/{recipient.ProjectId}", answer);

    private static async Task<string?> StatusAsync(TaskWorld owner, string backup, TaskWorld recipient) =>
        (string?)(await owner.GetAsync($"backups/{backup}/members/{recipient.ProjectId}"))["member"]!["status"];

    private static async Task<string[]> IdsAsync(TaskWorld world, string query) =>
        [.. (await world.BackupsAsync(query)).Select(row => (string)row!["id"]!)];

    private Task SetVaultStatusAsync(string vault, string status) => server.Database.WriteAsync(
        async session => { await session.ExecuteAsync($"update vaults set version = version + 1, status = {status} where id = {vault}", default); }, default);
}

public sealed class ShareOnSqliteTests(SqliteTaskServer server) : ShareTests(server), IClassFixture<SqliteTaskServer>;

public sealed class ShareOnPostgresTests : ShareTests, IClassFixture<PostgresTaskServer>
{
    public ShareOnPostgresTests(PostgresTaskServer server)
        : base(server) => TestDatabase.SkipUnlessPostgres();
}
