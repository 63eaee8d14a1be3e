//! The runner of one setting: reads events after the setting's place, has the sink take them, notes how far it has come.

use super::Profile;
use super::item::Item;
use super::sink::{Sink, SinkError, Verdict, short};
use crate::clock::micros;
use crate::state::State;
use hardline_store::db::activity_events;
use hardline_store::db::diagnostic_settings::{self as settings, DeadLetter, Setting};
use hardline_store::dialect::Dialect;
use hardline_store::{StoreError, Tx};
use std::collections::HashSet;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Most events that are read at a time.
const BATCH: usize = 500;
/// A holder that is not heard of for so long may be replaced.
const HELD: Duration = Duration::from_secs(60);
/// The longest pause is this many times the first.
const DOUBLINGS: u32 = 8;

struct Runner {
    state: State,
    holder: String,
    setting: Setting,
    sink: Sink,
    /// Most events of a request: halved when one is too long, doubled when one is taken.
    most: usize,
    failures: u32,
    /// Whether the sink has ever taken something. If not, a refusal says more about the setting than about an event.
    proven: bool,
    /// The last event that is over and done with.
    place: i64,
}

/// What is still to be sent of a batch.
struct Batch {
    pending: Vec<Item>,
    /// Where the batch ends.
    end: i64,
}

/// Runs until `stop`, or the server stops.
pub(super) async fn run(state: State, setting: Setting, stop: CancellationToken) {
    let (shutdown, id, holder) =
        (state.shutdown.clone(), setting.id.clone(), state.random.uuid().to_string());
    tokio::select! {
        () = shutdown.cancelled() => {}
        () = stop.cancelled() => {}
        () = follow(state.clone(), &holder, setting) => {}
    }
    let released = async {
        let mut tx = state.store.begin().await?;
        settings::release(&mut tx, &id, &holder).await?;
        tx.commit().await
    };
    if let Err(error) = released.await {
        tracing::debug!(error = &error as &dyn std::error::Error, id, "a setting could not be released");
    }
}

async fn follow(state: State, holder: &str, setting: Setting) {
    let look = state.config.limits.sink_look;
    let Some(profile) = profile(&setting) else { return std::future::pending().await };
    let sink = match Sink::of(&state, &profile, &setting) {
        Ok(sink) => sink,
        Err(error) => {
            // What the operator allows has changed since it was set: nothing to do but to say so.
            let noted = async {
                let mut tx = state.store.begin().await?;
                if hold(&state, &mut tx, &setting.id, holder).await? {
                    settings::fail(
                        &mut tx,
                        &setting.id,
                        holder,
                        &error.to_string(),
                        micros(state.clock.now()),
                    )
                    .await?;
                }
                tx.commit().await
            };
            if let Err(lost) = noted.await {
                tracing::warn!(error = &lost as &dyn std::error::Error, "a failure could not be noted");
            }
            return std::future::pending().await;
        }
    };
    let (place, proven) = (setting.progress.place, setting.progress.succeeded.is_some());
    let holder = holder.to_owned();
    let mut runner = Runner { state, holder, setting, sink, most: BATCH, failures: 0, proven, place };
    loop {
        match runner.batch().await {
            Ok(true) => {}
            Ok(false) => tokio::time::sleep(look).await,
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    id = runner.setting.id,
                    "events could not be read for a sink"
                );
                tokio::time::sleep(look).await;
            }
        }
    }
}

/// The profile of a setting that sends something.
fn profile(setting: &Setting) -> Option<Profile> {
    let body: serde_json::Value = serde_json::from_str(&setting.body).ok()?;
    let profile: Profile =
        serde_json::from_value(body.pointer("/properties/hardlineProfile")?.clone()).ok()?;
    let logs = body.pointer("/properties/logs").and_then(serde_json::Value::as_array);
    let wanted = logs.is_some_and(|logs| {
        logs.iter().any(|log| {
            let category = log.get("category").and_then(serde_json::Value::as_str).unwrap_or("");
            category.eq_ignore_ascii_case("Administrative") && log.get("enabled") == Some(&true.into())
        })
    });
    (profile.enabled && wanted).then_some(profile)
}

/// Makes this server the one that sends. The file of a SQLite database has one server only: whoever held it is dead.
async fn hold(state: &State, tx: &mut Tx, id: &str, holder: &str) -> Result<bool, StoreError> {
    let now = micros(state.clock.now());
    let held = i64::try_from(HELD.as_micros()).unwrap_or(i64::MAX);
    let until = now.saturating_add(held);
    let seen = if state.store.dialect() == Dialect::Sqlite { i64::MAX } else { now };
    settings::hold(tx, id, holder, seen, until).await
}

impl Runner {
    /// Sends the next events, until all are taken or refused; whether there may be more.
    async fn batch(&mut self) -> Result<bool, StoreError> {
        let Some(mut batch) = self.read().await? else { return Ok(false) };
        let full = batch.pending.len() >= BATCH;
        while !batch.pending.is_empty() {
            if !self.attempt(&mut batch).await? {
                return Ok(false);
            }
        }
        Ok(full)
    }

    /// The next events, if there are any and this server is the one that sends.
    async fn read(&mut self) -> Result<Option<Batch>, StoreError> {
        let store = &self.state.store;
        let limit = i64::try_from(BATCH).unwrap_or(i64::MAX);
        let rows = activity_events::following(store, &self.setting.subscription, self.place, limit).await?;
        let Some(last) = rows.last() else { return Ok(None) };
        let mut batch = Batch { pending: Vec::with_capacity(rows.len()), end: last.seq };
        let mut tx = store.begin().await?;
        if !hold(&self.state, &mut tx, &self.setting.id, &self.holder).await? {
            return Ok(None);
        }
        // Another server may have been the one that sent meanwhile.
        let noted = settings::get(&mut tx, &self.setting.id).await?;
        let place = noted.map_or(self.place, |setting| setting.progress.place);
        let now = micros(self.state.clock.now());
        for row in rows.iter().filter(|row| row.seq > place) {
            match Item::read(row, &self.state.places) {
                Ok(item) => batch.pending.push(item),
                Err(reason) => {
                    let letter =
                        DeadLetter { seq: row.seq, event: row.id.clone(), reason: short(&reason), time: now };
                    settings::bury(&mut tx, &self.setting.id, &letter).await?;
                }
            }
        }
        self.place = place;
        if batch.pending.is_empty() && place < batch.end {
            settings::advance(&mut tx, &self.setting.id, &self.holder, batch.end, 0, now).await?;
            self.place = batch.end;
        }
        tx.commit().await?;
        Ok(Some(batch))
    }

    /// One request, and the pause after it if it failed. False when another server sends now.
    async fn attempt(&mut self, batch: &mut Batch) -> Result<bool, StoreError> {
        let chosen = batch.choose(self.most, self.sink.takes_all_or_none());
        let items: Vec<&Item> = chosen.iter().filter_map(|at| batch.pending.get(*at)).collect();
        let verdicts = match self.sink.send(&self.state, &items).await {
            Ok(verdicts) => {
                self.most = self.most.saturating_mul(2).min(BATCH);
                self.proven = true;
                verdicts
            }
            Err(SinkError::Split(_)) if items.len() > 1 => {
                self.most = items.len() / 2;
                return Ok(true);
            }
            Err(SinkError::Split(reason)) if self.proven => vec![Verdict::Refused(reason)],
            Err(SinkError::Split(reason)) => return self.failed(&reason, None).await,
            Err(SinkError::Away { reason, pause }) => return self.failed(&reason, pause).await,
        };
        let asked = items.len();
        let mut done: HashSet<i64> = HashSet::new();
        let (mut sent, mut later, mut letters) = (0, Vec::new(), Vec::new());
        let now = micros(self.state.clock.now());
        for (item, verdict) in items.iter().zip(verdicts) {
            match verdict {
                Verdict::Taken => {
                    sent += 1;
                    done.insert(item.seq);
                }
                Verdict::Refused(reason) => {
                    tracing::warn!(
                        id = self.setting.id,
                        event = item.id,
                        reason,
                        "a sink refuses an event for good"
                    );
                    letters.push(DeadLetter { seq: item.seq, event: item.id.clone(), reason, time: now });
                    done.insert(item.seq);
                }
                Verdict::Later(reason) => later.push(reason),
            }
        }
        batch.pending.retain(|item| !done.contains(&item.seq));
        let place = if batch.pending.is_empty() { batch.end } else { batch.place() - 1 };
        if !done.is_empty() && !self.advance(place, sent, &letters).await? {
            return Ok(false);
        }
        if !done.is_empty() {
            self.failures = 0;
        }
        // A sink that takes a part is there: it is left alone for as much of a pause as it did not take.
        let share = Share { left: later.len(), of: asked };
        match later.last() {
            Some(reason) => self.paused(reason, None, share).await,
            None => Ok(true),
        }
    }

    async fn advance(&mut self, place: i64, sent: i64, letters: &[DeadLetter]) -> Result<bool, StoreError> {
        let mut tx = self.state.store.begin().await?;
        if !hold(&self.state, &mut tx, &self.setting.id, &self.holder).await? {
            return Ok(false);
        }
        for letter in letters {
            settings::bury(&mut tx, &self.setting.id, letter).await?;
        }
        let now = micros(self.state.clock.now());
        settings::advance(&mut tx, &self.setting.id, &self.holder, place, sent, now).await?;
        tx.commit().await?;
        self.place = place;
        Ok(true)
    }

    /// Nothing was taken.
    async fn failed(&mut self, reason: &str, wish: Option<Duration>) -> Result<bool, StoreError> {
        self.paused(reason, wish, Share { left: 1, of: 1 }).await
    }

    /// Notes a failure and pauses: longer each time, and by chance, so that sinks are not asked by everybody at once. False when
    /// another server has sent meanwhile.
    async fn paused(
        &mut self,
        reason: &str,
        wish: Option<Duration>,
        share: Share,
    ) -> Result<bool, StoreError> {
        tracing::warn!(
            id = self.setting.id,
            failures = self.failures + 1,
            reason,
            "a sink does not take events"
        );
        let mut tx = self.state.store.begin().await?;
        let now = micros(self.state.clock.now());
        settings::fail(&mut tx, &self.setting.id, &self.holder, reason, now).await?;
        tx.commit().await?;
        let pause = self.state.config.limits.sink_pause.mul_f64(share.left as f64 / share.of.max(1) as f64);
        let longest = pause.saturating_mul(1 << self.failures.min(DOUBLINGS));
        self.failures = self.failures.saturating_add(1);
        let mut chance = [0; 4];
        self.state.random.fill(&mut chance);
        let part = 0.5 + f64::from(u32::from_le_bytes(chance)) / f64::from(u32::MAX) / 2.0;
        tokio::time::sleep(longest.mul_f64(part).max(wish.unwrap_or_default())).await;
        let mut tx = self.state.store.begin().await?;
        let held = hold(&self.state, &mut tx, &self.setting.id, &self.holder).await?;
        let noted = settings::get(&mut tx, &self.setting.id).await?;
        tx.commit().await?;
        Ok(held && noted.is_some_and(|setting| setting.progress.place == self.place))
    }
}

/// How many events of a request were not taken.
#[derive(Clone, Copy, Debug)]
struct Share {
    left: usize,
    of: usize,
}

impl Batch {
    /// The place of the first event that is pending; the one after the end when there is none.
    fn place(&self) -> i64 {
        self.pending.first().map_or(self.end.saturating_add(1), |item| item.seq)
    }

    /// Which of the pending events go into the next request.
    fn choose(&self, most: usize, together: bool) -> Vec<usize> {
        let mut resources = HashSet::new();
        let chosen = self.pending.iter().enumerate();
        let chosen = chosen.filter(|(_, item)| together || resources.insert(item.resource.as_str()));
        chosen.map(|(at, _)| at).take(most).collect()
    }
}
