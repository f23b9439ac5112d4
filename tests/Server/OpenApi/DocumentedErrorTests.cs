using System.Text.Json;
using Strongroom.Server.Tests.Tasks;

namespace Strongroom.Server.Tests.OpenApi;

/// <summary>
/// Every error code that is documented for an operation (<c>Contract/errors.txt</c>) is either provoked over HTTP
/// (<see cref="ErrorConditions"/>) or stands in <see cref="CannotOccur"/> with the reason. A code in neither fails its
/// operation, and so does one in both, or an entry that nothing documented needs any more.
/// </summary>
public sealed class DocumentedErrorTests(LimitServer server) : IClassFixture<LimitServer>
{
    /// <summary>Codes an installation of this kind has no occasion to answer with: where (the end of the operation; empty: anywhere), which, why.</summary>
    private static readonly (string Where, string Codes, string Reason)[] CannotOccur =
    [
        ("", "6205 CSBS.2003 CSBS.3001", "there is no predecessor with backups of its own"),
        ("", "8600", "nobody has to be verified, since nothing is bought; of policies that follow an organization's it is answered"),
        ("", "8400", "there is no catalogue of products to miss one in"),
        ("", "6107 6108 6115 6121 6132 6711", "what changes, changes in one transaction: it happens, is refused with its reason, or is 9910"),
        ("", "4005 4006", "moving is one transaction; a running task is 6125 and a full destination 6129"),
        ("", "6204 6710", "no images are made of backups"),
        ("", "7001 7002 7007 7008 7102 7103 7104 7105 7106 7107 7109 7111 7113 7114 7115 7117", "disks and servers of these kinds and states are not known here"),
        ("", "7004 2009", "any disk that can be opened can be written, or is 2011"),
        ("", "2007 2008 2014 2015", "a registered server has no power state, kind or architecture"),
        ("", "7003 7101 6215", "what state a source is in shows when the run opens it: the task fails with the code"),
        ("", "2012 2013", "disks are restored one by one, each with its own code; which one is bootable is not known"),
        ("", "6709", "encryption is the repository's and does not keep a backup from being shared"),
        ("", "7110 7116", "said with 6102 and 6103, as for every other resource"),
        ("", "1005 6130 7302", "there is no other site and no storage on premises, so nothing goes there: 1011 and 7300"),
        ("", "7407", "no file-backup client is ever there: 7410"),
        ("/vaults", "6100", "one request names at most 256 resources (9900), and the vault is empty"),
        ("/order", "6100", "likewise"),
        ("/removeresources", "6125", "said with 6203"),
        ("/migrateresources", "6102", "said with 6713"),
        ("/associatepolicy", "6117 6118 6122", "a policy's type was checked when it was made; the destination is 6119 or 6120, a vault of an unfit kind 6128"),
        ("/checkpoints", "6125 6203", "said with 1001 when nobody else is left, else the resource is skipped with 6125"),
        ("/replicate", "0001 2005 6118 6119 6120 6129", "before anything is weighed there is no other site: 1011"),
        ("/checkpoints/replicate", "6122", "said with 6128 of the vault"),
        ("/{backup_id}/replicate", "6105 6128", "the backup's kind is weighed: 6122"),
        ("/policies", "1011", "any destination is kept; each slot's task then fails with 1011"),
        ("/instances", "9900", "an unknown type is 6116"),
        ("PUT /v3/{project_id}/agents/{agent_id}", "7403", "no client has any id: 7410"),
        ("DELETE /v3/{project_id}/agents/{agent_id}", "7403", "likewise"),
    ];

    private static readonly IReadOnlyDictionary<string, string[]> Documented = ReadDocumented();

    public static TheoryData<string> Operations => [.. Documented.Keys];

    [Theory]
    [MemberData(nameof(Operations))]
    public async Task Each_documented_error_is_answered_under_its_condition_or_cannot_occur(string operation)
    {
        var provoked = new HashSet<string>();
        foreach (ErrorCondition condition in ErrorConditions.All.Where(condition => condition.Operation == operation))
        {
            TestReply reply = await condition.ProvokeAsync(await TaskWorld.NewAsync(server));

            Assert.True(Answered(reply) == condition.Error, $"{condition.Error} ({condition.When}): {reply.Status} {reply.Text}");
            string sent = $"{reply.Message.RequestMessage!.Method} {reply.Message.RequestMessage.RequestUri!.AbsolutePath}";
            Assert.True(IsOf(operation, sent), $"{condition.When} sends {sent}");
            provoked.Add(condition.Error);
        }

        string[] excused = [.. Documented[operation].Where(error => CannotOccur.Any(entry => Excuses(entry, operation, error)))];
        Assert.True(!excused.Intersect(provoked).Any(), "occurs after all: " + string.Join(", ", excused.Intersect(provoked)));
        string[] open = [.. Documented[operation].Except(provoked).Except(excused)];
        Assert.True(open.Length == 0, "neither provoked nor excused: " + string.Join(", ", open));
    }

    [Fact]
    public void Every_operation_of_the_contract_is_looked_at_and_every_excuse_is_needed()
    {
        IEnumerable<string> contract = ApiDescription.Contract.SelectMany(half => half.Operations.Values).Select(operation => operation.Name);
        Assert.Equal(contract.Distinct().Order(StringComparer.Ordinal), Documented.Keys.Order(StringComparer.Ordinal));
        Assert.All(ErrorConditions.All, condition => Assert.Contains(condition.Operation, Documented.Keys));

        foreach ((string where, string codes, string reason) in CannotOccur)
        {
            Assert.NotEmpty(reason);
            foreach (string code in codes.Split(' '))
            {
                Assert.True(
                    Documented.Any(operation => operation.Value.Any(error => Excuses((where, code, reason), operation.Key, error))),
                    $"{code} of {(where.Length == 0 ? "any operation" : where)} is documented nowhere");
            }
        }
    }

    private static bool Excuses((string Where, string Codes, string Reason) entry, string operation, string error) =>
        operation.EndsWith(entry.Where, StringComparison.Ordinal) && entry.Codes.Split(' ').Contains(error.Split(' ')[1]);

    private static bool IsOf(string operation, string sent) =>
        ApiDescription.Contract.Any(half => half.Find(sent.Split(' ')[0], sent.Split(' ')[1])?.Name == operation);

    /// <summary>As in <c>404 6105</c>.</summary>
    private static string Answered(TestReply reply)
    {
        if (reply.Status < 400)
            return $"{reply.Status}";
        return reply.Json.GetValueKind() == JsonValueKind.String
            ? $"{reply.Status} text"
            : $"{reply.Status} {reply.ErrorCode!.Replace("BackupService.", "", StringComparison.Ordinal)}";
    }

    private static Dictionary<string, string[]> ReadDocumented()
    {
        var documented = new Dictionary<string, string[]>();
        foreach (string line in File.ReadLines(Path.Combine(ApiDescription.ContractFolder, "errors.txt")).Where(line => !line.StartsWith('#')))
        {
            string[] parts = line.Split(": ");
            string status = "";
            var errors = new List<string>();
            foreach (string word in parts[1].Split(' ').Where(word => word != "none"))
            {
                if (word.Length == 3)
                    status = word;
                else
                    errors.Add($"{status} {word}");
            }

            documented.Add(parts[0], [.. errors]);
        }

        return documented;
    }
}
