using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Strongroom.Contract.Audit;
using Strongroom.Contract.Backups;
using Strongroom.Contract.Checkpoints;
using Strongroom.Contract.Notifications;
using Strongroom.Contract.Policies;
using Strongroom.Contract.Resources;
using Strongroom.Contract.Shares;
using Strongroom.Contract.Tasks;
using Strongroom.Contract.Vaults;

namespace Strongroom.Contract;

/// <summary>
/// How the typed client reads answers: by the shapes the service writes, but a member that may be null may also be absent,
/// since several are left out when they are. One that may not be either is an error rather than a null somewhere later.
/// </summary>
internal static class CbrReplyJson
{
    private static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        RespectNullableAnnotations = true,
        TypeInfoResolver = JsonTypeInfoResolver
            .Combine(
                VaultJson.Default, BackupJson.Default, CheckpointJson.Default, TaskShapesJson.Default, ResourceJson.Default, AuditJson.Default,
                PolicyJson.Default, PolicyPreviewJson.Default, MemberJson.Default, AutoBindJson.Default, NotificationJson.Default)
            .WithAddedModifier(LetNullableMembersBeAbsent),
    };

    public static JsonTypeInfo<T> Of<T>() => (JsonTypeInfo<T>)Options.GetTypeInfo(typeof(T));

    private static void LetNullableMembersBeAbsent(JsonTypeInfo type)
    {
        foreach (JsonPropertyInfo member in type.Properties.Where(member => member.IsSetNullable))
            member.IsRequired = false;
    }
}
