using Strongroom.Contract.Vaults;
using Strongroom.Server.Http;

namespace Strongroom.Server.Vaults;

/// <summary>A larger size, or a better kind, for a vault that is paid in advance.</summary>
internal sealed record OrderChange(VaultId VaultId, int SizeGb, string SpecCode)
{
    private const int SizeMinGb = 10;
    private const int GbUnit = 17;

    private static readonly string[] SpecCodes =
    [
        "vault.backup.server.normal", "vault.backup.volume.normal", "vault.backup.turbo.normal", "vault.backup.database.normal",
        "vault.backup.rds.normal", "vault.hybrid.server.normal", "vault.replication.server.normal",
    ];

    /// <summary>Body of <c>POST …/orders/change</c>.</summary>
    public static OrderChange Read(BodyValue body)
    {
        BodyValue product = body["product_info"].Object();
        OrderChange change = Read(product, body, "product_id", "resource_size", "resource_size_measure_id", "resource_spec_code", "resource_id");
        body["is_auto_pay"].FlagOrNull();
        body["promotion_info"].TextOrNull(0, 512);
        body["cloud_service_console_url"].TextOrNull(1, 512);
        return change;
    }

    /// <summary>Body of the deprecated <c>PUT …/orders/{order_id}</c>, in camel case.</summary>
    public static OrderChange ReadOld(BodyValue body)
    {
        BodyValue product = body["productInfo"].Object();
        OrderChange change = Read(product, body, "productId", "resourceSize", "resourceSizeMeasureId", "resourceSpecCode", "resourceId");
        body["cloudServiceConsoleURL"].TextOrNull(1, 512);
        body["promotion_info"].TextOrNull(0, 512);
        return change;
    }

    private static OrderChange Read(BodyValue product, BodyValue body, string productId, string size, string unit, string specCode, string vaultId)
    {
        product[productId].Text(1, 64, TextRule.ProductId);
        int sizeGb = product[size].Int(SizeMinGb, VaultRequests.SizeMaxGb);
        product[unit].IntOrNull(GbUnit, GbUnit);
        string spec = product[specCode].Word(SpecCodes);
        return new OrderChange(new VaultId(body[vaultId].Id()), sizeGb, spec);
    }
}

/// <summary>Body of <c>POST …/vaults/change-charge-mode</c>: vaults to be paid in advance from now on.</summary>
internal sealed record ChargeModeChange(IReadOnlyList<VaultId> VaultIds, VaultCharging Charging)
{
    private const int VaultCountMax = 60;

    public static ChargeModeChange Read(BodyValue body)
    {
        List<VaultId> ids = body["vault_ids"].List(1, VaultCountMax, item => new VaultId(item.Id()));
        body["charging_mode"].WordOrNull([ChargingModes.PrePaid]);
        string periodType = body["period_type"].Word(PeriodTypes.All);
        int periodNum = body["period_num"].Int(1, 9);
        bool isAutoRenew = body["is_auto_renew"].FlagOrNull() ?? false;
        body["is_auto_pay"].FlagOrNull();
        body["console_url"].TextOrNull(1, 255);
        return new ChargeModeChange([.. ids.Distinct()], new VaultCharging(ChargingModes.PrePaid, periodType, periodNum, isAutoRenew, null, null));
    }
}
