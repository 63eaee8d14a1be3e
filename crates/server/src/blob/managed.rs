//! The storage account that the system owns: its key. And what it shares with other accounts: the names of containers and blobs,
//! the signed addresses of them.

use crate::providers::storage::Destination;
use crate::serial::target::Target;
use crate::state::State;
use hardline_arm::sas::{AccountKey, ReadGrant, sign_read};
use hardline_store::StoreError;
use hardline_store::db::secrets;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// The name under which the account's key is kept.
const KEY: &str = "managed-storage-key";
/// Bytes of the key, as Azure's.
const KEY_LENGTH: usize = 64;
/// What a segment of a path may hold as it is.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The two blobs of a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blob {
    /// `….serialconsole.log`
    Log,
    /// `….screenshot.bmp`
    Screenshot,
}

impl Blob {
    /// The blob's name (contract 3.1).
    pub fn name(self, vm: &str, vm_id: &str) -> String {
        match self {
            Self::Log => format!("{vm}.{vm_id}.serialconsole.log"),
            Self::Screenshot => format!("{vm}.{vm_id}.screenshot.bmp"),
        }
    }

    /// `x-ms-blob-type`: a log grows.
    pub fn blob_type(self) -> &'static str {
        match self {
            Self::Log => "AppendBlob",
            Self::Screenshot => "BlockBlob",
        }
    }

    /// Its media type.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Log => "text/plain; charset=utf-8",
            Self::Screenshot => "image/bmp",
        }
    }
}

/// The container's name: at most nine letters and digits of the machine's name, and its id (contract 3.1).
pub fn container(vm: &str, vm_id: &str) -> String {
    let short: String = vm.chars().filter(char::is_ascii_alphanumeric).take(9).collect();
    format!("bootdiagnostics-{}-{vm_id}", short.to_ascii_lowercase())
}

/// The machine's id in a container's name.
pub fn vm_id_of(container: &str) -> Option<&str> {
    const ID: usize = 36;
    let id = container.get(container.len().checked_sub(ID)?..)?;
    let known = container.starts_with("bootdiagnostics-") && uuid::Uuid::parse_str(id).is_ok();
    known.then_some(id)
}

/// The account's key; made when it is first asked for.
///
/// # Errors
/// When the store fails.
pub async fn key(state: &State) -> Result<AccountKey, StoreError> {
    if let Some(bytes) = secrets::get(&state.store, KEY).await? {
        return Ok(AccountKey::new(bytes));
    }
    let mut fresh = [0; KEY_LENGTH];
    state.random.fill(&mut fresh);
    let mut tx = state.store.begin().await?;
    let now = crate::clock::micros(state.clock.now());
    let kept = secrets::get_or_insert(&mut tx, KEY, &fresh, now).await?;
    tx.commit().await?;
    Ok(AccountKey::new(kept))
}

/// To whom a signed address is given, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct Issue<'a> {
    /// From when.
    pub start: jiff::Timestamp,
    /// Until when.
    pub expiry: jiff::Timestamp,
    /// The caller's object id.
    pub caller: &'a str,
    /// The request's correlation id.
    pub correlation: &'a str,
}

/// The address of a blob with a SAS that may read it and nothing else.
pub fn signed_url(at: &Destination, target: &Target, blob: Blob, issue: &Issue<'_>) -> String {
    let container = container(&target.name, &target.vm_id);
    let name = blob.name(&target.name, &target.vm_id);
    let sas = sign_read(
        &at.key,
        &ReadGrant {
            account: &at.account,
            container: &container,
            blob: &name,
            start: issue.start,
            expiry: issue.expiry,
            issued_to: issue.caller,
            correlation: issue.correlation,
        },
    );
    format!("{}?{sas}", url(&at.endpoint, &target.name, &target.vm_id, blob))
}

/// The address of a machine's blob below a blob endpoint, which ends with a slash.
pub fn url(endpoint: &str, vm: &str, vm_id: &str, blob: Blob) -> String {
    let name = blob.name(vm, vm_id);
    format!("{endpoint}{}/{}", container(vm, vm_id), utf8_percent_encode(&name, SEGMENT))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "11111111-2222-3333-4444-555555555555";

    #[test]
    fn names() {
        assert_eq!(container("Web-Server_01", ID), format!("bootdiagnostics-webserver-{ID}"));
        assert_eq!(container("ä", ID), format!("bootdiagnostics--{ID}"));
        assert_eq!(vm_id_of(&container("demo", ID)), Some(ID));
        for other in ["", "logs", ID, &format!("bootdiagnostics-x-{}", &ID[1..])] {
            assert_eq!(vm_id_of(other), None, "{other}");
        }
        assert_eq!(Blob::Log.name("demo", ID), format!("demo.{ID}.serialconsole.log"));
    }
}
