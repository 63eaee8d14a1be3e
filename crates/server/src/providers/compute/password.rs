//! The administrator's password: hashed as soon as it came, never kept.

use crate::random::Random;
use hardline_arm::error::ArmError;
use secrecy::{ExposeSecret as _, SecretString};
use sha_crypt::{Algorithm, Params, PasswordHasher as _, PasswordVerifier as _, ShaCrypt};

/// Rounds of SHA-512. The guest pays them at each log-in too, and under emulation it is slow.
const ROUNDS: u32 = 20_000;
/// Bytes of salt: 16 characters, the most that crypt(3) takes.
const SALT: usize = 12;

/// `crypt(3)` of a password: `$6$rounds=…$salt$…`. Runs beside the async threads.
pub(super) async fn hash(password: SecretString, random: &dyn Random) -> Result<String, ArmError> {
    let mut salt = [0; SALT];
    random.fill(&mut salt);
    let work = move || {
        let params = Params::new(ROUNDS).map_err(|e| e.to_string())?;
        ShaCrypt::new(Algorithm::Sha512Crypt, params)
            .hash_password_with_salt(password.expose_secret().as_bytes(), &salt)
            .map(|hash| hash.to_string())
            .map_err(|e| e.to_string())
    };
    tokio::task::spawn_blocking(work).await.map_err(ArmError::internal)?.map_err(ArmError::internal)
}

/// Whether `password` is the one that was hashed. Compares in constant time, beside the async threads.
pub(super) async fn verify(password: SecretString, hash: String) -> Result<bool, ArmError> {
    let work =
        move || ShaCrypt::SHA512.verify_password(password.expose_secret().as_bytes(), hash.as_str()).is_ok();
    tokio::task::spawn_blocking(work).await.map_err(ArmError::internal)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::CountingRandom;

    #[tokio::test]
    async fn a_hash_that_crypt_understands() {
        let secret = |text: &str| SecretString::from(text.to_owned());
        let hash = hash(secret("correct horse"), &CountingRandom::default()).await.unwrap();
        let parts: Vec<_> = hash.split('$').collect();
        assert_eq!((parts[1], parts[2], parts[3].len(), parts[4].len()), ("6", "rounds=20000", 16, 86));
        assert!(verify(secret("correct horse"), hash.clone()).await.unwrap());
        assert!(!verify(secret("correct hors"), hash).await.unwrap());
        assert!(!verify(secret("x"), String::new()).await.unwrap());
    }
}
