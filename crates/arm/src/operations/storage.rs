//! Microsoft.Storage: the blob endpoint (data plane).

use super::*;

pub(super) fn rows() -> Vec<Operation> {
    const READ: &str = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read";
    let blob = |id, method, summary| Operation {
        requires: Require::Sas,
        ..row(id, READ, method, Target::Elsewhere, Audit::Always, summary)
    };
    vec![
        blob(OperationId::BlobGet, Method::GET, "Read a blob"),
        blob(OperationId::BlobHead, Method::HEAD, "A blob's length and properties"),
    ]
}
