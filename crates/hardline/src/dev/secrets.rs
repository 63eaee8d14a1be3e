//! Who and what the demo is: made at the first start, the same at every other one.

use super::files::write_private;
use anyhow::Context as _;
use rand::RngExt as _;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::path::Path;
use uuid::Uuid;

/// The content of `DIR/secrets`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Secrets {
    /// The one tenant.
    pub tenant: Uuid,
    /// The subscription.
    pub subscription: Uuid,
    /// The Owner's object id.
    pub user_oid: Uuid,
    /// The Owner's name.
    pub user: String,
    /// The Owner's password.
    pub password: Secret,
    /// The service principal's object id.
    pub client_oid: Uuid,
    /// The service principal's application id.
    pub client_id: Uuid,
    /// Its secret.
    pub client_secret: Secret,
    /// The demo guests' user.
    pub guest_user: String,
    /// The demo guests' password.
    pub guest_password: Secret,
}

/// A secret that can be stored; it is never shown.
#[derive(Clone, Debug)]
pub struct Secret(SecretString);

impl Secret {
    /// The secret itself.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// Five groups of five letters and digits: 124 bits, and a person can type it at a console.
    fn random() -> Self {
        // No characters that look alike: 0 and o, 1, i and l.
        const ALPHABET: &[u8] = b"abcdefghjkmnpqrstuvwxyz23456789";
        let mut rng = rand::rng();
        let mut group = || -> String {
            (0..5)
                .filter_map(|_| ALPHABET.get(rng.random_range(0..ALPHABET.len())))
                .map(|b| char::from(*b))
                .collect()
        };
        loop {
            let text = (0..5).map(|_| group()).collect::<Vec<_>>().join("-");
            // Azure's rule for passwords of machines asks for three kinds of characters; the dash is the third.
            if text.contains(|c: char| c.is_ascii_digit()) && text.contains(|c: char| c.is_ascii_lowercase())
            {
                return Self(text.into());
            }
        }
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.expose())
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(text.into()))
    }
}

impl Secrets {
    /// Reads `DIR/secrets`; makes it when it is not there.
    pub fn open(dir: &Path) -> anyhow::Result<Self> {
        let path = dir.join("secrets");
        match std::fs::read(&path) {
            Ok(json) => {
                serde_json::from_slice(&json).with_context(|| format!("{} is damaged", path.display()))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let secrets = Self::random();
                write_private(&path, &serde_json::to_vec_pretty(&secrets)?)?;
                Ok(secrets)
            }
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }

    fn random() -> Self {
        Self {
            tenant: Uuid::new_v4(),
            subscription: Uuid::new_v4(),
            user_oid: Uuid::new_v4(),
            user: "owner@hardline.local".into(),
            password: Secret::random(),
            client_oid: Uuid::new_v4(),
            client_id: Uuid::new_v4(),
            client_secret: Secret::random(),
            guest_user: "hardline".into(),
            guest_password: Secret::random(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn made_once() {
        let dir = tempfile::tempdir().unwrap();
        let first = Secrets::open(dir.path()).unwrap();
        let again = Secrets::open(dir.path()).unwrap();
        assert_eq!(first.subscription, again.subscription);
        assert_eq!(first.password.expose(), again.password.expose());
        assert_eq!(first.password.expose().len(), 29);
        assert_ne!(first.password.expose(), first.guest_password.expose());
        let mode = std::fs::metadata(dir.path().join("secrets")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(!format!("{first:?}").contains(first.password.expose()));
    }

    #[test]
    fn a_damaged_file_is_not_replaced() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("secrets"), "{").unwrap();
        assert!(Secrets::open(dir.path()).unwrap_err().to_string().contains("damaged"));
    }
}
