//! SKUs and kinds: which there are, and which go together.
//!
//! Every account is kept the same way here: where the server's database and objects are. The SKU says what the operator meant,
//! and decides whether boot diagnostics may go there, as in Azure.

use super::invalid;
use crate::error::ArmError;
use http::StatusCode;
use serde_json::{Map, Value, json};

/// A kind of account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "Azure's own words")]
pub enum Kind {
    Storage,
    StorageV2,
    BlobStorage,
    BlockBlobStorage,
    FileStorage,
}

const KINDS: [(&str, Kind); 5] = [
    ("Storage", Kind::Storage),
    ("StorageV2", Kind::StorageV2),
    ("BlobStorage", Kind::BlobStorage),
    ("BlockBlobStorage", Kind::BlockBlobStorage),
    ("FileStorage", Kind::FileStorage),
];

use Kind::{BlobStorage, BlockBlobStorage, FileStorage, Storage, StorageV2};

/// A SKU with the kinds that it can have.
const SKUS: [(&str, &[Kind]); 8] = [
    ("Standard_LRS", &[Storage, StorageV2, BlobStorage]),
    ("Standard_GRS", &[Storage, StorageV2, BlobStorage]),
    ("Standard_RAGRS", &[Storage, StorageV2, BlobStorage]),
    ("Standard_ZRS", &[StorageV2]),
    ("Standard_GZRS", &[StorageV2]),
    ("Standard_RAGZRS", &[StorageV2]),
    ("Premium_LRS", &[Storage, StorageV2, BlockBlobStorage, FileStorage]),
    ("Premium_ZRS", &[BlockBlobStorage, FileStorage]),
];

/// What boot diagnostics are written to.
const DIAGNOSTICS: [&str; 3] = ["Standard_GRS", "Standard_LRS", "Standard_RAGRS"];

impl Kind {
    /// The kind of a body; none where there is none.
    pub(super) fn of(body: &Map<String, Value>) -> Result<Option<Self>, ArmError> {
        let word = match body.get("kind") {
            None | Some(Value::Null) => return Ok(None),
            Some(word) => word.as_str().ok_or_else(|| invalid("kind"))?,
        };
        let found = KINDS.into_iter().find(|(name, _)| name.eq_ignore_ascii_case(word));
        found.map(|(_, kind)| Some(kind)).ok_or_else(|| invalid("kind"))
    }

    /// Azure's word.
    pub fn name(self) -> &'static str {
        KINDS.into_iter().find(|(_, kind)| *kind == self).map_or("", |(name, _)| name)
    }
}

/// A SKU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sku {
    name: &'static str,
    kinds: &'static [Kind],
}

impl Sku {
    /// The SKU of a body; none where there is none.
    pub(super) fn of(body: &Map<String, Value>) -> Result<Option<Self>, ArmError> {
        let sku = match body.get("sku") {
            None | Some(Value::Null) => return Ok(None),
            Some(sku) => sku.get("name").and_then(Value::as_str).ok_or_else(|| invalid("sku"))?,
        };
        let found = SKUS.into_iter().find(|(name, _)| name.eq_ignore_ascii_case(sku));
        found.map(|(name, kinds)| Some(Self { name, kinds })).ok_or_else(|| invalid("sku"))
    }

    /// `Standard_LRS`
    pub fn name(self) -> &'static str {
        self.name
    }

    /// `{name, tier}`
    pub(super) fn value(self) -> Value {
        let tier = self.name.split('_').next().unwrap_or("");
        json!({ "name": self.name, "tier": tier })
    }

    pub(super) fn check_kind(self, kind: Kind) -> Result<(), ArmError> {
        if self.kinds.contains(&kind) {
            return Ok(());
        }
        let kinds: Vec<_> = self.kinds.iter().map(|kind| kind.name()).collect();
        let text = format!(
            "Values for request parameters are invalid: sku, kind. The SKU {} exists for the kinds {}.",
            self.name,
            kinds.join(", ")
        );
        Err(ArmError::new(StatusCode::BAD_REQUEST, "InvalidValuesForRequestParameters", text)
            .with_target("sku"))
    }

    /// Refuses a change of an account's SKU that Azure does not do: to or from Premium, and to or from the zone-redundant
    /// ones.
    pub(super) fn check_change(self, to: Self) -> Result<(), ArmError> {
        let movable = |sku: Self| DIAGNOSTICS.contains(&sku.name);
        if self == to || (movable(self) && movable(to)) {
            return Ok(());
        }
        let text = format!("Storage account type cannot be changed from {} to {}.", self.name, to.name);
        Err(ArmError::new(StatusCode::CONFLICT, "AccountTypeChangeNotAllowed", text).with_target("sku"))
    }
}

/// Why boot diagnostics cannot go to the account `name` with this stored document; none when they can (contract section 10).
pub fn diagnostics_refusal(name: &str, stored: &Map<String, Value>) -> Option<ArmError> {
    let refused =
        |text: String| Some(ArmError::new(StatusCode::CONFLICT, "StorageAccountTypeNotSupported", text));
    let sku = stored.get("sku").and_then(|s| s.get("name")).and_then(Value::as_str).unwrap_or("");
    if stored.get("kind").and_then(Value::as_str) == Some(BlobStorage.name()) {
        return refused(format!(
            "Boot diagnostics uses {name} which is a Blob storage account. Please retry with General purpose storage account."
        ));
    }
    if !DIAGNOSTICS.contains(&sku) {
        return refused(format!(
            "Storage account {name} is of {sku} type. Boot Diagnostics supports {} storage account types.",
            DIAGNOSTICS.join(",")
        ));
    }
    None
}
