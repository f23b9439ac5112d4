using System.Globalization;
using System.Security.Cryptography;
using Strongroom.Contract;
using Strongroom.Contract.Vaults;

namespace Strongroom.Server.Vaults;

/// <summary>
/// Orders as an installation without a cashier knows them: complete at once, never billed. Charging modes and periods are
/// kept and shown, so that tools written for the public clouds find what they set.
/// </summary>
internal static class VaultOrders
{
    public const string Done = "success";

    /// <summary>The one product there is. Clients hand it back when they change an order.</summary>
    private const string ProductId = "strongroom-vault";

    private const string CloudService = "cbr";

    public static VaultCharging Placed(VaultCharging charging) => charging with { OrderId = NewOrderId(), ProductId = ProductId };

    public static OrderReply Reply(Vault vault) =>
        new([new OrderShape(CloudService, vault.Charging.OrderId!, vault.Id.Value, 1)], 0, Done, "0");

    /// <summary>The vault with what an order changes: only ever more.</summary>
    public static Vault Changed(Vault vault, OrderChange change)
    {
        vault.RefuseUnlessWritable("its order cannot be changed");
        if (!vault.IsPrePaid)
            throw new RefusedException(ErrorCodes.OrderMissing, $"Vault {vault.Id} is post_paid and has no order: change its size with an update.");
        bool isUpgrade = change.SpecCode == VaultKind.SpecCode(vault.ObjectType, vault.ProtectType, ConsistentLevels.AppConsistent, vault.CloudType)
            && vault.ObjectType == ObjectTypes.Server;
        if (change.SpecCode != vault.SpecCode && !isUpgrade)
            throw new RefusedException(ErrorCodes.VaultNotChangeable, $"Vault {vault.Id} is {vault.SpecCode}: it cannot become {change.SpecCode}.");
        if (change.SizeGb < vault.SizeGb || (change.SizeGb == vault.SizeGb && change.SpecCode == vault.SpecCode))
            throw new RefusedException(ErrorCodes.VaultSizeInvalid, $"Vault {vault.Id} has {vault.SizeGb} GB: an order can only enlarge it.");
        return vault with
        {
            SizeGb = change.SizeGb,
            ConsistentLevel = isUpgrade ? ConsistentLevels.AppConsistent : vault.ConsistentLevel,
        };
    }

    /// <summary>A post_paid vault as a pre_paid one; those do not grow by themselves.</summary>
    public static Vault Subscribed(Vault vault, VaultCharging charging)
    {
        vault.RefuseUnlessWritable("its charging mode cannot be changed");
        return vault.IsPrePaid
            ? throw new RefusedException(ErrorCodes.VaultNotChangeable, $"Vault {vault.Id} is pre_paid already.")
            : vault with { Charging = charging, AutoExpand = false };
    }

    // Letters and a number, like the clouds' own; unlikely to meet twice.
    public static string NewOrderId() => string.Create(
        CultureInfo.InvariantCulture, $"SR{RandomNumberGenerator.GetInt32(int.MaxValue):D10}{RandomNumberGenerator.GetInt32(1_000_000):D6}");
}
