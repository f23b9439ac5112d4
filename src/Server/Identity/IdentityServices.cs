using Strongroom.Server.Database;

namespace Strongroom.Server.Identity;

internal static class IdentityServices
{
    public static void AddIdentity(this IServiceCollection services, IdentityOptions options)
    {
        services.AddSingleton(options);
        services.AddSingleton<KnownRevision>();
        services.AddSingleton<TokenAuthenticator>();
        services.AddSingleton<SignatureAuthenticator>();
        services.AddSingleton<CredentialSeal>();
        services.AddSingleton<CredentialMaker>();
        services.AddSingleton<TokenIssuer>();
        services.AddSingleton<SignInThrottle>();
        services.AddSingleton<SignIn>();
        services.AddSingleton<IdentityEndpoints>();
        services.AddSingleton<VersionEndpoints>();
        services.AddSingleton<LookupEndpoints>();
        services.AddSingleton(new ExpiringRows("tokens", TokenTable.DeleteExpiredAsync));
        services.AddSingleton(new ExpiringRows("temporary access keys", CredentialTable.DeleteExpiredAsync));
        services.AddSingleton(new ExpiringRows("used signatures", UsedSignatureTable.DeleteExpiredAsync));
    }

    public static void MapIdentity(this WebApplication app)
    {
        app.Services.GetRequiredService<IdentityEndpoints>().Map(app);
        app.Services.GetRequiredService<VersionEndpoints>().Map(app);
        app.Services.GetRequiredService<LookupEndpoints>().Map(app);
    }
}
