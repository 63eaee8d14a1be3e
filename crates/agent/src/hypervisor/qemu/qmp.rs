//! A client of QEMU's machine protocol (QMP): JSON, one object a line, over a unix socket that serves one client.
//!
//! Commands may be sent by several tasks at once; answers find their way by id. Events that nobody here knows are
//! dropped, unknown fields ignored. A QEMU that was taken over by its guest may send anything: lines are bounded, and
//! what does not parse ends the connection.

use std::{
    collections::HashMap,
    os::fd::AsRawFd,
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{
        UnixStream,
        unix::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::{mpsc, oneshot},
    time::timeout,
};

/// Longest line that is read, bytes. The longest honest answer (a greeting, a status) has a few hundred.
const LINE_LIMIT: u64 = 1 << 20;

/// What QEMU tells unasked, as far as it matters here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QmpEvent {
    /// The machine was reset.
    Reset {
        /// By the guest.
        by_guest: bool,
        /// When, by QEMU's clock, microseconds since 1970.
        at_us: u64,
    },
    /// The machine was switched off.
    Shutdown {
        /// By the guest.
        by_guest: bool,
    },
    /// The processors stand still.
    Stop,
    /// They go on.
    Resume,
    /// The guest's kernel reported a panic.
    Panicked,
}

/// What can go wrong with a command.
#[derive(Debug, thiserror::Error)]
pub enum QmpError {
    /// The socket is not there or broke.
    #[error("no connection: {0}")]
    Connection(String),
    /// No answer in time.
    #[error("no answer within {0:?}")]
    Timeout(Duration),
    /// QEMU refused; its own words.
    #[error("{0}")]
    Refused(String),
}

#[derive(Deserialize)]
struct Incoming {
    event: Option<String>,
    #[serde(default)]
    data: Value,
    #[serde(default)]
    timestamp: Timestamp,
    id: Option<u64>,
    #[serde(rename = "return")]
    result: Option<Value>,
    error: Option<Refusal>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Timestamp {
    seconds: u64,
    microseconds: u64,
}

#[derive(Deserialize)]
struct Refusal {
    #[serde(default)]
    desc: String,
}

/// Callers that wait for an answer, by id; `None` when the connection has ended.
type Waiting = Arc<Mutex<Option<HashMap<u64, oneshot::Sender<Result<Value, QmpError>>>>>>;

/// A connection.
pub struct Qmp {
    writer: tokio::sync::Mutex<OwnedWriteHalf>,
    waiting: Waiting,
    next: AtomicU64,
    reader: tokio::task::JoinHandle<()>,
}

impl Qmp {
    /// Connects to the socket `name` in `dir` and negotiates. Events come through the receiver, which ends with the connection.
    ///
    /// # Errors
    /// No socket, somebody else's connection holds it, or no answer within `deadline`.
    pub async fn connect(
        dir: &Path,
        name: &str,
        deadline: Duration,
    ) -> Result<(Self, mpsc::UnboundedReceiver<QmpEvent>), QmpError> {
        timeout(deadline, Self::negotiate(dir, name, deadline))
            .await
            .unwrap_or(Err(QmpError::Timeout(deadline)))
    }

    async fn negotiate(
        dir: &Path,
        name: &str,
        deadline: Duration,
    ) -> Result<(Self, mpsc::UnboundedReceiver<QmpEvent>), QmpError> {
        let stream = open(dir, name).await?;
        let (read, write) = stream.into_split();
        let mut read = BufReader::new(read);
        let greeting = read_line(&mut read).await?;
        if !serde_json::from_slice::<Value>(&greeting).is_ok_and(|value| value.get("QMP").is_some()) {
            return Err(QmpError::Connection("that is no QMP server".into()));
        }
        let waiting: Waiting = Arc::new(Mutex::new(Some(HashMap::new())));
        let (events, received) = mpsc::unbounded_channel();
        let reader = tokio::spawn(pump(read, waiting.clone(), events));
        let qmp = Self { writer: tokio::sync::Mutex::new(write), waiting, next: AtomicU64::new(1), reader };
        qmp.execute("qmp_capabilities", Value::Null, deadline).await?;
        Ok((qmp, received))
    }

    /// Sends a command and waits for its answer. `arguments` is an object, or null for none.
    ///
    /// # Errors
    /// As [`QmpError`] has it.
    pub async fn execute(
        &self,
        command: &str,
        arguments: Value,
        deadline: Duration,
    ) -> Result<Value, QmpError> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let mut message = json!({ "execute": command, "id": id });
        if let (Value::Object(message), Value::Object(_)) = (&mut message, &arguments) {
            message.insert("arguments".into(), arguments);
        }
        let (answer, answered) = oneshot::channel();
        match lock(&self.waiting).as_mut() {
            Some(waiting) => waiting.insert(id, answer),
            None => return Err(QmpError::Connection("it has ended".into())),
        };
        let exchange = async {
            let line = format!("{message}\n");
            self.writer
                .lock()
                .await
                .write_all(line.as_bytes())
                .await
                .map_err(|e| QmpError::Connection(e.to_string()))?;
            answered.await.unwrap_or_else(|_| Err(QmpError::Connection("it ended before the answer".into())))
        };
        let result = timeout(deadline, exchange).await.unwrap_or(Err(QmpError::Timeout(deadline)));
        if let Some(waiting) = lock(&self.waiting).as_mut() {
            waiting.remove(&id);
        }
        result
    }
}

impl Drop for Qmp {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

/// Connects through a descriptor of the directory: a socket's path may have 107 bytes, a data directory's may have more.
async fn open(dir: &Path, name: &str) -> Result<UnixStream, QmpError> {
    use rustix::fs::{Mode, OFlags};
    let fail = |e: std::io::Error| QmpError::Connection(e.to_string());
    let dir = rustix::fs::open(dir, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
        .map_err(|e| fail(e.into()))?;
    UnixStream::connect(format!("/proc/self/fd/{}/{name}", dir.as_raw_fd())).await.map_err(fail)
}

async fn read_line(read: &mut BufReader<OwnedReadHalf>) -> Result<Vec<u8>, QmpError> {
    let mut line = Vec::new();
    let count = read
        .take(LINE_LIMIT)
        .read_until(b'\n', &mut line)
        .await
        .map_err(|e| QmpError::Connection(e.to_string()))?;
    if count == 0 || line.last() != Some(&b'\n') {
        return Err(QmpError::Connection(if count == 0 { "it ended" } else { "a line without end" }.into()));
    }
    Ok(line)
}

async fn pump(mut read: BufReader<OwnedReadHalf>, waiting: Waiting, events: mpsc::UnboundedSender<QmpEvent>) {
    while let Ok(line) = read_line(&mut read).await {
        let Ok(incoming) = serde_json::from_slice::<Incoming>(&line) else { break };
        let Timestamp { seconds, microseconds } = incoming.timestamp;
        let at_us = seconds.saturating_mul(1_000_000).saturating_add(microseconds);
        if let Some(event) = incoming.event.as_deref().and_then(|name| known(name, &incoming.data, at_us)) {
            // Nobody listens any more: answers are still wanted.
            let _ = events.send(event);
        }
        let caller =
            incoming.id.and_then(|id| lock(&waiting).as_mut().and_then(|waiting| waiting.remove(&id)));
        if let Some(caller) = caller {
            let _ = caller.send(match incoming.error {
                Some(refusal) => Err(QmpError::Refused(refusal.desc)),
                None => Ok(incoming.result.unwrap_or_default()),
            });
        }
    }
    *lock(&waiting) = None; // whoever waits learns that the connection ended
}

fn known(name: &str, data: &Value, at_us: u64) -> Option<QmpEvent> {
    let by_guest = data.get("guest").and_then(Value::as_bool).unwrap_or(false);
    Some(match name {
        "RESET" => QmpEvent::Reset { by_guest, at_us },
        "SHUTDOWN" => QmpEvent::Shutdown { by_guest },
        "STOP" => QmpEvent::Stop,
        "RESUME" => QmpEvent::Resume,
        "GUEST_PANICKED" => QmpEvent::Panicked,
        _ => return None,
    })
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::UnixListener;

    const SECOND: Duration = Duration::from_secs(10);

    /// A QEMU that greets, then answers each line with what `answer` makes of it.
    async fn fake(
        answer: impl Fn(Value) -> Vec<u8> + Send + 'static,
    ) -> (tempfile::TempDir, Result<(Qmp, mpsc::UnboundedReceiver<QmpEvent>), QmpError>) {
        let dir = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(dir.path().join("qmp.sock")).unwrap();
        tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let (read, mut write) = stream.into_split();
            write.write_all(b"{\"QMP\": {\"version\": {}, \"capabilities\": [\"oob\"]}}\r\n").await.unwrap();
            let mut lines = BufReader::new(read).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                let bytes = answer(serde_json::from_str(&line).unwrap());
                if write.write_all(&bytes).await.is_err() {
                    return;
                }
            }
        });
        let connected = Qmp::connect(dir.path(), "qmp.sock", SECOND).await;
        (dir, connected)
    }

    fn ok(request: &Value, result: &Value) -> Vec<u8> {
        format!("{}\r\n", json!({ "return": result, "id": request["id"] })).into_bytes()
    }

    #[tokio::test]
    async fn answers_and_events_are_told_apart() {
        let (_dir, connected) = fake(|request| {
            let mut bytes = Vec::new();
            if request["execute"] == "system_reset" {
                bytes.extend(b"{\"timestamp\": {}, \"event\": \"RTC_CHANGE\", \"data\": {\"offset\": 1}}\r\n");
                bytes.extend(b"{\"event\": \"RESET\", \"timestamp\": {\"seconds\": 2, \"microseconds\": 5}, \"data\": {\"guest\": true, \"reason\": \"x\"}, \"new\": []}\r\n");
            }
            bytes.extend(ok(&request, &json!({ "did": request["execute"], "with": request["arguments"] })));
            bytes
        })
        .await;
        let (qmp, mut events) = connected.unwrap();
        let answer = qmp.execute("system_reset", Value::Null, SECOND).await.unwrap();
        assert_eq!(answer["did"], "system_reset");
        assert_eq!(answer["with"], Value::Null);
        assert_eq!(events.recv().await, Some(QmpEvent::Reset { by_guest: true, at_us: 2_000_005 }));
        let answer = qmp.execute("x", json!({ "id": "ser0" }), SECOND).await.unwrap();
        assert_eq!(answer["with"]["id"], "ser0");
    }

    #[tokio::test]
    async fn a_refusal_has_qemus_words() {
        let (_dir, connected) = fake(|request| {
            if request["execute"] == "qmp_capabilities" {
                return ok(&request, &json!({}));
            }
            format!(
                "{}\n",
                json!({ "error": { "class": "GenericError", "desc": "no" }, "id": request["id"] })
            )
            .into_bytes()
        })
        .await;
        let (qmp, _events) = connected.unwrap();
        assert!(
            matches!(qmp.execute("x", Value::Null, SECOND).await, Err(QmpError::Refused(words)) if words == "no")
        );
    }

    #[tokio::test]
    async fn garbage_ends_the_connection_and_nobody_hangs() {
        let (_dir, connected) = fake(|request| {
            if request["execute"] == "qmp_capabilities" {
                ok(&request, &json!({}))
            } else {
                b"\xff\xfe not json\n".to_vec()
            }
        })
        .await;
        let (qmp, mut events) = connected.unwrap();
        assert!(matches!(qmp.execute("x", Value::Null, SECOND).await, Err(QmpError::Connection(_))));
        assert_eq!(events.recv().await, None);
        assert!(matches!(qmp.execute("x", Value::Null, SECOND).await, Err(QmpError::Connection(_))));
    }

    #[tokio::test]
    async fn a_line_without_end_is_not_kept_for_ever() {
        let (_dir, connected) = fake(|_| vec![b'x'; 3 << 20]).await;
        assert!(matches!(connected, Err(QmpError::Connection(_))));
    }

    #[tokio::test]
    async fn silence_ends_at_the_deadline() {
        let (_dir, connected) = fake(|request| {
            if request["execute"] == "qmp_capabilities" { ok(&request, &json!({})) } else { Vec::new() }
        })
        .await;
        let (qmp, _events) = connected.unwrap();
        let short = Duration::from_millis(20);
        assert!(matches!(qmp.execute("x", Value::Null, short).await, Err(QmpError::Timeout(_))));
    }
}
