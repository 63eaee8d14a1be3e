//! Microsoft.Storage: accounts and their keys, and the blob endpoint (data plane).

use super::*;

const ACCOUNTS: &str = crate::models::storage::TYPE;
const READ: &str = "Microsoft.Storage/storageAccounts/read";
const WRITE: &str = "Microsoft.Storage/storageAccounts/write";

pub(super) fn rows() -> Vec<Operation> {
    use Audit::{Always, Refusals};
    use OperationId::*;
    use Target::{Collection, Elsewhere, Item, Verb};
    const BLOB: &str = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read";
    let data = |id, name, method, audit, summary| Operation {
        requires: Require::Sas,
        ..row(id, name, method, Elsewhere, audit, summary)
    };
    vec![
        // Whoever may make an account in a group only is asked by their client to ask this first.
        Operation {
            requires: Require::Member("Microsoft.Storage/checknameavailability/read"),
            ..row(
                StorageNameCheck,
                "Microsoft.Storage/checknameavailability/read",
                Method::POST,
                Verb("Microsoft.Storage", "checkNameAvailability"),
                Refusals,
                "Whether a storage account may have a name",
            )
        },
        Operation {
            requires: Require::Visible(READ),
            ..row(
                StorageAccountList,
                "Microsoft.Storage/storageAccounts/list/read",
                Method::GET,
                Collection(ACCOUNTS),
                Refusals,
                "List storage accounts",
            )
        },
        row(StorageAccountGet, READ, Method::GET, Item(ACCOUNTS), Refusals, "Get a storage account"),
        row(
            StorageAccountPut,
            WRITE,
            Method::PUT,
            Item(ACCOUNTS),
            Always,
            "Create or update a storage account",
        ),
        row(
            StorageAccountPatch,
            WRITE,
            Method::PATCH,
            Item(ACCOUNTS),
            Always,
            "Change parts of a storage account",
        ),
        row(
            StorageAccountDelete,
            "Microsoft.Storage/storageAccounts/delete",
            Method::DELETE,
            Item(ACCOUNTS),
            Always,
            "Delete a storage account",
        ),
        row(
            StorageAccountListKeys,
            "Microsoft.Storage/storageAccounts/listKeys/action",
            Method::POST,
            Verb(ACCOUNTS, "listKeys"),
            Always,
            "The keys of a storage account",
        ),
        row(
            StorageAccountRegenerateKey,
            "Microsoft.Storage/storageAccounts/regenerateKey/action",
            Method::POST,
            Verb(ACCOUNTS, "regenerateKey"),
            Always,
            "Replace a key of a storage account",
        ),
        data(
            ContainerRead,
            "Microsoft.Storage/storageAccounts/blobServices/containers/read",
            Method::GET,
            Refusals,
            "Containers of a storage account, and the blobs in them, by name",
        ),
        data(BlobGet, BLOB, Method::GET, Always, "Read a blob"),
        data(BlobHead, BLOB, Method::HEAD, Always, "A blob's length and properties"),
    ]
}
