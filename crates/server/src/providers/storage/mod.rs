//! Microsoft.Storage: storage accounts and their keys. What is in them is read at the blob endpoint (`crate::blob`): the
//! boot diagnostics of the machines that name the account.

mod account;
mod accounts;
mod diagnostics;
mod keys;
mod names;

pub use account::Account;
pub use accounts::{account_delete, account_get, account_list, account_patch, account_put};
pub use diagnostics::{Destination, FORBIDDEN, check_firewall, destination, uri_account};
pub use keys::{list_keys, regenerate_key};
pub use names::check_name_availability;
