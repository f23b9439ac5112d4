using System.Globalization;
using System.Text.Json.Nodes;
using Strongroom.Server.Notifications;
using Strongroom.Server.Tasks;
using Strongroom.Server.Tests.Policies;
using Strongroom.Server.Tests.Tasks;
using Strongroom.Server.Tests.Vaults;

namespace Strongroom.Server.Tests.Notifications;

public abstract class NotificationTests(ServerFixture server)
{
    [Fact]
    public async Task A_failed_backup_is_told_signed_and_no_changed_part_passes()
    {
        await using WebhookReceiver receiver = await WebhookReceiver.StartAsync();
        NotificationWorld world = await NotificationWorld.NewAsync(server);
        (_, string secret) = await world.WebhookAsync(receiver);
        (string vault, string disk) = await world.Tasks.DiskVaultAsync();

        await world.FailAsync(vault, disk);
        await using Sender sender = world.NewSender();
        await sender.SendAsync();
        await sender.SendAsync();

        ReceivedWebhook told = Assert.Single(receiver.Received);
        Assert.Equal(("task_failed", "application/json", told.Id), (told.Type, told.ContentType, (string)told.Json["id"]!));
        Assert.Equal(server.Time.GetUtcNow().ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture), told.Timestamp);
        JsonNode task = told.Json["task"]!;
        Assert.Equal(("backup", "failed", disk, vault), ((string)task["kind"]!, (string)task["status"]!, (string)task["resource"]!["id"]!, (string)task["vault_id"]!));
        Assert.Contains("no medium", (string)told.Json["text"]!, StringComparison.Ordinal);
        Assert.True(told.IsSignedWith(secret));
        byte[] other = [.. told.Body];
        other[10] ^= 1;
        Assert.False((told with { Body = other }).IsSignedWith(secret));
        Assert.False((told with { Timestamp = told.Timestamp + "0" }).IsSignedWith(secret));
        Assert.False((told with { Id = Guid.NewGuid().ToString() }).IsSignedWith(secret));
        Assert.False(told.IsSignedWith(WebhookSignature.NewSecret()));
        JsonNode delivery = await world.DeliveryAsync();
        Assert.Equal(("sent", 1), ((string)delivery["state"]!, (int)delivery["attempts"]!));
    }

    [Fact]
    public async Task Partial_and_skipped_are_told_and_success_cancellation_and_deletion_are_not()
    {
        NotificationWorld world = await NotificationWorld.NewAsync(server);
        var runs = new RunWorld(world.Tasks);
        (string vault, string disk) = await world.Tasks.DiskVaultAsync();

        (_, string[] backups) = await world.Tasks.ProtectAsync(vault);
        await world.Tasks.Vaults.DeleteAsync("backups/" + backups[0]);
        Gate held = world.Tasks.Engine.Hold(disk);
        await world.Tasks.CheckpointAsync(vault);
        await held.Reached;
        string running = (string)(await world.Tasks.LogsAsync("status=running"))[0]!["id"]!;
        await server.PostAsync(world.Tasks.Vaults.Caller, $"/strongroom/v1/{{project_id}}/tasks/{running}/cancel", null);
        await TaskWorld.UntilAsync(async () =>
        {
            server.Time.Advance(TimeSpan.FromHours(1));
            await Task.Delay(1);
            return (string?)(await world.Tasks.TaskAsync(running))["status"] == "failed";
        });
        Assert.Empty(await world.TypesAsync());

        world.Tasks.Engine.OnBackup(disk, _ => Task.CompletedTask);
        world.Tasks.Engine.BePartial(disk, 2, "a: not readable", "b: not readable");
        await world.Tasks.ProtectAsync(vault);
        world.Tasks.Engine.BePartial(disk, 0);
        (string scheduled, _, string[] disks) = await runs.ProtectedAsync();
        held = world.Tasks.Engine.Hold(disks[0]);
        await world.Tasks.CheckpointAsync(scheduled);
        await held.Reached;
        long skippedBefore = await SkippedAsync();
        runs.GoTo(3);
        await runs.ScheduleAsync();
        Assert.True(await SkippedAsync() > skippedBefore, "the skipped slot was not counted");
        held.Open();
        await runs.EndAsync();

        JsonArray told = await world.ListAsync();
        Assert.Equal(["slot_skipped", "task_partial"], await world.TypesAsync());
        Assert.Equal(disks[0], (string)told[0]!["notification"]!["task"]!["resource"]!["id"]!);
        JsonNode partial = told[1]!["notification"]!["task"]!;
        Assert.Equal(("partial", 2), ((string)partial["status"]!, (int)partial["problem_count"]!));
        Assert.Equal("a: not readable", (string)partial["problems"]![0]!);
    }

    [Fact]
    public async Task A_vault_that_wants_nothing_told_has_nothing_told_of_it()
    {
        NotificationWorld world = await NotificationWorld.NewAsync(server);
        (string vault, string disk) = await world.Tasks.DiskVaultAsync();
        await world.Tasks.Vaults.PutAsync("vaults/" + vault, new { vault = new { smn_notify = false, threshold = 1, billing = new { size = 1 } } });

        await world.FailAsync(vault, disk);
        await FillAsync(vault, VaultWorld.Gb);
        await world.WatchAsync();
        Assert.Empty(await world.TypesAsync());
        await world.Tasks.Vaults.PutAsync("vaults/" + vault, new { vault = new { smn_notify = true } });
        await FillAsync(vault, 0);
        await world.FailAsync(vault, disk);

        Assert.Equal(["task_failed"], await world.TypesAsync());
    }

    [Fact]
    public async Task What_is_rolled_back_is_not_told()
    {
        NotificationWorld world = await NotificationWorld.NewAsync(server);
        (string vault, _) = await world.Tasks.DiskVaultAsync();
        await world.Tasks.ProtectAsync(vault);
        string id = (string)(await world.Tasks.LogsAsync("operation_type=backup"))[0]!["id"]!;
        TaskRecord? task = await server.Database.ReadAsync(session => TaskTable.FindAsync(session, world.Tasks.ProjectId, new TaskId(id), default), default);
        TaskRecord failed = TaskEnd.Failed("BackupService.9910", "x").Of(task!);

        await Assert.ThrowsAsync<InvalidOperationException>(() => server.Database.WriteAsync(
            async session =>
            {
                await NotificationOutbox.TaskEndedAsync(session, failed, server.Time.GetUtcNow(), default);
                throw new InvalidOperationException("not after all");
            },
            default));

        Assert.Empty(await world.TypesAsync());
    }

    [Fact]
    public async Task Attempts_are_made_further_and_further_apart_until_it_is_given_up_and_shown()
    {
        await using WebhookReceiver receiver = await WebhookReceiver.StartAsync();
        NotificationWorld world = await NotificationWorld.NewAsync(server);
        await world.WebhookAsync(receiver);
        (string vault, string disk) = await world.Tasks.DiskVaultAsync();
        receiver.AnswerWith(500, times: 2);
        receiver.Reset();
        receiver.AnswerWith(404);
        await world.FailAsync(vault, disk);
        await using Sender sender = world.NewSender(change: options => options.AttemptsMax = 4);
        int[] waits = [10, 20, 40];

        for (int attempt = 1; attempt <= waits.Length; attempt++)
        {
            await sender.SendAsync();
            await sender.SendAsync();
            Assert.Equal(attempt, receiver.Received.Count);
            JsonNode waiting = await world.DeliveryAsync();
            DateTime next = DateTime.Parse((string)waiting["next_at"]!, CultureInfo.InvariantCulture);
            Assert.Equal(("waiting", TimeSpan.FromSeconds(waits[attempt - 1])), ((string)waiting["state"]!, next - server.Time.GetUtcNow().UtcDateTime));
            server.Time.Advance(TimeSpan.FromSeconds(waits[attempt - 1]));
        }

        await sender.SendAsync();
        server.Time.Advance(TimeSpan.FromHours(2));
        await sender.SendAsync();

        Assert.Equal(4, receiver.Received.Count);
        Assert.Single(receiver.Received.Select(told => told.Id).Distinct());
        JsonNode failed = Assert.Single((await world.ListAsync("state=failed"))[0]!["deliveries"]!.AsArray())!;
        Assert.Equal(("failed", 4, "It answered 404."), ((string)failed["state"]!, (int)failed["attempts"]!, (string)failed["error"]!));
    }

    [Fact]
    public async Task A_redirect_is_not_followed()
    {
        await using WebhookReceiver receiver = await WebhookReceiver.StartAsync();
        await using WebhookReceiver elsewhere = await WebhookReceiver.StartAsync();
        NotificationWorld world = await NotificationWorld.NewAsync(server);
        await world.WebhookAsync(receiver);
        (string vault, string disk) = await world.Tasks.DiskVaultAsync();
        receiver.RedirectTo(elsewhere.Url);
        await world.FailAsync(vault, disk);

        await using Sender sender = world.NewSender();
        await sender.SendAsync();

        Assert.Empty(elsewhere.Received);
        Assert.Contains("redirect", (string)(await world.DeliveryAsync())["error"]!, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_target_that_hangs_is_left_after_a_while_and_holds_up_no_other()
    {
        await using WebhookReceiver slow = await WebhookReceiver.StartAsync();
        await using WebhookReceiver quick = await WebhookReceiver.StartAsync();
        NotificationWorld world = await NotificationWorld.NewAsync(server);
        async Task<IEnumerable<JsonNode>> DeliveriesAsync() => (await world.ListAsync()).SelectMany(row => row!["deliveries"]!.AsArray())!;
        await world.WebhookAsync(slow);
        (string quickTarget, _) = await world.WebhookAsync(quick);
        (string vault, string disk) = await world.Tasks.DiskVaultAsync();
        slow.Hang();
        await world.FailAsync(vault, disk);
        await world.FailAsync(vault, disk);

        await using Sender sender = world.NewSender();
        Task sending = sender.SendAsync();
        await slow.Hanging;
        await TaskWorld.UntilAsync(async () => (await DeliveriesAsync()).Count(row => (string)row["target_id"]! == quickTarget && (string)row["state"]! == "sent") == 2);
        Assert.False(sending.IsCompleted);
        server.Time.Advance(TimeSpan.FromSeconds(16));
        await sending.WaitAsync(TimeSpan.FromSeconds(20));

        JsonNode hung = (await DeliveriesAsync()).Single(row => (string)row["state"]! == "waiting");
        Assert.Equal("It did not answer within 15 seconds.", (string)hung["error"]!);
    }

    [Fact]
    public async Task What_a_killed_process_was_sending_another_one_sends_with_the_same_id()
    {
        await using WebhookReceiver receiver = await WebhookReceiver.StartAsync();
        NotificationWorld world = await NotificationWorld.NewAsync(server);
        await world.WebhookAsync(receiver);
        (string vault, string disk) = await world.Tasks.DiskVaultAsync();
        receiver.Hang();
        await world.FailAsync(vault, disk);
        await using Sender first = world.NewSender(new FakeTimeProvider(server.Time.GetUtcNow()));
        await using Sender second = world.NewSender(new FakeTimeProvider(server.Time.GetUtcNow()));
        using var end = new CancellationTokenSource();
        Task dying = first.SendAsync(end.Token);
        await receiver.Hanging;

        await first.KillAsync();
        await end.CancelAsync();
        await Assert.ThrowsAnyAsync<Exception>(() => dying);
        await second.SendAsync();
        second.Time.Advance(NotificationTimings.LeasePeriod - TimeSpan.FromSeconds(1));
        await second.SendAsync();
        Assert.Single(receiver.Received);
        second.Time.Advance(TimeSpan.FromSeconds(1));
        await second.SendAsync();

        Assert.Equal(2, receiver.Received.Count);
        Assert.Single(receiver.Received.Select(told => told.Id).Distinct());
        Assert.Equal("sent", (string)(await world.DeliveryAsync())["state"]!);
    }

    [Fact]
    public async Task Two_processes_send_everything_and_without_faults_nothing_twice()
    {
        await using WebhookReceiver receiver = await WebhookReceiver.StartAsync();
        await using WebhookReceiver other = await WebhookReceiver.StartAsync();
        NotificationWorld world = await NotificationWorld.NewAsync(server);
        await world.WebhookAsync(receiver);
        await world.WebhookAsync(other, "task_partial");
        (string vault, string disk) = await world.Tasks.DiskVaultAsync();
        for (int i = 0; i < 12; i++)
            await world.FailAsync(vault, disk);
        world.Tasks.Engine.BePartial(disk, 1, "x");
        for (int i = 0; i < 4; i++)
            await world.Tasks.ProtectAsync(vault);

        await using Sender first = world.NewSender();
        await using Sender second = world.NewSender();
        await TaskWorld.UntilAsync(async () =>
        {
            await Task.WhenAll(first.SendAsync(), second.SendAsync());
            return (await world.ListAsync("state=waiting")).Count == 0;
        });

        Assert.Equal(16, receiver.Received.Count);
        Assert.Equal(16, receiver.Received.Select(told => told.Id).Distinct().Count());
        Assert.Equal(Enumerable.Repeat("task_partial", 4), other.Types);
    }

    [Fact]
    public async Task What_waits_for_one_target_is_bounded()
    {
        NotificationWorld world = await NotificationWorld.NewAsync(server);
        await using WebhookReceiver receiver = await WebhookReceiver.StartAsync();
        receiver.AnswerWith(503, times: 100);
        await world.WebhookAsync(receiver);
        (string vault, string disk) = await world.Tasks.DiskVaultAsync();
        for (int i = 0; i < 5; i++)
            await world.FailAsync(vault, disk);

        await using Sender sender = world.NewSender(change: options => options.BacklogCountMax = 3);
        await sender.SendAsync();

        Assert.Equal((3, 2), ((await world.ListAsync("state=waiting")).Count, (await world.ListAsync("state=failed")).Count));
    }

    [Fact]
    public async Task A_vault_above_its_threshold_is_told_once_until_it_falls_and_a_full_one_again()
    {
        NotificationWorld world = await NotificationWorld.NewAsync(server);
        (string vault, _) = await world.Tasks.DiskVaultAsync();
        Assert.Equal(200, (await world.Tasks.Vaults.PutAsync("vaults/" + vault, new { vault = new { billing = new { size = 1 }, threshold = 50 } })).Status);
        await FillAsync(vault, (VaultWorld.Gb / 2) - FakeEngine.FirstBytes - 1);
        await world.WatchAsync();

        await world.Tasks.ProtectAsync(vault);
        Assert.Empty(await world.TypesAsync());
        (_, string[] backups) = await world.Tasks.ProtectAsync(vault);
        await world.Tasks.ProtectAsync(vault);
        await world.WatchAsync();
        Assert.Equal(["vault_threshold"], await world.TypesAsync());
        JsonNode told = (await world.ListAsync())[0]!["notification"]!["vault"]!;
        Assert.Equal((vault, 50, 50), ((string)told["id"]!, (int)told["used_percent"]!, (int)told["threshold"]!));

        // It falls and rises again, by backups alone and by other changes.
        await world.Tasks.Vaults.DeleteAsync("backups/" + backups[0]);
        await FillAsync(vault, (VaultWorld.Gb / 2) - 1);
        await world.WatchAsync();
        await world.Tasks.ProtectAsync(vault);
        Assert.Equal(["vault_threshold", "vault_threshold"], await world.TypesAsync());
        await world.Tasks.Vaults.PutAsync("vaults/" + vault, new { vault = new { threshold = 60 } });
        await world.Tasks.Vaults.PutAsync("vaults/" + vault, new { vault = new { threshold = 40 } });
        Assert.Equal(3, (await world.TypesAsync()).Length);
        await FillAsync(vault, VaultWorld.Gb - FakeEngine.LaterBytes);
        await world.Tasks.ProtectAsync(vault);

        Assert.Equal("vault_full", (await world.TypesAsync())[0]);
        Assert.Equal(4, (await world.TypesAsync()).Length);

        // From full to above its threshold it falls, and nobody need hear of that.
        await FillAsync(vault, VaultWorld.Gb - 1);
        await world.WatchAsync();
        Assert.Equal(4, (await world.TypesAsync()).Length);
        await FillAsync(vault, VaultWorld.Gb);
        await world.WatchAsync();
        Assert.Equal(["vault_full", "vault_full"], (await world.TypesAsync())[..2]);
    }

    [Fact]
    public async Task A_task_that_stands_is_told_once_by_whoever_sees_it()
    {
        NotificationWorld world = await NotificationWorld.NewAsync(server);
        // As its worker writes it.
        const string Cause = "it waits for its source to open.";
        (string vault, string disk) = await world.Tasks.DiskVaultAsync();
        Gate held = world.Tasks.Engine.Hold(disk);
        await world.Tasks.CheckpointAsync(vault);
        await held.Reached;
        await TaskWorld.UntilAsync(async () => (await world.Tasks.LogsAsync("status=running")).Count == 1);

        await world.WatchAsync();
        Assert.Empty(await world.TypesAsync());
        DateTimeOffset now = server.Time.GetUtcNow();
        await server.Database.WriteAsync(
            async session => { await session.ExecuteAsync($"update tasks set stall = {Cause}, updated_at = {(now.AddMinutes(-31) - DateTimeOffset.UnixEpoch).Ticks / 10} where vault_id = {vault} and status = 'running'", default); }, default);
        await Task.WhenAll(world.WatchAsync(), world.WatchAsync());
        await world.WatchAsync();
        held.Open();
        await new RunWorld(world.Tasks).EndAsync();

        JsonNode told = Assert.Single(await world.ListAsync())!["notification"]!;
        Assert.Equal("task_stalled", (string)told["type"]!);
        Assert.Equal(Cause, (string)told["task"]!["cause"]!);
    }

    [Fact]
    public async Task A_target_is_told_only_of_what_it_wants_and_of_nothing_before_it_was_there()
    {
        await using WebhookReceiver receiver = await WebhookReceiver.StartAsync();
        await using WebhookReceiver off = await WebhookReceiver.StartAsync();
        NotificationWorld world = await NotificationWorld.NewAsync(server);
        (string vault, string disk) = await world.Tasks.DiskVaultAsync();
        await world.FailAsync(vault, disk);
        server.Time.Advance(TimeSpan.FromSeconds(1));
        await world.WebhookAsync(receiver, "task_failed", "vault_full");
        (string other, _) = await world.WebhookAsync(off);
        world.Tasks.Engine.BePartial(disk, 1, "x");
        await world.Tasks.ProtectAsync(vault);
        await world.FailAsync(vault, disk);
        await using Sender sender = world.NewSender();
        await world.PutAsync("/targets/" + other, new { target = new { enabled = false } });

        await sender.SendAsync();

        Assert.Equal(["task_failed"], receiver.Types);
        Assert.Empty(off.Received);
    }

    [Fact]
    public async Task A_test_goes_to_its_target_alone_and_says_what_became_of_it()
    {
        await using WebhookReceiver receiver = await WebhookReceiver.StartAsync();
        await using WebhookReceiver other = await WebhookReceiver.StartAsync();
        NotificationWorld world = await NotificationWorld.NewAsync(server);
        (string id, _) = await world.WebhookAsync(receiver, "vault_full");
        await world.WebhookAsync(other);

        TestReply reply = await world.PostAsync($"/targets/{id}/test", null);
        await using Sender sender = world.NewSender();
        await sender.SendAsync();

        Assert.Equal((202, "test"), (reply.Status, Assert.Single(receiver.Types)));
        Assert.Empty(other.Received);
        TestReply shown = await world.GetAsync("/" + (string)reply.Json["notification"]!["notification"]!["id"]!);
        Assert.Equal("sent", (string)shown.Json["notification"]!["deliveries"]![0]!["state"]!);
    }

    [Fact]
    public async Task What_waits_for_a_deleted_target_is_given_up_and_old_notifications_go()
    {
        await using WebhookReceiver receiver = await WebhookReceiver.StartAsync();
        receiver.AnswerWith(500);
        NotificationWorld world = await NotificationWorld.NewAsync(server);
        (string id, _) = await world.WebhookAsync(receiver);
        (string vault, string disk) = await world.Tasks.DiskVaultAsync();
        await world.FailAsync(vault, disk);
        await using Sender sender = world.NewSender();
        await sender.SendAsync();

        Assert.Equal(204, (await world.DeleteAsync("/targets/" + id)).Status);
        Assert.Equal("failed", (string)(await world.DeliveryAsync())["state"]!);
        server.Time.Sleep(TimeSpan.FromDays(29));
        await world.WatchAsync();
        Assert.Single(await world.ListAsync());
        await server.Database.WriteAsync(
            async session => { await session.ExecuteAsync($"update notification_events set created_at = created_at - {2L * 86_400 * 1_000_000}", default); }, default);
        await world.WatchAsync();
        Assert.Empty(await world.ListAsync());
    }

    [Fact]
    public async Task The_installations_own_targets_are_told_of_every_project_and_projects_do_not_see_them()
    {
        await using WebhookReceiver receiver = await WebhookReceiver.StartAsync();
        string secret = WebhookSignature.NewSecret();
        NotificationWorld[] worlds = [await NotificationWorld.NewAsync(server), await NotificationWorld.NewAsync(server)];
        await using Sender sender = worlds[0].NewSender(change: options => (options.WebhookUrl, options.WebhookSecret) = (receiver.Url, secret));
        await sender.SendAsync();
        receiver.Received.Clear();
        foreach (NotificationWorld world in worlds)
        {
            (string vault, string disk) = await world.Tasks.DiskVaultAsync();
            await world.FailAsync(vault, disk);
        }

        await sender.SendAsync();

        Assert.Equal(worlds.Select(world => world.Tasks.ProjectId).Order(), receiver.Received.Select(told => (string)told.Json["project_id"]!).Order());
        Assert.All(receiver.Received, told => Assert.True(told.IsSignedWith(secret)));
        Assert.Empty((await worlds[0].ListAsync())[0]!["deliveries"]!.AsArray());
    }

    [Fact]
    public async Task A_day_is_summed_up_once_for_whoever_has_a_target()
    {
        await using WebhookReceiver receiver = await WebhookReceiver.StartAsync();
        NotificationWorld world = await NotificationWorld.NewAsync(server);
        await world.WebhookAsync(receiver, "daily_summary");
        var runs = new RunWorld(world.Tasks);
        (string scheduled, _, string[] disks) = await runs.ProtectedAsync();
        (string vault, string disk) = await world.Tasks.DiskVaultAsync();
        string loose = await world.Tasks.Vaults.NewDiskAsync("loose");
        // The first day ends before anything happens.
        runs.GoTo(7);
        await world.WatchAsync();
        await world.Tasks.ProtectAsync(vault);
        await world.FailAsync(vault, disk);
        world.Tasks.Engine.BePartial(disk, 1, "x");
        await world.Tasks.ProtectAsync(vault);
        world.Tasks.Engine.OnBackup(disks[0], _ => throw new Drivers.DriverException(Drivers.DriverFailure.Failed, "/dev/y", "read", "no medium"));
        runs.GoTo(3);
        await runs.RunAsync();

        runs.GoTo(7);
        await Task.WhenAll(world.WatchAsync(), world.WatchAsync());
        await world.WatchAsync();
        await using Sender sender = world.NewSender();
        await sender.SendAsync();

        Assert.Equal(2, receiver.Received.Count);
        JsonNode told = receiver.Received.Last().Json;
        JsonNode summary = told["summary"]!;
        Assert.Equal((1, 2, 1, 0), ((int)summary["succeeded"]!, (int)summary["failed"]!, (int)summary["partial"]!, (int)summary["skipped"]!));
        Assert.EndsWith("T07:00:00Z", (string)summary["until"]!, StringComparison.Ordinal);
        Assert.Equal(TimeSpan.FromDays(1), DateTime.Parse((string)summary["until"]!, CultureInfo.InvariantCulture) - DateTime.Parse((string)summary["from"]!, CultureInfo.InvariantCulture));
        string[] unprotected = [.. summary["unprotected"]!.AsArray().Select(row => (string)row!["id"]!)];
        Assert.Equal(new[] { disk, disks[0], loose }.Order(), unprotected.Order());
        Assert.Equal(vault, (string)summary["fullest_vaults"]![0]!["id"]!);
        Assert.StartsWith("1 succeeded, 2 failed, 1 partial, 0 skipped; 3 resources", (string)told["text"]!, StringComparison.Ordinal);
        string metrics = (await server.GetAsync(null, "/metrics")).Text;
        Assert.Contains($"cbr_rpo_breach{{resource_id=\"{disks[0]}\",vault_id=\"{scheduled}\",project_id=\"{world.Tasks.ProjectId}\"}} 1\n", metrics, StringComparison.Ordinal);
        Assert.Contains($"cbr_rpo_breach{{resource_id=\"{disk}\",vault_id=\"{vault}\",project_id=\"{world.Tasks.ProjectId}\"}} 0\n", metrics, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_slot_that_finds_its_vault_full_is_told()
    {
        NotificationWorld world = await NotificationWorld.NewAsync(server);
        var runs = new RunWorld(world.Tasks);
        (string vault, _, _) = await runs.ProtectedAsync();
        await FillAsync(vault, 100 * VaultWorld.Gb);

        runs.GoTo(3);
        await runs.ScheduleAsync();

        JsonNode told = Assert.Single(await world.ListAsync())!["notification"]!;
        Assert.Equal(("task_failed", "BackupService.6114"), ((string)told["type"]!, (string)told["task"]!["error"]!["code"]!));
    }

    [Fact]
    public async Task A_partial_backup_is_no_success_to_the_metrics()
    {
        NotificationWorld world = await NotificationWorld.NewAsync(server);
        (string vault, string disk) = await world.Tasks.DiskVaultAsync();
        world.Tasks.Engine.BePartial(disk, 1, "x");
        await world.Tasks.ProtectAsync(vault);
        server.Time.Advance(TimeSpan.FromMinutes(1));

        string metrics = (await server.GetAsync(null, "/metrics")).Text;

        Assert.Contains(
            $"cbr_backup_last_success_timestamp_seconds{{resource_id=\"{disk}\",vault_id=\"{vault}\",project_id=\"{world.Tasks.ProjectId}\"}} 0\n",
            metrics,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_claim_is_good_for_one_and_void_after_the_next()
    {
        NotificationWorld world = await NotificationWorld.NewAsync(server);
        await using WebhookReceiver receiver = await WebhookReceiver.StartAsync();
        receiver.AnswerWith(500);
        (string target, _) = await world.WebhookAsync(receiver);
        (string vault, string disk) = await world.Tasks.DiskVaultAsync();
        await world.FailAsync(vault, disk);
        await using Sender sender = world.NewSender();
        await sender.SendAsync();
        string id = (string)(await world.ListAsync())[0]!["notification"]!["id"]!;
        Delivery seen = Assert.Single(await server.Database.ReadAsync(session => NotificationTable.ListDeliveriesAsync(session, [id], default), default));
        Task<bool> Claim(Delivery delivery) => server.Database.WriteRelaxedAsync(session => NotificationTable.ClaimAsync(session, delivery, default), default);
        Task<bool> Settle(Delivery delivery) => server.Database.WriteRelaxedAsync(session => NotificationTable.SettleAsync(session, delivery, default), default);
        Delivery first = seen with { IsClaimed = true, Claims = seen.Claims + 1 };

        Assert.True(await Claim(seen));
        Assert.False(await Claim(seen));
        Assert.True(await Claim(first));
        Assert.False(await Settle(first with { State = DeliveryState.Sent }));
        Assert.True(await Settle(first with { State = DeliveryState.Sent, Claims = first.Claims + 1 }));
        Assert.Equal((target, "sent"), ((string)(await world.DeliveryAsync())["target_id"]!, (string)(await world.DeliveryAsync())["state"]!));
    }

    private async Task<long> SkippedAsync()
    {
        const string series = "cbr_schedule_skipped_total ";
        string line = (await server.GetAsync(null, "/metrics")).Text.Split('\n').Single(line => line.StartsWith(series, StringComparison.Ordinal));
        return long.Parse(line[series.Length..], CultureInfo.InvariantCulture);
    }

    private Task FillAsync(string vault, long bytes) => server.Database.WriteAsync(
        async session => { await session.ExecuteAsync($"update vaults set used_bytes = {bytes}, version = version + 1 where id = {vault}", default); }, default);
}

public sealed class NotificationOnSqliteTests(SqliteTellingServer server) : NotificationTests(server), IClassFixture<SqliteTellingServer>;

public sealed class NotificationOnPostgresTests : NotificationTests, IClassFixture<PostgresTellingServer>
{
    public NotificationOnPostgresTests(PostgresTellingServer server)
        : base(server) => TestDatabase.SkipUnlessPostgres();
}
