using Microsoft.AspNetCore.Routing;

namespace Strongroom.Server.Identity;

internal static class IdentityServices
{
    public static void AddIdentity(this IServiceCollection services, IdentityOptions options)
    {
        services.AddSingleton(options);
        services.AddSingleton<TokenAuthenticator>();
        services.AddSingleton<TokenIssuer>();
    }
}
