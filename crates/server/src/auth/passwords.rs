//! Passwords and client secrets: Argon2id with OWASP's parameters, kept as PHC strings.
//!
//! Hashing is slow on purpose (19 MiB, two passes), so it runs off the async threads, and only a few at a time: a flood of
//! sign-ins must not eat the memory of the server.

use crate::random::Random;
use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use secrecy::{ExposeSecret as _, SecretString};
use std::sync::{Arc, LazyLock};
use tokio::sync::Semaphore;

/// Longest password that is hashed, bytes.
pub const PASSWORD_LIMIT: usize = 1024;
/// Most verifications at a time.
const AT_A_TIME: usize = 4;

/// What is verified when there is no such principal, so that the time taken does not tell.
static NOBODY: LazyLock<String> = LazyLock::new(|| hash_with_salt(b"nobody", &[7; 16]).unwrap_or_default());

/// Verifies passwords, a few at a time.
#[derive(Clone, Debug)]
pub struct Passwords {
    permits: Arc<Semaphore>,
}

impl Default for Passwords {
    fn default() -> Self {
        Self { permits: Arc::new(Semaphore::new(AT_A_TIME)) }
    }
}

impl Passwords {
    /// Whether `password` is the one behind `hash`. Without a hash it takes as long, and is false.
    pub async fn verify(&self, password: SecretString, hash: Option<String>) -> bool {
        let Ok(permit) = self.permits.clone().acquire_owned().await else { return false };
        let work = move || {
            let _permit = permit;
            let known = hash.is_some();
            let hash = hash.unwrap_or_else(|| NOBODY.clone());
            let good = password.expose_secret().len() <= PASSWORD_LIMIT
                && PasswordHash::new(&hash).is_ok_and(|parsed| {
                    Argon2::default().verify_password(password.expose_secret().as_bytes(), &parsed).is_ok()
                });
            good & known
        };
        tokio::task::spawn_blocking(work).await.unwrap_or(false)
    }
}

/// The PHC string of a new password; none when it is empty or too long. Slow: call it off the async threads.
pub fn hash(password: &SecretString, random: &dyn Random) -> Option<String> {
    let text = password.expose_secret();
    if text.is_empty() || text.len() > PASSWORD_LIMIT {
        return None;
    }
    let mut salt = [0; 16];
    random.fill(&mut salt);
    hash_with_salt(text.as_bytes(), &salt)
}

fn hash_with_salt(password: &[u8], salt: &[u8; 16]) -> Option<String> {
    let hash: PasswordHash = Argon2::default().hash_password_with_salt(password, salt).ok()?;
    Some(hash.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SystemRandom;

    #[tokio::test]
    async fn only_the_password_itself_verifies() {
        let verifier = Passwords::default();
        let hash = hash(&"hunter2".into(), &SystemRandom).unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(verifier.verify("hunter2".into(), Some(hash.clone())).await);
        assert!(!verifier.verify("hunter3".into(), Some(hash.clone())).await);
        assert!(!verifier.verify("".into(), Some(hash)).await);
        assert!(!verifier.verify("nobody".into(), None).await);
        assert!(!verifier.verify("x".into(), Some("no phc string".into())).await);
    }

    #[test]
    fn the_same_password_has_two_hashes_and_bad_ones_have_none() {
        let one = hash(&"same".into(), &SystemRandom).unwrap();
        assert_ne!(one, hash(&"same".into(), &SystemRandom).unwrap());
        assert!(hash(&"".into(), &SystemRandom).is_none());
        assert!(hash(&"x".repeat(PASSWORD_LIMIT + 1).into(), &SystemRandom).is_none());
    }
}
