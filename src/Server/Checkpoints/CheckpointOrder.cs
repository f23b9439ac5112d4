using Strongroom.Server.Http;
using Strongroom.Server.Resources;
using Strongroom.Server.Tasks;
using Strongroom.Server.Vaults;

namespace Strongroom.Server.Checkpoints;

/// <summary>What a request to back up a vault asks for (atlas of backups, section 3.1).</summary>
internal sealed record CheckpointOrder
{
    // More than a vault can hold cannot be meant.
    private const int ResourceCountMax = Vault.ResourceCountMax;

    public required VaultId VaultId { get; init; }

    /// <summary>Null: one is made up.</summary>
    public string? Name { get; init; }

    public string Description { get; init; } = "";

    public bool AutoTrigger { get; init; }

    public bool Incremental { get; init; } = true;

    /// <summary>The policy the tasks are accounted to.</summary>
    public string? PolicyId { get; init; }

    /// <summary>Of a run of that policy at one of its slots; null when somebody asked for it.</summary>
    public ScheduledRun? Run { get; init; }

    /// <summary>Those that are read anew although the run is incremental.</summary>
    public IReadOnlySet<ResourceId> FullResources { get; init; } = new HashSet<ResourceId>();

    /// <summary>How long the backups are kept, by the policy; -1: not by age.</summary>
    public int RetentionDays { get; init; } = -1;

    /// <summary>Which of the vault's resources, and of servers which disks; empty: all of them.</summary>
    public IReadOnlyList<ChosenResource> Resources { get; init; } = [];

    public static CheckpointOrder Read(BodyValue body)
    {
        BodyValue checkpoint = body["checkpoint"];
        var vaultId = new VaultId(checkpoint["vault_id"].Id());
        if (checkpoint["parameters"].ObjectOrNull() is not { } parameters)
            return new CheckpointOrder { VaultId = vaultId };
        return new CheckpointOrder
        {
            VaultId = vaultId,
            Name = parameters["name"].TextOrNull(1, 64, TextRule.Name),
            Description = parameters["description"].TextOrNull(0, 255, TextRule.NoAngleBrackets) ?? "",
            AutoTrigger = parameters["auto_trigger"].FlagOrNull() ?? false,
            Incremental = parameters["incremental"].FlagOrNull() ?? true,
            PolicyId = parameters["policy_id"].IdOrNull(),
            Resources = ReadResources(parameters),
        };
    }

    /// <summary>Both lists together; one client sends a single object in place of the second.</summary>
    private static List<ChosenResource> ReadResources(BodyValue parameters)
    {
        var chosen = new List<ChosenResource>();
        foreach (string id in parameters["resources"].ListOrNull(0, ResourceCountMax, item => item.Id()) ?? [])
            Add(chosen, new ChosenResource(new ResourceId(id), DiskSelection.All));
        foreach (ChosenResource detail in parameters["resource_details"].ListOrSingleOrNull(0, ResourceCountMax, ReadDetail) ?? [])
            Add(chosen, detail);
        return chosen;
    }

    private static ChosenResource ReadDetail(BodyValue detail)
    {
        var id = new ResourceId(detail["id"].Id());
        detail["type"].TextOrNull(0, 255);
        detail["name"].TextOrNull(0, 255);
        return new ChosenResource(id, DiskSelection.Read(detail["extra_info"]));
    }

    // Named twice: the later one says more, as in a resource_details entry after a bare id.
    private static void Add(List<ChosenResource> chosen, ChosenResource resource)
    {
        chosen.RemoveAll(known => known.Id == resource.Id);
        chosen.Add(resource);
    }
}

/// <param name="Disks">Of a server, on top of what its binding to the vault leaves out.</param>
internal sealed record ChosenResource(ResourceId Id, DiskSelection Disks);
