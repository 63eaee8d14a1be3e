//! A storage account as the handlers and the blob endpoint see it: its document and its keys.

use crate::blob::address;
use crate::clock::from_micros;
use crate::pipeline::store_error;
use crate::providers::documents::Stored;
use crate::state::State;
use hardline_arm::error::ArmError;
use hardline_arm::models::storage::{self, Facts, NetworkRules};
use hardline_arm::resource_id::ResourceId;
use hardline_arm::sas::AccountKey;
use hardline_store::db::resources;
use hardline_store::db::storage_accounts::{self, StorageAccount};
use serde_json::Value;

/// A storage account. Its keys are not shown by `Debug`.
#[derive(Clone, Debug)]
pub struct Account {
    pub(super) stored: Stored,
    pub(super) row: StorageAccount,
}

impl Account {
    /// The account of a name; none when there is none.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn by_name(state: &State, name: &str) -> Result<Option<Self>, ArmError> {
        let row = storage_accounts::get(&state.store, name).await.map_err(store_error)?;
        let Some(row) = row else { return Ok(None) };
        let resource = resources::get(&state.store, &row.resource_key).await.map_err(store_error)?;
        // Deleted in between.
        let Some(resource) = resource else { return Ok(None) };
        Ok(Some(Self { stored: Stored::new(resource)?, row }))
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.row.name
    }

    /// Its id.
    pub fn id(&self) -> ResourceId {
        self.stored.id()
    }

    /// Its subscription, in lower case.
    pub fn subscription(&self) -> &str {
        &self.stored.resource.subscription
    }

    /// Its two keys.
    pub fn keys(&self) -> [AccountKey; 2] {
        self.row.keys.clone().map(|key| AccountKey::new(key.value))
    }

    /// From where its data may be reached.
    pub fn network_rules(&self) -> NetworkRules {
        NetworkRules::of(&self.stored.body)
    }

    /// Whether its keys open its data, directly or through a SAS.
    pub fn allows_keys(&self) -> bool {
        storage::flag(&self.stored.body, "allowSharedKeyAccess", true)
    }

    /// Whether its data is reached over TLS only.
    pub fn https_only(&self) -> bool {
        storage::flag(&self.stored.body, "supportsHttpsTrafficOnly", true)
    }

    /// Whether it has a hierarchical namespace.
    pub fn hierarchical(&self) -> bool {
        storage::flag(&self.stored.body, "isHnsEnabled", false)
    }

    /// Why boot diagnostics cannot go there; none when they can.
    pub fn diagnostics_refusal(&self) -> Option<ArmError> {
        storage::diagnostics_refusal(self.name(), &self.stored.body)
    }

    /// The account as clients read it that reach the server at `base_url`.
    pub fn document(&self, state: &State, base_url: &str) -> Value {
        let head = self.stored.document(storage::TYPE);
        let time = |micros| from_micros(micros).to_string();
        let [key1, key2] = &self.row.keys;
        let facts = Facts {
            blob_endpoint: &address::endpoint(state, base_url, self.name()),
            location: &self.stored.resource.location,
            created: &time(self.stored.resource.created),
            key_created: [&time(key1.created), &time(key2.created)],
        };
        storage::document(head, &facts)
    }
}
