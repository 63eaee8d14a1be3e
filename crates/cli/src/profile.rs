//! What `hardline login` remembers: `hardline/profile.json` in the XDG configuration folder, readable by its owner only.

use crate::error::Error;
use serde::{Deserialize, Serialize};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// A sign-in.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Profile {
    /// The server.
    pub url: String,
    /// Its certificate authority's PEM file.
    pub ca_file: Option<PathBuf>,
    /// The tenant.
    pub tenant: Option<String>,
    /// The default subscription.
    pub subscription: Option<String>,
    /// Who signed in.
    pub name: String,
    /// The access token.
    pub token: String,
    /// When the token ends, seconds since 1970.
    pub expires: u64,
}

impl std::fmt::Debug for Profile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Profile").field("url", &self.url).field("name", &self.name).finish_non_exhaustive()
    }
}

/// Where the profile stands.
pub fn path() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    let dir =
        set("XDG_CONFIG_HOME").filter(|p| p.is_absolute()).or_else(|| Some(set("HOME")?.join(".config")))?;
    Some(dir.join("hardline/profile.json"))
}

/// The profile, if there is one that can be read.
pub fn load(path: &Path) -> Option<Profile> {
    serde_json::from_slice(&std::fs::read(path).ok()?).ok()
}

/// Writes the profile in one step.
pub fn save(path: &Path, profile: &Profile) -> Result<(), Error> {
    let file = |source| Error::File { path: path.to_owned(), source };
    let dir = path.parent().unwrap_or(Path::new("."));
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(file)?;
    let new = path.with_extension("json.new");
    let json = serde_json::to_vec_pretty(profile).map_err(|e| Error::Answer(e.to_string()))?;
    // A file left by an interrupted run could have other permissions.
    std::fs::remove_file(&new).or_else(absent).map_err(file)?;
    let mut out =
        std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new).map_err(file)?;
    out.write_all(&json).and_then(|()| std::fs::rename(&new, path)).map_err(file)
}

/// Removes the profile; that there is none is no error.
pub fn remove(path: &Path) -> Result<(), Error> {
    std::fs::remove_file(path).or_else(absent).map_err(|source| Error::File { path: path.to_owned(), source })
}

fn absent(error: std::io::Error) -> std::io::Result<()> {
    if error.kind() == std::io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn saved_for_its_owner_only() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/profile.json");
        let profile = Profile {
            url: "https://localhost:1".into(),
            ca_file: None,
            tenant: None,
            subscription: None,
            name: "a@b".into(),
            token: "s3cret".into(),
            expires: 7,
        };
        assert!(load(&path).is_none());
        save(&path, &profile).unwrap();
        save(&path, &profile).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(load(&path).unwrap().token, "s3cret");
        assert!(!format!("{profile:?}").contains("s3cret"));
        remove(&path).unwrap();
        remove(&path).unwrap();
        assert!(load(&path).is_none());
    }
}
