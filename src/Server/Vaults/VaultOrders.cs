using System.Globalization;
using System.Security.Cryptography;
using Strongroom.Contract.Vaults;

namespace Strongroom.Server.Vaults;

/// <summary>
/// Orders as an installation without a cashier knows them: complete at once, never billed. Charging modes and periods are
/// kept and shown, so that tools written for the public clouds find what they set.
/// </summary>
internal static class VaultOrders
{
    /// <summary>The one product there is. Clients hand it back when they change an order.</summary>
    public const string ProductId = "strongroom-vault";

    public static VaultCharging Placed(VaultCharging charging) => charging with { OrderId = NewOrderId(), ProductId = ProductId };

    public static OrderReply Reply(Vault vault) =>
        new([new OrderShape("cbr", vault.Charging.OrderId!, vault.Id.Value, 1)], 0, "success", "0");

    // Like the clouds' own: letters and a number, unlikely to meet twice.
    public static string NewOrderId() => "SR" + RandomNumberGenerator.GetInt32(int.MaxValue).ToString("D10", CultureInfo.InvariantCulture)
        + RandomNumberGenerator.GetInt32(1_000_000).ToString("D6", CultureInfo.InvariantCulture);
}
