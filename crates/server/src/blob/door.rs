//! Who may come in: an account's firewall, and then a signature with one of its keys - of the request itself, or of a SAS.
//!
//! ```text
//!   account ──> firewall ──> Authorization? ── yes ──> SharedKey, date ──────────────────┐
//!                                            └─ no ──> SAS: signature, time, scope, … ───┴──> Entry
//! ```
//!
//! An account that is not there answers as if the signature were wrong.

use super::error::StorageError;
use super::request::{BlobRequest, Wanted};
use super::{ACCOUNT, broken, managed};
use crate::pipeline::Cx;
use crate::providers::storage::Account;
use hardline_arm::sas::{AccountKey, Sas, SasError, SasPermission, SasRequest, Verified};
use hardline_arm::shared_key::{self, SharedKey, SharedKeyError};

/// The account behind an address.
#[derive(Debug)]
pub enum Behind {
    /// The one that the system owns.
    Managed,
    /// Somebody's.
    Account(Box<Account>),
}

/// Proof that a request may do what it asks for.
#[derive(Debug)]
pub enum Entry {
    /// It carries a SAS.
    Sas(Box<Sas>, Verified),
    /// It is signed with the account's key.
    Key(shared_key::Verified),
}

impl Behind {
    /// Finds the account; none when there is none of that name.
    pub(super) async fn find(cx: &Cx, name: &str) -> Result<Option<Self>, StorageError> {
        if name == ACCOUNT {
            return Ok(Some(Self::Managed));
        }
        let found = Account::by_name(&cx.state, name).await.map_err(broken)?;
        Ok(found.map(|account| Self::Account(Box::new(account))))
    }

    /// Somebody's account, if it is one.
    pub fn account(&self) -> Option<&Account> {
        match self {
            Self::Managed => None,
            Self::Account(account) => Some(account),
        }
    }

    async fn keys(&self, cx: &Cx) -> Result<Vec<AccountKey>, StorageError> {
        match self {
            Self::Managed => Ok(vec![managed::key(&cx.state).await.map_err(broken)?]),
            Self::Account(account) => Ok(account.keys().into()),
        }
    }
}

/// Lets a request in, or says why not. `behind` is none for an account that is not there.
pub(super) async fn enter(
    cx: &Cx,
    request: &BlobRequest,
    wanted: Wanted,
    behind: Option<&Behind>,
) -> Result<Entry, StorageError> {
    let https = cx.facts.base_url.starts_with("https:");
    if let Some(account) = behind.and_then(Behind::account) {
        if !account.network_rules().allow(cx.facts.client) {
            return Err(StorageError::authorization_failure());
        }
        if account.https_only() && !https {
            return Err(StorageError::requires_https());
        }
    }
    let keys = match behind {
        Some(behind) => behind.keys(cx).await?,
        None => Vec::new(),
    };
    let entry = match request.authorization() {
        // The system's own account gives out SAS, and its key to nobody.
        Some(header) if behind.is_none_or(|behind| behind.account().is_some()) => {
            let header = SharedKey::parse(header)?;
            let pairs = request.header_pairs();
            Entry::Key(shared_key::verify(&header, &request.signed(&pairs), &keys, cx.now)?)
        }
        _ => {
            let sas = Sas::parse(&cx.query)?;
            let permission = match wanted {
                Wanted::Containers | Wanted::Blobs => SasPermission::List,
                Wanted::Container | Wanted::Blob => SasPermission::Read,
            };
            let asked = SasRequest {
                account: &request.account,
                container: &request.container,
                blob: Some(request.blob.as_str()).filter(|_| wanted == Wanted::Blob),
                permission,
                address: Some(cx.facts.client),
                https,
            };
            let verified = sas.verify(&asked, &keys, cx.now)?;
            Entry::Sas(Box::new(sas), verified)
        }
    };
    if behind.and_then(Behind::account).is_some_and(|account| !account.allows_keys()) {
        return Err(StorageError::keys_not_permitted());
    }
    Ok(entry)
}

impl From<SasError> for StorageError {
    fn from(error: SasError) -> Self {
        let detail = error.detail().map(|text| ("AuthenticationErrorDetail", text));
        Self {
            status: error.status(),
            code: error.code(),
            message: error.message(),
            details: detail.into_iter().collect(),
            length: None,
        }
    }
}

impl From<SharedKeyError> for StorageError {
    fn from(error: SharedKeyError) -> Self {
        match error {
            SharedKeyError::Format => Self::invalid_authentication(),
            other => {
                let mut refused = Self::from(SasError::Signature);
                refused.details = vec![("AuthenticationErrorDetail", other.to_string())];
                refused
            }
        }
    }
}
