//! Authorization codes (RFC 6749, section 4.1): given out to a browser, exchanged once. Only their hashes are here.

use super::sql::{number, optional_text, text};
use crate::db::{Reader, Tx};
use crate::error::Result;
use sqlx::any::AnyRow;

/// What a code stands for, and what whoever exchanges it must show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorizationCode {
    /// SHA-256 of the code, hex.
    pub code_hash: String,
    /// Object id of whoever signed in.
    pub principal: String,
    /// How: a value of the claim `amr` (RFC 8176).
    pub method: String,
    /// The client that asked.
    pub client: String,
    /// Where the code was sent.
    pub redirect_uri: String,
    /// SHA-256 of the client's verifier, base64url (RFC 7636).
    pub challenge: String,
    /// Goes into the id token.
    pub nonce: Option<String>,
    /// Whom the access token will be for.
    pub audience: String,
    /// Until when it counts, microseconds.
    pub expires: i64,
}

const COLUMNS: &str = "SELECT code_hash, principal, method, client, redirect_uri, challenge, nonce, audience, expires FROM authorization_codes";

/// Writes a new code, and forgets those that ended before `now`.
pub async fn insert(tx: &mut Tx, code: &AuthorizationCode, now: i64) -> Result<()> {
    tx.run(sqlx::query("DELETE FROM authorization_codes WHERE expires < $1").bind(now)).await?;
    let statement = sqlx::query(
        "INSERT INTO authorization_codes (code_hash, principal, method, client, redirect_uri, challenge, nonce, audience, expires) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(code.code_hash.as_str())
    .bind(code.principal.as_str())
    .bind(code.method.as_str())
    .bind(code.client.as_str())
    .bind(code.redirect_uri.as_str())
    .bind(code.challenge.as_str())
    .bind(code.nonce.as_deref())
    .bind(code.audience.as_str())
    .bind(code.expires);
    tx.run(statement).await.map(|_| ())
}

/// One code, expired or not.
pub async fn get<'a>(from: impl Into<Reader<'a>>, code_hash: &str) -> Result<Option<AuthorizationCode>> {
    let sql = format!("{COLUMNS} WHERE code_hash = $1");
    let statement = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(code_hash);
    from.into().optional(statement).await?.as_ref().map(read).transpose()
}

/// Takes a code away; whether it was there. Only one caller ever gets true.
pub async fn take(tx: &mut Tx, code_hash: &str) -> Result<bool> {
    let statement = sqlx::query("DELETE FROM authorization_codes WHERE code_hash = $1").bind(code_hash);
    Ok(tx.run(statement).await? == 1)
}

fn read(row: &AnyRow) -> Result<AuthorizationCode> {
    Ok(AuthorizationCode {
        code_hash: text(row, "code_hash")?,
        principal: text(row, "principal")?,
        method: text(row, "method")?,
        client: text(row, "client")?,
        redirect_uri: text(row, "redirect_uri")?,
        challenge: text(row, "challenge")?,
        nonce: optional_text(row, "nonce")?,
        audience: text(row, "audience")?,
        expires: number(row, "expires")?,
    })
}
