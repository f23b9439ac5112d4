using System.Text.Json.Nodes;
using Strongroom.Drivers;
using Strongroom.Protection;
using Strongroom.Server.Tests.Tasks;
using Strongroom.Server.Tests.Vaults;

namespace Strongroom.Server.Tests.Backups;

public abstract class RestoreTests(ServerFixture server)
{
    [Fact]
    public async Task A_restore_answers_202_with_the_task_that_ends_in_success()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        (string vault, string disk) = await world.DiskVaultAsync();
        (string checkpoint, string[] backups) = await world.ProtectAsync(vault);
        Gate gate = world.Engine.HoldRestore(backups[0]);

        TestReply reply = await world.RestoreAsync(backups[0], new { volume_id = disk, power_on = false });

        Assert.Equal(202, reply.Status);
        Assert.Equal(["job_id"], reply.Json.AsObject().Select(member => member.Key));
        string taskId = (string)reply.Json["job_id"]!;
        await gate.Reached;
        Assert.Equal("restoring", (string?)(await world.BackupAsync(backups[0]))["status"]);
        Assert.Equal("restoring", await world.ProtectStatusAsync(vault, disk));
        Assert.Equal("available", (string?)(await world.GetAsync("checkpoints/" + checkpoint))["checkpoint"]!["status"]);
        gate.Open();
        Assert.Equal("success", (string?)(await world.EndOfAsync(taskId))["status"]);
        Assert.Equal("available", (string?)(await world.BackupAsync(backups[0]))["status"]);
        Assert.Equal("available", await world.ProtectStatusAsync(vault, disk));
    }

    [Fact]
    public async Task Its_log_names_backup_and_target()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        (string vault, string serverId, string[] disks) = await world.ServerVaultAsync();
        (string checkpoint, string[] backups) = await world.ProtectAsync(vault, new { name = "n" });
        string[] children = await ChildrenAsync(world, backups[0]);
        TestReply reply = await world.RestoreAsync(backups[0], new { server_id = serverId, mappings = new[] { Mapping(children[0], disks[0]) } });
        string taskId = (string)reply.Json["job_id"]!;
        await world.EndOfAsync(taskId);

        TestReply log = await world.Vaults.GetAsync("operation-logs/" + taskId);

        string requestId = (string)log.Json["operation_log"]!["extra_info"]!["common"]!["request_id"]!;
        Assert.Matches("^req-[0-9a-f]{32}$", requestId);
        GoldenReply.AssertMatches(
            "ShowOpLog.restore.json",
            log.Text,
            (taskId, "{task}"), (checkpoint, "{checkpoint}"), (world.ProjectId, "{project}"), (vault, "{vault}"), (serverId, "{server}"),
            (backups[0], "{backup}"), (requestId, "{request}"));
    }

    [Fact]
    public async Task Each_mapped_disk_goes_where_the_mapping_says()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        (string vault, _, _) = await world.ServerVaultAsync(3);
        (string other, string[] otherDisks) = await world.Vaults.NewServerAsync(2 * VaultWorld.Gb, 2 * VaultWorld.Gb);
        (_, string[] backups) = await world.ProtectAsync(vault);
        string[] children = await ChildrenAsync(world, backups[0]);

        TestReply reply = await world.RestoreAsync(
            backups[0], new { server_id = other, mappings = new[] { Mapping(children[2], otherDisks[0]), Mapping(children[0], otherDisks[1]) } });
        await world.EndOfAsync((string)reply.Json["job_id"]!);

        RestoreRequest run = Assert.Single(world.Engine.Restores, run => run.BackupId == backups[0]);
        Assert.Equal(world.ProjectId, run.DomainId);
        Assert.Equal([children[2], children[0]], run.Members.Select(member => member.MemberId));
        Assert.Equal([await PathAsync(world, otherDisks[0]), await PathAsync(world, otherDisks[1])], run.Members.Select(member => member.Location));
    }

    [Fact]
    public async Task A_file_system_is_made_what_the_backup_holds_unless_that_is_partial()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        string vault = await world.Vaults.VaultAsync("turbo");
        string files = await world.Vaults.NewFileSystemAsync();
        await world.AddAsync(vault, VaultWorld.FileSystem(files));
        (_, string[] whole) = await world.ProtectAsync(vault);
        world.Engine.BePartial(files, 1, "secret.txt: permission denied");
        (_, string[] partial) = await world.ProtectAsync(vault);

        foreach (string backup in (string[])[whole[0], partial[0]])
            await world.EndOfAsync((string)(await world.RestoreAsync(backup, new { resource_id = files })).Json["job_id"]!);

        Assert.Equal([true, false], world.Engine.Restores.Where(run => run.DomainId == world.ProjectId).Select(run => run.Members[0].RemoveOthers));
    }

    [Fact]
    public async Task One_disk_of_a_servers_backup_restores_by_its_own_id()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        (string vault, _, string[] disks) = await world.ServerVaultAsync();
        (_, string[] backups) = await world.ProtectAsync(vault);
        string[] children = await ChildrenAsync(world, backups[0]);

        TestReply reply = await world.RestoreAsync(children[1], new { volume_id = disks[1] });

        Assert.Equal(202, reply.Status);
        Assert.Equal("success", (string?)(await world.EndOfAsync((string)reply.Json["job_id"]!))["status"]);
        Assert.Equal("available", (string?)(await world.BackupAsync(backups[0]))["status"]);
        Assert.Equal([children[1]], world.Engine.Restores.Single(run => run.BackupId == children[1]).Members.Select(member => member.MemberId));
    }

    [Fact]
    public async Task Only_an_available_backup_restores()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        (string vault, string disk) = await world.DiskVaultAsync();
        world.Engine.OnBackup(disk, _ => throw new InvalidOperationException("no"));
        (_, string[] failed) = await world.ProtectAsync(vault);

        VaultWorld.AssertRefused(await world.RestoreAsync(failed[0], new { volume_id = disk }), 400, "2005", "error");
    }

    [Fact]
    public async Task The_vault_must_be_able_to_give()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        (string vault, string disk) = await world.DiskVaultAsync();
        (_, string[] backups) = await world.ProtectAsync(vault);
        await SetStatusAsync(vault, "frozen");
        VaultWorld.AssertRefused(await world.RestoreAsync(backups[0], new { volume_id = disk }), 400, "6202", vault, "frozen");
        await SetStatusAsync(vault, "lock");
        Assert.Equal(202, (await world.RestoreAsync(backups[0], new { volume_id = disk })).Status);
    }

    [Fact]
    public async Task The_request_must_name_what_the_kind_of_backup_needs()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        (string serverVault, string serverId, string[] disks) = await world.ServerVaultAsync();
        (string diskVault, _) = await world.DiskVaultAsync();
        string treeVault = await world.Vaults.VaultAsync("turbo");
        await world.AddAsync(treeVault, VaultWorld.FileSystem(await world.Vaults.NewFileSystemAsync()));
        string serverBackup = (await world.ProtectAsync(serverVault)).Backups[0];
        string diskBackup = (await world.ProtectAsync(diskVault)).Backups[0];
        string treeBackup = (await world.ProtectAsync(treeVault)).Backups[0];

        VaultWorld.AssertRefused(await world.RestoreAsync(serverBackup, new { volume_id = disks[0] }), 400, "9900", "server_id");
        VaultWorld.AssertRefused(await world.RestoreAsync(serverBackup, new { server_id = serverId }), 400, "9900", "mappings");
        VaultWorld.AssertRefused(await world.RestoreAsync(serverBackup, new { server_id = serverId, mappings = Array.Empty<object>() }), 400, "9900", "mappings");
        VaultWorld.AssertRefused(await world.RestoreAsync(diskBackup, new { server_id = serverId }), 400, "9900", "volume_id");
        VaultWorld.AssertRefused(await world.RestoreAsync(treeBackup, new { volume_id = disks[0] }), 400, "9900", "resource_id");
        VaultWorld.AssertRefused(await world.Vaults.PostAsync($"backups/{diskBackup}/restore", "{}"), 400, "9900", "restore");
        VaultWorld.AssertRefused(await world.RestoreAsync(diskBackup, new { volume_id = "x" }), 400, "9900", "volume_id");
        VaultWorld.AssertRefused(await world.RestoreAsync(diskBackup, new { volume_id = disks[0], power_on = "yes" }), 400, "9900", "power_on");
        VaultWorld.AssertRefused(await world.RestoreAsync(diskBackup, new { volume_id = disks[0], details = new { destination_path = "" } }), 400, "9900", "destination_path");
        VaultWorld.AssertRefused(await world.RestoreAsync(serverBackup, new { server_id = serverId, mappings = new[] { new { backup_id = diskBackup } } }), 400, "9900", "mappings[0].volume_id");
    }

    [Fact]
    public async Task A_target_that_is_not_there_is_404_with_the_code_of_its_kind()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        TaskWorld other = await TaskWorld.NewAsync(server);
        (string serverVault, string serverId, string[] disks) = await world.ServerVaultAsync();
        (string diskVault, string disk) = await world.DiskVaultAsync();
        string treeVault = await world.Vaults.VaultAsync("turbo");
        await world.AddAsync(treeVault, VaultWorld.FileSystem(await world.Vaults.NewFileSystemAsync()));
        string serverBackup = (await world.ProtectAsync(serverVault)).Backups[0];
        string diskBackup = (await world.ProtectAsync(diskVault)).Backups[0];
        string treeBackup = (await world.ProtectAsync(treeVault)).Backups[0];
        string[] children = await ChildrenAsync(world, serverBackup);
        string foreign = await other.Vaults.NewDiskAsync("d", VaultWorld.Gb);
        object[] mappings = [Mapping(children[0], disks[0])];

        VaultWorld.AssertRefused(await world.RestoreAsync(serverBackup, new { server_id = VaultWorld.UnknownId, mappings }), 404, "7100", VaultWorld.UnknownId);
        VaultWorld.AssertRefused(await world.RestoreAsync(serverBackup, new { server_id = disk, mappings }), 404, "7100", disk);
        VaultWorld.AssertRefused(await world.RestoreAsync(diskBackup, new { volume_id = VaultWorld.UnknownId }), 404, "7000", VaultWorld.UnknownId);
        VaultWorld.AssertRefused(await world.RestoreAsync(diskBackup, new { volume_id = serverId }), 404, "7000", serverId);
        VaultWorld.AssertRefused(await world.RestoreAsync(diskBackup, new { volume_id = foreign }), 404, "7000", foreign);
        VaultWorld.AssertRefused(await world.RestoreAsync(treeBackup, new { resource_id = VaultWorld.UnknownId }), 404, "6302", VaultWorld.UnknownId);
        VaultWorld.AssertRefused(await world.RestoreAsync(treeBackup, new { resource_id = disk }), 404, "6302", disk);
    }

    [Fact]
    public async Task Mappings_must_pair_the_backups_own_disks_with_the_servers_each_once()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        (string vault, string serverId, string[] disks) = await world.ServerVaultAsync();
        (_, string[] backups) = await world.ProtectAsync(vault);
        string[] children = await ChildrenAsync(world, backups[0]);
        string loose = await world.Vaults.NewDiskAsync("loose", VaultWorld.Gb);

        async Task RefusedAsync(string id, params object[] mappings) =>
            VaultWorld.AssertRefused(await world.RestoreAsync(backups[0], new { server_id = serverId, mappings }), 400, "9900", id);

        await RefusedAsync(backups[0], Mapping(backups[0], disks[0]));
        await RefusedAsync(VaultWorld.UnknownId, Mapping(VaultWorld.UnknownId, disks[0]));
        await RefusedAsync(loose, Mapping(children[0], loose));
        await RefusedAsync(disks[0], Mapping(children[0], disks[0]), Mapping(children[1], disks[0]));
        await RefusedAsync(children[0], Mapping(children[0], disks[0]), Mapping(children[0], disks[1]));
        Assert.Empty(await world.LogsAsync("operation_type=restore"));
        Assert.Equal("available", (string?)(await world.BackupAsync(backups[0]))["status"]);
    }

    [Fact]
    public async Task A_target_that_is_being_backed_up_or_restored_is_refused()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        (string vault, string serverId, string[] disks) = await world.ServerVaultAsync();
        (_, string[] first) = await world.ProtectAsync(vault);
        (_, string[] second) = await world.ProtectAsync(vault);
        string[] children = await ChildrenAsync(world, first[0]);
        object order = new { server_id = serverId, mappings = new[] { Mapping(children[0], disks[0]) } };

        Gate making = world.Engine.Hold(serverId);
        Assert.Equal(200, (await world.CheckpointAsync(vault)).Status);
        await making.Reached;
        VaultWorld.AssertRefused(await world.RestoreAsync(first[0], order), 400, "2002", disks[0]);
        VaultWorld.AssertRefused(await world.RestoreAsync(children[0], new { volume_id = disks[0] }), 400, "2002", disks[0]);
        making.Open();
        await TaskWorld.UntilAsync(async () => (await world.BackupsAsync("status=protecting")).Count == 0);

        Gate restoring = world.Engine.HoldRestore(first[0]);
        Assert.Equal(202, (await world.RestoreAsync(first[0], order)).Status);
        VaultWorld.AssertRefused(await world.RestoreAsync(first[0], order), 400, "2005");
        string[] others = await ChildrenAsync(world, second[0]);
        VaultWorld.AssertRefused(await world.RestoreAsync(others[0], new { volume_id = disks[0] }), 400, "2010", disks[0]);
        TestReply sameServer = await world.RestoreAsync(second[0], new { server_id = serverId, mappings = new[] { Mapping(others[1], disks[1]) } });
        VaultWorld.AssertRefused(sameServer, 400, "2010", serverId);
        restoring.Open();
    }

    [Fact]
    public async Task A_smaller_disk_is_refused_before_anything_is_opened()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        (string vault, _) = await world.DiskVaultAsync(2 * VaultWorld.Gb);
        (_, string[] backups) = await world.ProtectAsync(vault);
        string small = await world.Vaults.NewDiskAsync("small", (2 * VaultWorld.Gb) - 1);
        string large = await world.Vaults.NewDiskAsync("large", (2 * VaultWorld.Gb) + 1);

        VaultWorld.AssertRefused(await world.RestoreAsync(backups[0], new { volume_id = small }), 400, "2001", small);
        Assert.DoesNotContain(world.Engine.Restores, run => run.DomainId == world.ProjectId);
        Assert.Equal(202, (await world.RestoreAsync(backups[0], new { volume_id = large })).Status);
    }

    [Fact]
    public async Task An_image_that_was_deleted_is_made_anew_and_a_device_that_is_gone_is_7000()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        (string vault, string disk) = await world.DiskVaultAsync();
        (_, string[] backups) = await world.ProtectAsync(vault);
        string path = await PathAsync(world, disk);
        world.Engine.Unreachable[path] = DriverFailure.Missing;

        TestReply image = await world.RestoreAsync(backups[0], new { volume_id = disk });
        await world.EndOfAsync((string)image.Json["job_id"]!);
        string device = $"/dev/strongroom-{Guid.NewGuid():n}";
        await server.Database.WriteAsync(
            async session => { await session.ExecuteAsync($"update resources set path = {device} where id = {disk}", default); }, default);
        world.Engine.Unreachable[device] = DriverFailure.Missing;
        TestReply gone = await world.RestoreAsync(backups[0], new { volume_id = disk });

        Assert.Equal(202, image.Status);
        VaultWorld.AssertRefused(gone, 404, "7000", disk);
    }

    [Fact]
    public async Task A_restore_that_fails_leaves_the_backup_available_and_tells_why()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        (string vault, string disk) = await world.DiskVaultAsync();
        (_, string[] backups) = await world.ProtectAsync(vault);
        world.Engine.OnRestore(backups[0], (_, _) => throw new DriverException(DriverFailure.InUse, "/images/a", "open", "it is mounted"));

        JsonNode log = await world.EndOfAsync((string)(await world.RestoreAsync(backups[0], new { volume_id = disk })).Json["job_id"]!);

        Assert.Equal("failed", (string?)log["status"]);
        Assert.Equal("BackupService.2011", (string?)log["error_info"]!["code"]);
        Assert.Contains("mounted", (string?)log["error_info"]!["message"], StringComparison.Ordinal);
        Assert.Equal("available", (string?)(await world.BackupAsync(backups[0]))["status"]);
        Assert.Equal("available", await world.ProtectStatusAsync(vault, disk));
    }

    [Fact]
    public async Task A_restore_that_broke_off_while_writing_shows_on_the_target_until_one_succeeds()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        (string vault, string disk) = await world.DiskVaultAsync();
        (_, string[] backups) = await world.ProtectAsync(vault);
        world.Engine.OnRestore(backups[0], (progress, _) =>
        {
            progress.Report(new RunProgress(RunPhase.Writing, 10, 100, 0, 0));
            throw new DriverException(DriverFailure.Failed, "/images/a", "write", "input/output error");
        });

        await world.EndOfAsync((string)(await world.RestoreAsync(backups[0], new { volume_id = disk })).Json["job_id"]!);
        string after = await world.ProtectStatusAsync(vault, disk);
        world.Engine.HoldRestore(backups[0]).Open();
        await world.EndOfAsync((string)(await world.RestoreAsync(backups[0], new { volume_id = disk })).Json["job_id"]!);

        Assert.Equal("error", after);
        Assert.Equal("available", await world.ProtectStatusAsync(vault, disk));
    }

    [Fact]
    public async Task Of_twenty_restores_at_once_to_one_disk_exactly_one_is_taken()
    {
        TaskWorld world = await TaskWorld.NewAsync(server);
        (string vault, string disk) = await world.DiskVaultAsync();
        var backups = new List<string>();
        for (int i = 0; i < 4; i++)
            backups.Add((await world.ProtectAsync(vault)).Backups[0]);
        Gate[] gates = backups.Select(world.Engine.HoldRestore).ToArray();

        TestReply[] replies = await Task.WhenAll(Enumerable.Range(0, 20).Select(i => world.RestoreAsync(backups[i % 4], new { volume_id = disk })));
        foreach (Gate gate in gates)
            gate.Open();

        Assert.Single(replies, reply => reply.Status == 202);
        Assert.All(replies.Where(reply => reply.Status != 202), reply => Assert.True(reply.ErrorCode is "BackupService.2010" or "BackupService.2005", reply.Text));
    }

    private static object Mapping(string backup, string volume) => new { backup_id = backup, volume_id = volume };

    private static async Task<string[]> ChildrenAsync(TaskWorld world, string backup) =>
        (await world.BackupAsync(backup))["children"]!.AsArray().Select(child => (string)child!["id"]!).ToArray();

    private static async Task<string> PathAsync(TaskWorld world, string resource) =>
        (string)(await world.Server.GetAsync(world.Vaults.Caller, "/strongroom/v1/{project_id}/resources/" + resource)).Json["resource"]!["path"]!;

    private Task SetStatusAsync(string vault, string status) => server.Database.WriteAsync(
        async session => { await session.ExecuteAsync($"update vaults set status = {status} where id = {vault}", default); }, default);
}

public sealed class RestoreOnSqliteTests(SqliteTaskServer server) : RestoreTests(server), IClassFixture<SqliteTaskServer>;

public sealed class RestoreOnPostgresTests : RestoreTests, IClassFixture<PostgresTaskServer>
{
    public RestoreOnPostgresTests(PostgresTaskServer server)
        : base(server) => TestDatabase.SkipUnlessPostgres();
}
