using System.Text.Json.Nodes;
using static Strongroom.Server.Tests.Vaults.VaultWorld;

namespace Strongroom.Server.Tests.Vaults;

public abstract class AddResourcesTests(ServerFixture server)
{
    [Fact]
    public async Task The_answer_lists_the_ids_in_the_order_of_the_request_and_show_has_them_at_once()
    {
        VaultWorld world = await NewAsync(server);
        string vault = await world.VaultAsync();
        string[] disks = await world.NewDisksAsync(3);

        TestReply reply = await world.AddAsync(vault, Disk(disks[2]), Disk(disks[0]), Disk(disks[1]));

        Assert.Equal(200, reply.Status);
        Assert.Equal($$"""{"add_resource_ids":["{{disks[2]}}","{{disks[0]}}","{{disks[1]}}"]}""", reply.Text);
        Assert.Equal([disks[2], disks[0], disks[1]], Ids(await world.ShowAsync(vault)));
    }

    [Fact]
    public async Task A_resource_takes_its_real_size_rounded_up_to_whole_GB()
    {
        VaultWorld world = await NewAsync(server);
        string vault = await world.VaultAsync();
        string tiny = await world.NewDiskAsync(sizeBytes: 1);
        string exact = await world.NewDiskAsync(sizeBytes: 3 * Gb);
        string above = await world.NewDiskAsync(sizeBytes: (3 * Gb) + 1);

        await world.AddAsync(vault, Disk(tiny), Disk(exact), Disk(above));

        JsonNode shown = await world.ShowAsync(vault);
        Assert.Equal([1, 3, 4], shown["resources"]!.AsArray().Select(resource => (int)resource!["size"]!));
        Assert.Equal(8, (int)shown["billing"]!["allocated"]!);
    }

    [Fact]
    public async Task A_server_takes_the_sum_of_its_disks_without_the_excluded_ones()
    {
        VaultWorld world = await NewAsync(server);
        string vault = await world.VaultAsync("server");
        (string serverId, string[] disks) = await world.NewServerAsync(Gb, 2 * Gb, 5 * Gb);

        await world.AddAsync(vault, ServerOf(serverId));
        int whole = (int)(await world.ShowAsync(vault))["billing"]!["allocated"]!;
        await world.AddAsync(vault, ServerOf(serverId, disks[2], disks[0]));
        JsonNode shown = await world.ShowAsync(vault);

        Assert.Equal(8, whole);
        Assert.Equal(2, (int)shown["billing"]!["allocated"]!);
        Assert.Equal([disks[2], disks[0]], shown["resources"]![0]!["extra_info"]!["exclude_volumes"]!.AsArray().Select(disk => (string)disk!));
    }

    [Fact]
    public async Task The_name_is_the_given_one_or_else_the_registered_one()
    {
        VaultWorld world = await NewAsync(server);
        string vault = await world.VaultAsync();
        string plain = await world.NewDiskAsync("registered");
        string given = await world.NewDiskAsync("other");
        string empty = await world.NewDiskAsync("third");
        string longest = await world.NewDiskAsync("fourth");
        string wide = string.Concat(Enumerable.Repeat("\U0001F5C4", 255));

        await world.AddAsync(vault, Disk(plain), With(Disk(given), "name", "Ünïcode <name>"), With(Disk(empty), "name", ""), With(Disk(longest), "name", wide));

        Assert.Equal(
            ["registered", "Ünïcode <name>", "", wide],
            (await world.ShowAsync(vault))["resources"]!.AsArray().Select(resource => (string)resource!["name"]!));
    }

    [Fact]
    public async Task Sending_a_resource_again_replaces_its_extra_info_and_changes_nothing_else()
    {
        VaultWorld world = await NewAsync(server);
        string vault = await world.VaultAsync("server");
        (string first, string[] disks) = await world.NewServerAsync(Gb, Gb);
        (string second, _) = await world.NewServerAsync(Gb);
        await world.AddAsync(vault, ServerOf(first, disks[1]), ServerOf(second));
        string before = (await world.ShowAsync(vault)).ToJsonString();

        TestReply same = await world.AddAsync(vault, With(ServerOf(first, disks[1]), "name", "new name"));
        string unchanged = (await world.ShowAsync(vault)).ToJsonString();
        TestReply cleared = await world.AddAsync(
            vault, With(ServerOf(first), "extra_info", new JsonObject { ["exclude_volumes"] = new JsonArray() }));
        JsonNode after = await world.ShowAsync(vault);

        Assert.Equal($$"""{"add_resource_ids":["{{first}}"]}""", same.Text);
        Assert.Equal(before, unchanged);
        Assert.Equal($$"""{"add_resource_ids":["{{first}}"]}""", cleared.Text);
        Assert.Equal([first, second], Ids(after));
        Assert.Equal("{}", after["resources"]![0]!["extra_info"]!.ToJsonString());
        Assert.Equal(2, (int)after["resources"]![0]!["size"]!);
    }

    [Fact]
    public async Task Included_disks_are_kept_shown_and_the_only_ones_counted()
    {
        VaultWorld world = await NewAsync(server);
        string vault = await world.VaultAsync("server");
        (string serverId, string[] disks) = await world.NewServerAsync(Gb, 2 * Gb, 4 * Gb);
        string extraInfo = $$"""{"include_volumes":[{"id":"{{disks[1]}}","os_version":"Debian 13"},{"id":"{{disks[0]}}"}]}""";

        TestReply reply = await world.AddAsync(vault, With(ServerOf(serverId), "extra_info", JsonNode.Parse(extraInfo)!));

        JsonNode shown = await world.ShowAsync(vault);
        Assert.Equal(200, reply.Status);
        Assert.Equal(extraInfo, shown["resources"]![0]!["extra_info"]!.ToJsonString());
        Assert.Equal(3, (int)shown["resources"]![0]!["size"]!);
    }

    [Theory]
    [InlineData("server", "OS::Nova::Server")]
    [InlineData("disk", "OS::Cinder::Volume")]
    [InlineData("turbo", "OS::Sfs::Turbo")]
    public async Task Every_kind_of_resource_goes_into_its_kind_of_vault_and_no_other(string objectType, string type)
    {
        VaultWorld world = await NewAsync(server);
        Dictionary<string, string> ids = new()
        {
            ["OS::Nova::Server"] = (await world.NewServerAsync(1)).Id,
            ["OS::Cinder::Volume"] = await world.NewDiskAsync(),
            ["OS::Sfs::Turbo"] = await world.NewFileSystemAsync(),
        };
        string vault = await world.VaultAsync(objectType);

        foreach ((string other, string id) in ids.Where(pair => pair.Key != type))
            AssertRefused(await world.AddAsync(vault, Named(id, other)), 400, "6102", id, other);
        Assert.Equal(200, (await world.AddAsync(vault, Named(ids[type], type))).Status);
    }

    [Theory]
    [InlineData("OS::Ironic::BareMetalServer", "server", "6302", 404)]
    [InlineData("OS::Native::Server", "server", "6102", 400)]
    [InlineData("OS::Workspace::DesktopV2", "workspace", "6302", 404)]
    [InlineData("OS::Nova::Volume", "disk", "9900", 400)]
    [InlineData("os::nova::server", "server", "9900", 400)]
    [InlineData("", "server", "9900", 400)]
    public async Task Types_the_wire_knows_are_looked_for_and_others_are_malformed(string type, string objectType, string code, int status)
    {
        VaultWorld world = await NewAsync(server);
        string vault = await world.VaultAsync(objectType);

        AssertRefused(await world.AddAsync(vault, Named(UnknownId, type)), status, code);
    }

    [Theory]
    [InlineData("", "body")]
    [InlineData("   ", "JSON")]
    [InlineData("null", "object")]
    [InlineData("[]", "object")]
    [InlineData("\"text\"", "object")]
    [InlineData("7", "object")]
    [InlineData("{", "JSON")]
    [InlineData("{}", "resources is missing")]
    [InlineData("{}}", "JSON")]
    [InlineData("{} {}", "JSON")]
    [InlineData("{\"resources\":null}", "resources")]
    [InlineData("{\"resources\":{}}", "resources must be a list")]
    [InlineData("{\"resources\":\"x\"}", "resources must be a list")]
    [InlineData("{\"resources\":[]}", "1 to 256")]
    [InlineData("{\"resources\":[]}//", "JSON")]
    [InlineData("{\"resources\":[1]}", "resources[0]")]
    [InlineData("{\"resources\":[null]}", "resources[0]")]
    [InlineData("{\"resources\":[[]]}", "resources[0]")]
    [InlineData("{\"resources\":[{}]}", "resources[0].id is missing")]
    [InlineData("{\"resources\":[{\"id\":\"00000000-1111-4222-8333-444444444444\"}]}", "resources[0].type is missing")]
    [InlineData("{\"resources\":[{\"id\":null,\"type\":\"OS::Cinder::Volume\"}]}", "resources[0].id")]
    [InlineData("{\"resources\":[{\"id\":1,\"type\":\"OS::Cinder::Volume\"}]}", "resources[0].id must be text")]
    [InlineData("{\"resources\":[{\"id\":\"x\",\"type\":\"OS::Cinder::Volume\"}]}", "resources[0].id must be a UUID")]
    [InlineData("{\"resources\":[{\"id\":\"00000000-1111-4222-8333-44444444444A\",\"type\":\"OS::Cinder::Volume\"}]}", "lower case")]
    [InlineData("{\"resources\":[{\"id\":\"00000000-1111-4222-8333-444444444444\",\"type\":null}]}", "resources[0].type")]
    [InlineData("{\"resources\":[{\"id\":\"00000000-1111-4222-8333-444444444444\",\"type\":7}]}", "resources[0].type must be text")]
    [InlineData("{\"resources\":[{\"id\":\"00000000-1111-4222-8333-444444444444\",\"type\":\"OS::Cinder::Volume\",\"name\":7}]}", "resources[0].name must be text")]
    [InlineData("{\"resources\":[{\"id\":\"00000000-1111-4222-8333-444444444444\",\"type\":\"OS::Cinder::Volume\",\"extra_info\":[]}]}", "resources[0].extra_info must be an object")]
    [InlineData("{\"resources\":[{\"id\":\"00000000-1111-4222-8333-444444444444\",\"type\":\"OS::Cinder::Volume\",\"extra_info\":{\"exclude_volumes\":{}}}]}", "exclude_volumes must be a list")]
    [InlineData("{\"resources\":[{\"id\":\"00000000-1111-4222-8333-444444444444\",\"type\":\"OS::Cinder::Volume\",\"extra_info\":{\"exclude_volumes\":[\"x\"]}}]}", "resources[0].extra_info.exclude_volumes[0]")]
    [InlineData("{\"resources\":[{\"id\":\"00000000-1111-4222-8333-444444444444\",\"type\":\"OS::Cinder::Volume\",\"extra_info\":{\"include_volumes\":[{}]}}]}", "resources[0].extra_info.include_volumes[0].id is missing")]
    [InlineData("{\"resources\":[],\"resources\":[]}", "JSON")]
    [InlineData("{\"resources\":[{\"id\":\"00000000-1111-4222-8333-444444444444\",\"id\":\"00000000-1111-4222-8333-444444444444\",\"type\":\"OS::Cinder::Volume\"}]}", "JSON")]
    [InlineData("{\"other\":\"\\ud800\",\"resources\":[]}", "surrogate")]
    [InlineData("{\"\\udfff\":1,\"resources\":[]}", "surrogate")]
    [InlineData("{\"resources\":[{\"id\":\"00000000-1111-4222-8333-444444444444\",\"type\":\"OS::Cinder::Volume\",\"name\":\"a\\u0000b\"}]}", "null character")]
    public async Task A_body_that_breaks_a_rule_is_400_and_says_which(string body, string expected)
    {
        VaultWorld world = await NewAsync(server);
        string vault = await world.VaultAsync();

        AssertRefused(await world.PostAsync($"vaults/{vault}/addresources", body), 400, "9900", expected);
        Assert.Empty(Ids(await world.ShowAsync(vault)));
    }

    [Fact]
    public async Task Names_of_255_characters_pass_and_of_256_do_not()
    {
        VaultWorld world = await NewAsync(server);
        string vault = await world.VaultAsync();
        string disk = await world.NewDiskAsync();

        AssertRefused(await world.AddAsync(vault, With(Disk(disk), "name", new string('n', 256))), 400, "9900", "resources[0].name", "256", "255");
        Assert.Equal(200, (await world.AddAsync(vault, With(Disk(disk), "name", new string('n', 255)))).Status);
    }

    [Fact]
    public async Task Nesting_to_32_levels_passes_and_33_do_not()
    {
        VaultWorld world = await NewAsync(server);
        string vault = await world.VaultAsync();
        string disk = await world.NewDiskAsync();
        string Body(int levels) =>
            $$"""{"ignored":{{new string('[', levels)}}{{new string(']', levels)}},"resources":[{"id":"{{disk}}","type":"OS::Cinder::Volume"}]}""";

        AssertRefused(await world.PostAsync($"vaults/{vault}/addresources", Body(32)), 400, "9900");
        AssertRefused(await world.PostAsync($"vaults/{vault}/addresources", Body(50_000)), 400, "9900");
        Assert.Equal(200, (await world.PostAsync($"vaults/{vault}/addresources", Body(31))).Status);
    }

    [Fact]
    public async Task Unknown_members_are_ignored_and_null_is_absent_for_what_is_optional()
    {
        VaultWorld world = await NewAsync(server);
        string vault = await world.VaultAsync();
        string disk = await world.NewDiskAsync("registered");

        TestReply reply = await world.PostAsync(
            $"vaults/{vault}/addresources",
            $$$"""{"_":"x","resources":[{"zone":1,"id":"{{{disk}}}","type":"OS::Cinder::Volume","name":null,"extra_info":{"exclude_volumes":null,"x":{} } }],"dry_run":true}""");

        JsonNode resource = (await world.ShowAsync(vault))["resources"]![0]!;
        Assert.Equal(200, reply.Status);
        Assert.Equal("registered", (string?)resource["name"]);
        Assert.Equal("{}", resource["extra_info"]!.ToJsonString());
    }

    [Theory]
    [InlineData("application/json", 200)]
    [InlineData("application/json;charset=UTF-8", 200)]
    [InlineData("application/json; charset=utf-8", 200)]
    [InlineData("Application/JSON;Charset=\"Utf-8\"", 200)]
    [InlineData("application/json; charset=iso-8859-1", 400)]
    [InlineData("text/plain", 400)]
    [InlineData("application/x-www-form-urlencoded", 400)]
    [InlineData("application/jsonx", 400)]
    [InlineData("", 400)]
    [InlineData(null, 400)]
    public async Task The_body_must_be_said_to_be_json(string? contentType, int status)
    {
        VaultWorld world = await NewAsync(server);
        string vault = await world.VaultAsync();
        string disk = await world.NewDiskAsync();
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/v3/{world.ProjectId}/vaults/{vault}/addresources");
        request.Headers.Add("X-Auth-Token", world.Caller.Token);
        request.Content = new ByteArrayContent(System.Text.Encoding.UTF8.GetBytes(new JsonObject { ["resources"] = new JsonArray(Disk(disk)) }.ToJsonString()));
        if (contentType is not null)
            request.Content.Headers.TryAddWithoutValidation("Content-Type", contentType);

        using HttpResponseMessage reply = await server.Client.SendAsync(request);

        Assert.Equal(status, (int)reply.StatusCode);
    }

    [Fact]
    public async Task Bytes_that_are_not_utf8_are_refused()
    {
        VaultWorld world = await NewAsync(server);
        string vault = await world.VaultAsync();
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/v3/{world.ProjectId}/vaults/{vault}/addresources");
        request.Headers.Add("X-Auth-Token", world.Caller.Token);
        request.Content = new ByteArrayContent([.. "{\"resources\":[],\"x\":\""u8, 0xff, 0xfe, .. "\"}"u8]);
        request.Content.Headers.TryAddWithoutValidation("Content-Type", "application/json");

        using HttpResponseMessage reply = await server.Client.SendAsync(request);

        AssertRefused(new TestReply(reply, await reply.Content.ReadAsStringAsync()), 400, "9900", "UTF-8");
    }

    [Fact]
    public async Task A_resource_named_twice_in_one_request_is_6104()
    {
        VaultWorld world = await NewAsync(server);
        string vault = await world.VaultAsync();
        string disk = await world.NewDiskAsync();

        AssertRefused(await world.AddAsync(vault, Disk(disk), Disk(disk)), 400, "6104", disk);
        Assert.Empty(Ids(await world.ShowAsync(vault)));
    }

    [Fact]
    public async Task An_unknown_resource_is_404_with_its_id_and_nothing_is_added()
    {
        VaultWorld world = await NewAsync(server);
        VaultWorld stranger = await NewAsync(server);
        string vault = await world.VaultAsync();
        string disk = await world.NewDiskAsync();
        string foreign = await stranger.NewDiskAsync();
        (string serverId, _) = await world.NewServerAsync(1);

        foreach (string missing in (string[])[UnknownId, foreign, serverId])
        {
            TestReply reply = await world.AddAsync(vault, Disk(disk), Disk(missing));
            AssertRefused(reply, 404, "6302");
            Assert.Equal(missing, System.Text.RegularExpressions.Regex.Match(reply.ErrorMessage!, "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}").Value);
        }

        Assert.Empty(Ids(await world.ShowAsync(vault)));
    }

    [Fact]
    public async Task A_resource_in_another_backup_vault_is_6103_and_may_be_in_a_replication_vault_besides()
    {
        VaultWorld world = await NewAsync(server);
        string first = await world.VaultAsync("turbo");
        string second = await world.VaultAsync("turbo");
        string replicas = await world.VaultAsync("turbo", protectType: "replication");
        string otherReplicas = await world.VaultAsync("turbo", protectType: "replication");
        string files = await world.NewFileSystemAsync();
        await world.AddAsync(first, FileSystem(files));

        AssertRefused(await world.AddAsync(second, FileSystem(files)), 400, "6103", files, first);
        Assert.Equal(200, (await world.AddAsync(replicas, FileSystem(files))).Status);
        AssertRefused(await world.AddAsync(otherReplicas, FileSystem(files)), 400, "6103", files, replicas);
        await world.RemoveAsync(first, files);
        Assert.Equal(200, (await world.AddAsync(second, FileSystem(files))).Status);
    }

    [Fact]
    public async Task A_resource_is_free_again_once_its_vault_is_deleted()
    {
        VaultWorld world = await NewAsync(server);
        string first = await world.VaultAsync();
        string second = await world.VaultAsync();
        string disk = await world.NewDiskAsync();
        await world.AddAsync(first, Disk(disk));
        await world.DeleteAsync("vaults/" + first);

        Assert.Equal(200, (await world.AddAsync(second, Disk(disk))).Status);
    }

    [Fact]
    public async Task Exclusions_must_be_disks_of_the_server_and_leave_one()
    {
        VaultWorld world = await NewAsync(server);
        string vault = await world.VaultAsync("server");
        (string serverId, string[] disks) = await world.NewServerAsync(1, 1);
        (_, string[] others) = await world.NewServerAsync(1);

        AssertRefused(await world.AddAsync(vault, ServerOf(serverId, UnknownId)), 400, "9900", UnknownId);
        AssertRefused(await world.AddAsync(vault, ServerOf(serverId, others[0])), 400, "9900", others[0]);
        AssertRefused(await world.AddAsync(vault, ServerOf(serverId, disks)), 400, "9900", "at least one");
        Assert.Equal(200, (await world.AddAsync(vault, ServerOf(serverId, disks[0]))).Status);
        AssertRefused(await world.AddAsync(vault, ServerOf(serverId, disks)), 400, "9900", "at least one");
    }

    [Fact]
    public async Task A_disk_has_no_disks_to_exclude()
    {
        VaultWorld world = await NewAsync(server);
        string vault = await world.VaultAsync();
        string disk = await world.NewDiskAsync();

        AssertRefused(
            await world.AddAsync(vault, With(Disk(disk), "extra_info", new JsonObject { ["exclude_volumes"] = new JsonArray(disk) })), 400, "9900", disk);
    }

    [Fact]
    public async Task A_disk_is_never_protected_twice_through_its_server()
    {
        VaultWorld world = await NewAsync(server);
        string servers = await world.VaultAsync("server");
        string disks = await world.VaultAsync("disk");
        (string first, string[] ofFirst) = await world.NewServerAsync(1, 1);
        (string second, string[] ofSecond) = await world.NewServerAsync(1, 1);

        await world.AddAsync(disks, Disk(ofFirst[1]));
        AssertRefused(await world.AddAsync(servers, ServerOf(first)), 500, "6137", ofFirst[1], disks);
        Assert.Equal(200, (await world.AddAsync(servers, ServerOf(first, ofFirst[1]))).Status);
        AssertRefused(await world.AddAsync(servers, ServerOf(first)), 500, "6137", ofFirst[1]);

        await world.AddAsync(servers, ServerOf(second, ofSecond[0]));
        AssertRefused(await world.AddAsync(disks, Disk(ofSecond[1])), 400, "7006", ofSecond[1], servers);
        Assert.Equal(200, (await world.AddAsync(disks, Disk(ofSecond[0]))).Status);
    }

    [Fact]
    public async Task The_sizes_must_fit_into_the_vault_and_may_fill_it()
    {
        VaultWorld world = await NewAsync(server);
        string vault = await world.VaultAsync(sizeGb: 10);
        string nine = await world.NewDiskAsync(sizeBytes: 9 * Gb);
        string one = await world.NewDiskAsync(sizeBytes: Gb);
        string another = await world.NewDiskAsync(sizeBytes: 1);

        Assert.Equal(200, (await world.AddAsync(vault, Disk(nine), Disk(one))).Status);
        AssertRefused(await world.AddAsync(vault, Disk(another)), 400, "6101", "10 GB", "11 GB");
        Assert.Equal(200, (await world.AddAsync(vault, Disk(nine))).Status);
        Assert.Equal(10, (int)(await world.ShowAsync(vault))["billing"]!["allocated"]!);
    }

    [Fact]
    public async Task A_vault_takes_256_resources_in_one_call_and_not_257()
    {
        VaultWorld world = await NewAsync(server);
        string vault = await world.VaultAsync(sizeGb: 1000);
        string[] disks = await world.NewDisksAsync(257);

        AssertRefused(await world.AddAsync(vault, [.. disks.Select(Disk)]), 400, "9900", "257", "256");
        TestReply full = await world.AddAsync(vault, [.. disks.Take(256).Select(Disk)]);
        Assert.Equal(200, full.Status);
        Assert.Equal(disks.Take(256), full.Json["add_resource_ids"]!.AsArray().Select(id => (string)id!));
        Assert.Equal(disks.Take(256), Ids(await world.ShowAsync(vault)));

        AssertRefused(await world.AddAsync(vault, Disk(disks[256])), 400, "6100", "256");
        AssertRefused(await world.AddAsync(vault, Disk(disks[0]), Disk(disks[256])), 400, "6100");
        Assert.Equal(200, (await world.AddAsync(vault, [.. disks.Take(256).Select(Disk)])).Status);
        await world.RemoveAsync(vault, disks[3]);
        Assert.Equal(200, (await world.AddAsync(vault, Disk(disks[256]))).Status);
    }

    [Fact]
    public async Task The_vaults_status_decides_before_any_other_rule()
    {
        VaultWorld world = await NewAsync(server);
        string vault = await world.VaultAsync();
        string disk = await world.NewDiskAsync();

        foreach (string status in (string[])["frozen", "deleting", "error"])
        {
            await SetStatusAsync(vault, status);
            AssertRefused(await world.AddAsync(vault, Disk(UnknownId)), 400, "6112", status);
            AssertRefused(await world.PostAsync($"vaults/{vault}/addresources", "{}"), 400, "9900");
        }

        await SetStatusAsync(vault, "lock");
        Assert.Equal(200, (await world.AddAsync(vault, Disk(disk))).Status);
    }

    [Fact]
    public async Task A_resource_on_its_way_out_of_a_vault_is_6134_here_and_elsewhere()
    {
        VaultWorld world = await NewAsync(server);
        string vault = await world.VaultAsync();
        string other = await world.VaultAsync();
        string disk = await world.NewDiskAsync();
        await world.AddAsync(vault, Disk(disk));
        await server.Database.WriteAsync(
            async session => await Strongroom.Server.Vaults.VaultTable.SetProtectStatusAsync(session, new(vault), new(disk), "removing", default), default);

        AssertRefused(await world.AddAsync(vault, Disk(disk)), 400, "6134", disk);
        AssertRefused(await world.AddAsync(other, Disk(disk)), 400, "6134", disk);
        AssertRefused(await world.RemoveAsync(vault, disk), 400, "6134", disk);
        AssertRefused(await world.PutAsync($"vaults/{vault}/set-resources", new { resource_ids = new[] { disk }, action = "suspend" }), 400, "6134", disk);
    }

    [Fact]
    public async Task Two_vaults_that_want_one_resource_at_once_do_not_both_get_it()
    {
        VaultWorld world = await NewAsync(server);
        string[] vaults = [await world.VaultAsync(), await world.VaultAsync(), await world.VaultAsync(), await world.VaultAsync()];
        string[] disks = await world.NewDisksAsync(8);

        foreach (string disk in disks)
        {
            TestReply[] replies = await Task.WhenAll(vaults.Select(vault => world.AddAsync(vault, Disk(disk))));

            Assert.Single(replies, reply => reply.Status == 200);
            Assert.Equal(3, replies.Count(reply => reply.ErrorCode == "BackupService.6103"));
        }
    }

    [Fact]
    public async Task The_recorded_example_of_the_api_page_is_answered_as_printed()
    {
        VaultWorld world = await NewAsync(server);
        string vault = await world.VaultAsync("server");
        (string serverId, string[] disks) = await world.NewServerAsync(1, 1);

        TestReply reply = await world.PostAsync(
            $"vaults/{vault}/addresources",
            $$"""
            {
              "resources" : [ {
                "extra_info" : {
                  "exclude_volumes" : [ "{{disks[1]}}" ]
                },
                "id" : "{{serverId}}",
                "type" : "OS::Nova::Server"
              } ]
            }
            """ + "\n");

        Assert.Equal(200, reply.Status);
        Assert.Equal($$"""{"add_resource_ids":["{{serverId}}"]}""", reply.Text);
    }

    private Task<bool> SetStatusAsync(string vault, string status) =>
        server.Database.WriteAsync(
            async session =>
            {
                await Strongroom.Server.Vaults.VaultTable.SetStatusAsync(session, new(vault), status, default);
                return true;
            },
            default);

    private static IEnumerable<string> Ids(JsonNode vault) => vault["resources"]!.AsArray().Select(resource => (string)resource!["id"]!);

    private static JsonObject With(JsonObject resource, string member, JsonNode value)
    {
        resource[member] = value;
        return resource;
    }
}

public sealed class AddResourcesOnSqliteTests(SqliteServer server) : AddResourcesTests(server), IClassFixture<SqliteServer>;

public sealed class AddResourcesOnPostgresTests : AddResourcesTests, IClassFixture<PostgresServer>
{
    public AddResourcesOnPostgresTests(PostgresServer server)
        : base(server) => TestDatabase.SkipUnlessPostgres();
}
