//! Bytes in an object store: written once, read in ranges, listed by prefix.

use crate::error::{Result, StoreError};
use bytes::Bytes;
use futures_util::TryStreamExt as _;
use object_store::{ObjectStore, ObjectStoreExt as _, PutMode, PutOptions, PutPayload, path::Path as Key};
use std::fs::File;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

/// The object store. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Objects {
    inner: Arc<dyn ObjectStore>,
    /// Where the files are; none for a store that is durable by itself.
    directory: Option<Arc<File>>,
}

/// One object of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectInfo {
    /// The key.
    pub key: String,
    /// Its length, bytes.
    pub length: u64,
}

impl Objects {
    /// Objects as files below `directory`, which is created if it is not there.
    pub fn open_local(directory: &Path) -> Result<Self> {
        std::fs::create_dir_all(directory).map_err(|e| StoreError::Unavailable(Box::new(e)))?;
        let disk = object_store::local::LocalFileSystem::new_with_prefix(directory)
            .map_err(failure)?
            .with_automatic_cleanup(true);
        let directory = File::open(directory).map_err(|e| StoreError::Unavailable(Box::new(e)))?;
        Ok(Self { inner: Arc::new(disk), directory: Some(Arc::new(directory)) })
    }

    /// Brings everything that was written to the disk: what the caller deletes elsewhere afterwards survives a power cut
    /// here. One sync of the file system, however many objects (and, on the same one, rows) it is for.
    pub async fn sync(&self) -> Result<()> {
        let Some(directory) = self.directory.clone() else { return Ok(()) };
        let synced = tokio::task::spawn_blocking(move || rustix::fs::syncfs(&*directory)).await;
        let synced = synced.map_err(|e| StoreError::Other(Box::new(e)))?;
        synced.map_err(|e| StoreError::Unavailable(Box::new(std::io::Error::from(e))))
    }

    /// Writes an object that must not exist yet; [`StoreError::Conflict`] if it does.
    pub async fn create(&self, key: &str, data: Bytes) -> Result<()> {
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        self.inner.put_opts(&Key::from(key), PutPayload::from_bytes(data), options).await.map_err(failure)?;
        Ok(())
    }

    /// Writes an object, over an older one of that key.
    pub async fn put(&self, key: &str, data: Bytes) -> Result<()> {
        self.inner.put(&Key::from(key), PutPayload::from_bytes(data)).await.map_err(failure)?;
        Ok(())
    }

    /// The whole object.
    pub async fn get(&self, key: &str) -> Result<Bytes> {
        let found = self.inner.get(&Key::from(key)).await.map_err(failure)?;
        found.bytes().await.map_err(failure)
    }

    /// Bytes `range` of an object; a range beyond its end is cut.
    pub async fn get_range(&self, key: &str, range: Range<u64>) -> Result<Bytes> {
        if range.is_empty() {
            return Ok(Bytes::new());
        }
        self.inner.get_range(&Key::from(key), range).await.map_err(failure)
    }

    /// Deletes an object; one that is not there is no error.
    pub async fn delete(&self, key: &str) -> Result<()> {
        match self.inner.delete(&Key::from(key)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(e) => Err(failure(e)),
        }
    }

    /// Every object below a prefix (whole path segments), sorted by key.
    pub async fn list(&self, prefix: &str) -> Result<Vec<ObjectInfo>> {
        let prefix = Key::from(prefix);
        let found: Vec<_> = self.inner.list(Some(&prefix)).try_collect().await.map_err(failure)?;
        let mut objects: Vec<_> =
            found.into_iter().map(|m| ObjectInfo { key: m.location.to_string(), length: m.size }).collect();
        objects.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(objects)
    }
}

fn failure(error: object_store::Error) -> StoreError {
    match error {
        object_store::Error::NotFound { .. } => StoreError::NotFound,
        object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. } => {
            StoreError::Conflict
        }
        other if disk_is_full(&other) => StoreError::Full(Box::new(other)),
        other => StoreError::Unavailable(Box::new(other)),
    }
}

/// object_store wraps the system's error in its own; the kind is somewhere down the chain.
fn disk_is_full(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(e) = cause {
        if let Some(io) = e.downcast_ref::<std::io::Error>() {
            use std::io::ErrorKind::{QuotaExceeded, StorageFull};
            return matches!(io.kind(), StorageFull | QuotaExceeded);
        }
        cause = e.source();
    }
    false
}
