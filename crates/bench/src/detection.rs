//! What detection costs: of a server that records, of a rule that is tried on a month, and of rules that have fallen behind.

use crate::events::{self, Past};
use crate::http::Line;
use crate::measure::{Figures, Guests};
use crate::peer::Peer;
use crate::rules;
use anyhow::{Context as _, Result, bail};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Clients that record at the same time.
const CLIENTS: usize = 8;
/// A part of the record measurement: the interval of the rules.
const PART: Duration = Duration::from_secs(60);
/// Events that rules fall behind by: as many as one reading serves all rules with, and more.
const BACKLOGS: [(&str, u64, u64); 2] = [("4,000 behind", 0, 4_000), ("100,000 behind", 4_000, 96_000)];
/// Events of a month.
const MONTH: u64 = 1_000_000;
const RULES: &str = "providers/Hardline.Detection/rules";
const PRINCIPAL: &str = "azure.activitylogs.identity.authorization.evidence.principal_id";
const READS: &str = "event.action:(\"MICROSOFT.COMPUTE/VIRTUALMACHINES/RETRIEVEBOOTDIAGNOSTICSDATA/ACTION\" or \"HARDLINE.DIAGNOSTICS/SERIALLOGS/CONTENT/ACTION\")";

/// What a time of recording cost.
#[derive(Clone, Copy)]
struct Recorded {
    events_a_second: f64,
    cpu_us: f64,
    p99_ms: f64,
    peak_mib: f64,
}

/// Events that are recorded a second while 45 rules run every minute, beside the same without any: a part without, a part
/// with, a part without.
pub fn record(peer: &mut Peer, _: &mut Guests) -> Result<Figures> {
    alone(peer)?;
    let all = rules::rules("now-2m", "1m")?;
    // What the first requests make is not measured.
    requests(peer, Duration::from_secs(5))?;
    let before = recorded(peer)?;
    for rule in &all {
        peer.call("PUT", &format!("{RULES}/{}", rule.id), &rules::body(rule, true))?;
    }
    let with = recorded(peer)?;
    let runs = runs_since(peer, Timestamp::MIN)?;
    for rule in &all {
        peer.call("PATCH", &format!("{RULES}/{}", rule.id), &json!({ "properties": { "enabled": false } }))?;
    }
    let after = recorded(peer)?;
    let floor = |of: fn(&Recorded) -> f64| f64::midpoint(of(&before), of(&after));
    let rate = floor(|part| part.events_a_second);
    let cpu = floor(|part| part.cpu_us);
    Ok(Figures::from([
        ("events/s with rules", with.events_a_second),
        ("events/s without", rate),
        ("x events/s", with.events_a_second / rate),
        ("cpu us/event with rules", with.cpu_us),
        ("cpu us/event without", cpu),
        ("x cpu", with.cpu_us / cpu),
        ("p99 ms with rules", with.p99_ms),
        ("p99 ms without", floor(|part| part.p99_ms)),
        ("peak MiB with rules", with.peak_mib),
        ("peak MiB without", before.peak_mib),
        ("rules that ran, of 45", runs.count as f64),
    ]))
}

/// Disables the rules that the product brings.
fn alone(peer: &Peer) -> Result<()> {
    for rule in listed(peer)? {
        let name = rule.get("name").and_then(Value::as_str).context("a rule without a name")?;
        peer.call("PATCH", &format!("{RULES}/{name}"), &json!({ "properties": { "enabled": false } }))?;
    }
    Ok(())
}

fn listed(peer: &Peer) -> Result<Vec<Value>> {
    let listed = peer.call("GET", RULES, &Value::Null)?;
    Ok(listed.get("value").and_then(Value::as_array).cloned().unwrap_or_default())
}

fn recorded(peer: &Peer) -> Result<Recorded> {
    let database = peer.database();
    peer.child.forget_peak();
    let (first, cpu, started) = (events::newest(&database)?, peer.child.cpu(), Instant::now());
    let mut times = requests(peer, PART)?;
    let seconds = started.elapsed().as_secs_f64();
    let cpu = peer.child.cpu().saturating_sub(cpu);
    let events = (events::newest(&database)? - first) as f64;
    times.sort_by(f64::total_cmp);
    let p99 = times.get(times.len() * 99 / 100).copied().context("nothing was answered")?;
    Ok(Recorded {
        events_a_second: events / seconds,
        cpu_us: cpu.as_secs_f64() * 1e6 / events,
        p99_ms: p99 * 1e3,
        peak_mib: peer.child.resident().1,
    })
}

/// Asks for boot diagnostics for a time, every client as fast as it is answered; how long each request took, seconds.
fn requests(peer: &Peer, time: Duration) -> Result<Vec<f64>> {
    let (path, (at, header)) = (peer.diagnostics_path(0), peer.door());
    let (path, header, until) = (path.as_str(), header.as_str(), Instant::now() + time);
    let client = move || -> Result<Vec<f64>> {
        let (mut line, mut times) = (Line::open(at)?, Vec::new());
        while Instant::now() < until {
            let started = Instant::now();
            let status = line.post(path, header)?;
            if status != 200 {
                bail!("boot diagnostics: {status}");
            }
            times.push(started.elapsed().as_secs_f64());
        }
        Ok(times)
    };
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(client)).collect();
        let mut times = Vec::new();
        for client in clients {
            times.extend(client.join().map_err(|_| anyhow::anyhow!("a client's thread died"))??);
        }
        Ok(times)
    })
}

/// How the measured rules ran last.
struct Runs {
    /// Those that ran since the time that was asked for.
    count: usize,
    /// Seconds since the run that is longest ago.
    oldest: f64,
}

#[allow(clippy::disallowed_methods, reason = "a measuring tool reads the clock")]
fn runs_since(peer: &Peer, since: Timestamp) -> Result<Runs> {
    let mut runs = Runs { count: 0, oldest: 0.0 };
    for rule in listed(peer)? {
        let measured =
            rule.get("name").and_then(Value::as_str).is_some_and(|name| name.starts_with(rules::IDS));
        let last = rule.pointer("/properties/lastRun");
        let started = last.and_then(|run| run.get("startedAt")?.as_str()?.parse::<Timestamp>().ok());
        let Some(started) = started.filter(|started| measured && *started >= since) else { continue };
        runs.count += 1;
        runs.oldest = runs.oldest.max(Timestamp::now().duration_since(started).as_secs_f64());
    }
    Ok(runs)
}

/// Events that 45 rules have not seen: how fast they get through. The second backlog comes on top of the first, which is still
/// in the rules' window.
pub fn catch_up(peer: &mut Peer, _: &mut Guests) -> Result<Figures> {
    alone(peer)?;
    for rule in rules::rules("now-60m", "1m")? {
        peer.call("PUT", &format!("{RULES}/{}", rule.id), &rules::body(&rule, true))?;
    }
    all_ran(peer, Timestamp::MIN)?;
    let mut figures = Figures::new();
    for (name, before, events) in BACKLOGS {
        caught_up(peer, name, (before, events), &mut figures)?;
    }
    Ok(figures)
}

/// Waits until every measured rule has run since then.
fn all_ran(peer: &Peer, since: Timestamp) -> Result<Runs> {
    let deadline = Instant::now() + Duration::from_secs(900);
    loop {
        let seen = runs_since(peer, since)?;
        if seen.count >= rules::COUNT {
            return Ok(seen);
        }
        if Instant::now() > deadline {
            bail!("{} of {} rules came through", seen.count, rules::COUNT);
        }
        std::thread::park_timeout(Duration::from_millis(100));
    }
}

#[allow(clippy::disallowed_methods, reason = "a measuring tool reads the clock")]
fn caught_up(peer: &mut Peer, name: &str, (before, events): (u64, u64), figures: &mut Figures) -> Result<()> {
    let since = peer.while_stopped(|database, subscription| {
        let past = Past { subscription, events, span: SignedDuration::from_mins(40) };
        events::seed(database, past, Timestamp::now())?;
        // All are due by then: what is measured is one round of all of them.
        std::thread::park_timeout(Duration::from_secs(60));
        Ok(Timestamp::now())
    })?;
    let cpu = peer.child.cpu();
    let seen = all_ran(peer, since)?;
    let cpu = peer.child.cpu().saturating_sub(cpu).as_secs_f64();
    let events = (before + events) as f64;
    let passed = events * rules::COUNT as f64;
    let named = [
        ("s", seen.oldest),
        ("events/s", events / seen.oldest),
        ("events x rules/s", passed / seen.oldest),
        ("cpu us/event x rule", cpu * 1e6 / passed),
        ("peak MiB", peer.child.resident().1),
    ];
    figures.extend(named.map(|(figure, value)| (label(name, figure), value)));
    Ok(())
}

/// A month's million events: each kind of rule tried on them, beside reading and parsing them in one thread.
#[allow(clippy::disallowed_methods, reason = "a measuring tool reads the clock")]
pub fn dry_run(peer: &mut Peer, _: &mut Guests) -> Result<Figures> {
    alone(peer)?;
    let span = SignedDuration::from_hours(30 * 24);
    let now = Timestamp::now();
    let from = now.checked_sub(span)?;
    let (bytes, floor) = peer.while_stopped(|database, subscription| {
        let bytes = events::seed(database, Past { subscription, events: MONTH, span }, now)?;
        // Once for the file's pages to be in memory, for everybody alike.
        events::read_all(database, subscription, from)?;
        Ok((bytes, events::read_all(database, subscription, from)?))
    })?;
    let (events, least, least_cpu) = (floor.events, floor.took.as_secs_f64(), floor.cpu.as_secs_f64());
    let mut figures = Figures::from([
        ("floor: s", least),
        ("floor: cpu s", least_cpu),
        ("floor: events/s", events as f64 / least),
        ("bytes an event", bytes as f64 / MONTH as f64),
    ]);
    let tried = [
        (
            "query, few",
            rules::source(
                "few",
                "Few",
                "query",
                "event.action:\"MICROSOFT.AUTHORIZATION/ROLEASSIGNMENTS/WRITE\" and event.outcome:failure",
                "",
                "now-9m",
                "5m",
            ),
        ),
        ("query, many", rules::source("many", "Many", "query", "event.outcome:success", "", "now-9m", "5m")),
        (
            "new_terms",
            rules::source(
                "new",
                "New",
                "new_terms",
                &format!("{READS} and event.outcome:success"),
                &format!(
                    "[rule.new_terms]\nfield = \"new_terms_fields\"\nvalue = [\"{PRINCIPAL}\", \"source.ip\"]\n\
                     [[rule.new_terms.history_window_start]]\nfield = \"history_window_start\"\nvalue = \"now-7d\"\n"
                ),
                "now-9m",
                "5m",
            ),
        ),
        (
            "threshold",
            rules::source(
                "count",
                "Count",
                "threshold",
                &format!("{READS} and event.outcome:success"),
                &format!(
                    "[rule.threshold]\nfield = [\"{PRINCIPAL}\"]\nvalue = 10\n\
                     [[rule.threshold.cardinality]]\nfield = \"azure.resource.name\"\nvalue = 10\n"
                ),
                "now-60m",
                "5m",
            ),
        ),
        (
            "whole documents",
            rules::source("whole", "Whole", "query", "\"no such words\"", "", "now-9m", "5m"),
        ),
    ];
    for (kind, source) in tried {
        let body = json!({
            "source": source,
            "fromSecond": from.as_second(),
            "toSecond": from.as_second() + 30 * 24 * 3600 + 1,
        });
        peer.child.forget_peak();
        let (cpu, started) = (peer.child.cpu(), Instant::now());
        let answer = peer.call("POST", "providers/Hardline.Detection/tryRule", &body)?;
        let took = started.elapsed().as_secs_f64();
        let cpu = peer.child.cpu().saturating_sub(cpu).as_secs_f64();
        let count = |name: &str| answer.get(name).and_then(Value::as_f64).unwrap_or(0.0);
        eprintln!(
            "  {kind}: {took:.1} s, {} of {} events, {} alerts",
            count("matched"),
            count("events"),
            count("alerts")
        );
        if count("events") < events as f64 {
            bail!("{kind}: {} of {events} events were looked at", count("events"));
        }
        let named = [
            ("s", took),
            ("events/s", count("events") / took),
            ("x floor", took / least),
            ("cpu s", cpu),
            ("x floor cpu", cpu / least_cpu),
            ("matched", count("matched")),
            ("alerts", count("alerts")),
            ("peak MiB", peer.child.resident().1),
        ];
        figures.extend(named.map(|(name, value)| (label(kind, name), value)));
    }
    Ok(figures)
}

/// The name of a figure. Names live as long as the program, and there are few.
fn label(kind: &str, name: &str) -> &'static str {
    Box::leak(format!("{kind}: {name}").into_boxed_str())
}
