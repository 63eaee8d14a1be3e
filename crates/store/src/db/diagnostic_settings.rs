//! Diagnostic settings: where a subscription's events are sent, how far that has come, and what was refused for good.

use super::sql::{number, optional_number, optional_text, text};
use crate::db::{Reader, Tx};
use crate::error::Result;
use sqlx::any::AnyRow;

/// Most dead letters of a setting that are kept; older ones go. The events themselves stay in the log.
pub const DEAD_LETTERS: i64 = 1000;

/// What somebody has set.
#[derive(Clone, PartialEq, Eq)]
pub struct NewSetting {
    /// The id, as it came first.
    pub id: String,
    /// The subscription's id; kept in lower case.
    pub subscription: String,
    /// Its name, as it came.
    pub name: String,
    /// The document, without secrets: JSON.
    pub body: String,
    /// What the sink asks for; never shown.
    pub secret: Option<String>,
    /// When, microseconds.
    pub now: i64,
}

/// A setting, and how far it has come.
#[derive(Clone, PartialEq, Eq)]
pub struct Setting {
    /// The id, as it came first.
    pub id: String,
    /// The subscription's id in lower case.
    pub subscription: String,
    /// Its name.
    pub name: String,
    /// The document, without secrets: JSON.
    pub body: String,
    /// What the sink asks for; never shown.
    pub secret: Option<String>,
    /// Rises with each change.
    pub revision: i64,
    /// How far it has come.
    pub progress: Progress,
}

/// How far a setting has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The last event (its `seq`) that is over and done with.
    pub place: i64,
    /// Events that its sink has taken.
    pub sent: i64,
    /// Events that its sink refused for good.
    pub dead: i64,
    /// Attempts that failed since the last that did not.
    pub failures: i64,
    /// When its sink took something last, microseconds.
    pub succeeded: Option<i64>,
    /// When an attempt failed last.
    pub failed: Option<i64>,
    /// Why.
    pub error: Option<String>,
}

/// An event that a sink refused for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// The event's place.
    pub seq: i64,
    /// The event's id.
    pub event: String,
    /// Why.
    pub reason: String,
    /// When, microseconds.
    pub time: i64,
}

impl std::fmt::Debug for NewSetting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewSetting").field("id", &self.id).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Setting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Setting")
            .field("id", &self.id)
            .field("progress", &self.progress)
            .finish_non_exhaustive()
    }
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, subscription_key, name, body, secret, revision, place, sent, dead, failures, succeeded, failed, \
             error FROM diagnostic_settings ",
            $rest
        )
    };
}

/// Writes a setting, over an older one of that id, whose place and counts stay. A new one begins after the place `from`.
pub async fn put(tx: &mut Tx, setting: &NewSetting, from: i64) -> Result<()> {
    let statement = sqlx::query(
        "INSERT INTO diagnostic_settings (id_key, id, subscription_key, name, body, secret, revision, created, updated, \
         place, holder, held_until, sent, dead, failures) \
         VALUES ($1, $2, $3, $4, $5, $6, 1, $7, $7, $8, '', 0, 0, 0, 0) ON CONFLICT (id_key) DO UPDATE SET \
         body = excluded.body, secret = excluded.secret, revision = diagnostic_settings.revision + 1, \
         updated = excluded.updated",
    )
    .bind(setting.id.to_ascii_lowercase())
    .bind(setting.id.as_str())
    .bind(setting.subscription.to_ascii_lowercase())
    .bind(setting.name.as_str())
    .bind(setting.body.as_str())
    .bind(setting.secret.as_deref())
    .bind(setting.now)
    .bind(from);
    tx.run(statement).await.map(|_| ())
}

/// One setting, by its id in any case.
pub async fn get<'a>(from: impl Into<Reader<'a>>, id: &str) -> Result<Option<Setting>> {
    let statement = sqlx::query(select!("WHERE id_key = $1")).bind(id.to_ascii_lowercase());
    from.into().optional(statement).await?.as_ref().map(read).transpose()
}

/// The settings of a subscription, by id.
pub async fn list<'a>(from: impl Into<Reader<'a>>, subscription: &str) -> Result<Vec<Setting>> {
    let statement = sqlx::query(select!("WHERE subscription_key = $1 ORDER BY id_key"))
        .bind(subscription.to_ascii_lowercase());
    from.into().all(statement).await?.iter().map(read).collect()
}

/// All settings there are, by id.
pub async fn all<'a>(from: impl Into<Reader<'a>>) -> Result<Vec<Setting>> {
    from.into().all(sqlx::query(select!("ORDER BY id_key"))).await?.iter().map(read).collect()
}

/// Deletes a setting with its dead letters; whether it was there.
pub async fn delete(tx: &mut Tx, id: &str) -> Result<bool> {
    let key = id.to_ascii_lowercase();
    tx.run(sqlx::query("DELETE FROM dead_letters WHERE setting_key = $1").bind(key.as_str())).await?;
    let statement = sqlx::query("DELETE FROM diagnostic_settings WHERE id_key = $1").bind(key);
    Ok(tx.run(statement).await? == 1)
}

/// Makes `holder` the one that sends until `until`, unless another is that now; whether it is.
pub async fn hold(tx: &mut Tx, id: &str, holder: &str, now: i64, until: i64) -> Result<bool> {
    let statement = sqlx::query(
        "UPDATE diagnostic_settings SET holder = $2, held_until = $4 WHERE id_key = $1 AND (holder = $2 OR held_until <= $3)",
    )
    .bind(id.to_ascii_lowercase())
    .bind(holder)
    .bind(now)
    .bind(until);
    Ok(tx.run(statement).await? == 1)
}

/// Lets another server be the one that sends.
pub async fn release(tx: &mut Tx, id: &str, holder: &str) -> Result<()> {
    let statement =
        sqlx::query("UPDATE diagnostic_settings SET held_until = 0 WHERE id_key = $1 AND holder = $2")
            .bind(id.to_ascii_lowercase())
            .bind(holder);
    tx.run(statement).await.map(|_| ())
}

/// Notes that everything up to `place` is done with, `sent` events more of which were taken; whether `holder` still sends.
pub async fn advance(tx: &mut Tx, id: &str, holder: &str, place: i64, sent: i64, now: i64) -> Result<bool> {
    let statement = sqlx::query(
        "UPDATE diagnostic_settings SET place = $3, sent = sent + $4, succeeded = $5, failures = 0, error = NULL \
         WHERE id_key = $1 AND holder = $2",
    )
    .bind(id.to_ascii_lowercase())
    .bind(holder)
    .bind(place)
    .bind(sent)
    .bind(now);
    Ok(tx.run(statement).await? == 1)
}

/// Notes a failed attempt.
pub async fn fail(tx: &mut Tx, id: &str, holder: &str, error: &str, now: i64) -> Result<()> {
    let statement = sqlx::query(
        "UPDATE diagnostic_settings SET failures = failures + 1, failed = $3, error = $4 WHERE id_key = $1 AND holder = $2",
    )
    .bind(id.to_ascii_lowercase())
    .bind(holder)
    .bind(now)
    .bind(error);
    tx.run(statement).await.map(|_| ())
}

/// Notes an event that was refused for good, once.
pub async fn bury(tx: &mut Tx, id: &str, letter: &DeadLetter) -> Result<()> {
    let key = id.to_ascii_lowercase();
    let statement = sqlx::query(
        "INSERT INTO dead_letters (setting_key, event_seq, event_id, reason, time) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (setting_key, event_seq) DO NOTHING",
    )
    .bind(key.as_str())
    .bind(letter.seq)
    .bind(letter.event.as_str())
    .bind(letter.reason.as_str())
    .bind(letter.time);
    if tx.run(statement).await? == 0 {
        return Ok(());
    }
    let count = sqlx::query("UPDATE diagnostic_settings SET dead = dead + 1 WHERE id_key = $1");
    tx.run(count.bind(key.as_str())).await?;
    let old = sqlx::query(
        "DELETE FROM dead_letters WHERE setting_key = $1 AND event_seq <= \
         (SELECT event_seq FROM dead_letters WHERE setting_key = $1 ORDER BY event_seq DESC LIMIT 1 OFFSET $2)",
    );
    tx.run(old.bind(key.as_str()).bind(DEAD_LETTERS)).await.map(|_| ())
}

/// Up to `limit` dead letters of a setting, the newest events first.
pub async fn dead_letters<'a>(from: impl Into<Reader<'a>>, id: &str, limit: i64) -> Result<Vec<DeadLetter>> {
    let statement = sqlx::query(
        "SELECT event_seq, event_id, reason, time FROM dead_letters WHERE setting_key = $1 ORDER BY event_seq DESC LIMIT $2",
    )
    .bind(id.to_ascii_lowercase())
    .bind(limit);
    let read = |row: &AnyRow| {
        Ok(DeadLetter {
            seq: number(row, "event_seq")?,
            event: text(row, "event_id")?,
            reason: text(row, "reason")?,
            time: number(row, "time")?,
        })
    };
    from.into().all(statement).await?.iter().map(read).collect()
}

fn read(row: &AnyRow) -> Result<Setting> {
    Ok(Setting {
        id: text(row, "id")?,
        subscription: text(row, "subscription_key")?,
        name: text(row, "name")?,
        body: text(row, "body")?,
        secret: optional_text(row, "secret")?,
        revision: number(row, "revision")?,
        progress: Progress {
            place: number(row, "place")?,
            sent: number(row, "sent")?,
            dead: number(row, "dead")?,
            failures: number(row, "failures")?,
            succeeded: optional_number(row, "succeeded")?,
            failed: optional_number(row, "failed")?,
            error: optional_text(row, "error")?,
        },
    })
}
