using Strongroom.Contract.Audit;
using Strongroom.Contract.Requests;

namespace Strongroom.Contract;

public sealed partial class CbrClient
{
    /// <summary>Who changed what in the project, newest first; pages are fetched as they are needed. An addition of this product.</summary>
    public IAsyncEnumerable<AuditRecordShape> ListAuditAsync(AuditFilter filter, CancellationToken cancellationToken)
    {
        string path = new Query(additions + "/audit")
            .With("action", filter.Action)
            .With("user_name", filter.UserName)
            .With("resource_id", filter.ResourceId)
            .With("start_time", filter.StartTime)
            .With("end_time", filter.EndTime)
            .Text;
        return PagesAsync(path, (AuditListReply page) => (page.Records, page.Count), cancellationToken);
    }
}
