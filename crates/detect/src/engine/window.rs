//! Which windows a run looks at: its own, and those of runs that did not happen.
//!
//! ```text
//!   previous run                                     this run
//!        │◄─ uncovered ─►[ catch-up ][ catch-up ]…[ from ... to ]
//!        └──────── gap = (started - previous) - (to - from) ──┘
//! ```

use super::EngineError;
use crate::rule::Schedule;
use crate::rule::date_math::whole_milliseconds;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

/// Windows before its own that one run makes up for, at most.
pub const CATCH_UP_LIMIT: i64 = 4;

/// A span of time; both ends belong to it. In whole milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Window {
    /// The first moment.
    pub from: Timestamp,
    /// The last moment.
    pub to: Timestamp,
}

impl Window {
    /// Whether a moment lies in it.
    pub fn holds(&self, at: Timestamp) -> bool {
        self.from <= at && at <= self.to
    }
}

/// Time that no run looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Gap {
    /// Where the last window before it ended.
    pub from: Timestamp,
    /// Where the first window after it begins.
    pub to: Timestamp,
}

/// What a run does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Oldest first; the last one is the run's own.
    pub windows: Vec<Window>,
    /// What stays uncovered.
    pub gap: Option<Gap>,
    /// By how much the clock is behind the previous run's start. Nothing is made up for then, and nothing is lost: the former
    /// window reached further than this one.
    pub backwards: Option<SignedDuration>,
}

/// The windows of a run that starts at `started`; `previous` is when the run before it started, none for the first one.
///
/// # Errors
/// When a date expression leaves the calendar or the window ends before it begins.
pub fn plan(
    schedule: &Schedule,
    previous: Option<Timestamp>,
    started: Timestamp,
) -> Result<Plan, EngineError> {
    let started = whole_milliseconds(started);
    let own = window(schedule, started)?;
    let mut plan = Plan { windows: vec![own], gap: None, backwards: None };
    let Some(previous) = previous.map(whole_milliseconds) else { return Ok(plan) };
    let passed = started.duration_since(previous);
    if passed < SignedDuration::ZERO {
        plan.backwards = Some(-passed);
        return Ok(plan);
    }
    let gap = passed.saturating_sub(own.to.duration_since(own.from));
    if gap <= SignedDuration::ZERO {
        return Ok(plan);
    }
    let interval = schedule.interval.duration();
    let missed = ceiling(gap.as_millis(), interval.as_millis()).min(i128::from(CATCH_UP_LIMIT));
    let missed = i32::try_from(missed).unwrap_or(0);
    let mut windows = Vec::new();
    for back in (1..=missed).rev() {
        let Some(shift) = interval.checked_mul(back) else { continue };
        if let (Ok(from), Ok(to)) = (own.from.checked_sub(shift), own.to.checked_sub(shift)) {
            windows.push(Window { from, to });
        }
    }
    let first = windows.first().map_or(own.from, |window| window.from);
    // The previous window ended as long before its start as this one does.
    let ended = own.to.checked_sub(passed).unwrap_or(previous);
    if first > ended {
        plan.gap = Some(Gap { from: ended, to: first });
    }
    windows.push(own);
    plan.windows = windows;
    Ok(plan)
}

fn window(schedule: &Schedule, started: Timestamp) -> Result<Window, EngineError> {
    let (from, to) = schedule.window(started)?;
    if from > to { Err(EngineError::Window) } else { Ok(Window { from, to }) }
}

fn ceiling(dividend: i128, divisor: i128) -> i128 {
    if divisor <= 0 { 0 } else { (dividend + divisor - 1).div_euclid(divisor) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::date_math::{DateMath, Interval};

    fn schedule(from: &str, to: &str, interval: &str) -> Schedule {
        Schedule {
            from: DateMath::parse(from).unwrap(),
            to: DateMath::parse(to).unwrap(),
            interval: Interval::parse(interval).unwrap(),
            max_signals: 100,
        }
    }

    fn at(text: &str) -> Timestamp {
        format!("2026-11-21T{text}Z").parse().unwrap()
    }

    fn shown(plan: &Plan) -> String {
        let time = |t: Timestamp| t.strftime("%H:%M:%S").to_string();
        let mut text: Vec<_> =
            plan.windows.iter().map(|w| format!("{}-{}", time(w.from), time(w.to))).collect();
        text.extend(plan.gap.map(|gap| format!("gap {}-{}", time(gap.from), time(gap.to))));
        text.extend(plan.backwards.map(|by| format!("back {}s", by.as_secs())));
        text.join(" ")
    }

    #[test]
    fn five_missed_runs_are_four_windows_and_a_stated_gap() {
        let nine = schedule("now-9m", "now", "5m");
        let five = schedule("now-5m", "now", "5m");
        let late = schedule("now-10m", "now-1m", "5m");
        let table = [
            (&nine, None, "10:00:00", "09:51:00-10:00:00"),
            (&nine, Some("09:55:00"), "10:00:00", "09:51:00-10:00:00"),
            (&nine, Some("09:51:00"), "10:00:00", "09:51:00-10:00:00"),
            (&nine, Some("09:50:59"), "10:00:00", "09:46:00-09:55:00 09:51:00-10:00:00"),
            (
                &nine,
                Some("09:30:00"),
                "10:00:00",
                "09:31:00-09:40:00 09:36:00-09:45:00 09:41:00-09:50:00 09:46:00-09:55:00 09:51:00-10:00:00 \
                 gap 09:30:00-09:31:00",
            ),
            (
                &five,
                Some("09:30:00"),
                "10:00:00",
                "09:35:00-09:40:00 09:40:00-09:45:00 09:45:00-09:50:00 09:50:00-09:55:00 09:55:00-10:00:00 \
                 gap 09:30:00-09:35:00",
            ),
            (
                &five,
                Some("09:40:00"),
                "10:00:00",
                "09:40:00-09:45:00 09:45:00-09:50:00 09:50:00-09:55:00 09:55:00-10:00:00",
            ),
            (
                &late,
                Some("09:20:00"),
                "10:00:00",
                "09:30:00-09:39:00 09:35:00-09:44:00 09:40:00-09:49:00 09:45:00-09:54:00 09:50:00-09:59:00 \
                 gap 09:19:00-09:30:00",
            ),
            (&nine, Some("10:00:30"), "10:00:00", "09:51:00-10:00:00 back 30s"),
        ];
        for (schedule, previous, started, expected) in table {
            let plan = plan(schedule, previous.map(at), at(started)).unwrap();
            assert_eq!(shown(&plan), expected, "{previous:?}");
        }
    }

    #[test]
    fn a_window_that_ends_before_it_begins_is_refused() {
        let never = schedule("now", "now-5m", "5m");
        assert_eq!(plan(&never, None, at("10:00:00")), Err(EngineError::Window));
        let far = schedule("now-999999999y", "now", "5m");
        assert!(matches!(plan(&far, None, at("10:00:00")), Err(EngineError::Date(_))));
    }

    proptest::proptest! {
        /// Whatever was missed: what no window covers is told, and nothing else is.
        #[test]
        fn no_moment_is_left_out_silently(look_back in 1..60_i64, interval in 1..60_i64, passed in 0..2000_i64) {
            let schedule = schedule(&format!("now-{look_back}m"), "now", &format!("{interval}m"));
            let started = at("10:00:00");
            let previous = started - SignedDuration::from_mins(passed);
            let plan = plan(&schedule, Some(previous), started).unwrap();
            for minute in 0..=passed {
                let moment = previous + SignedDuration::from_mins(minute);
                let seen = plan.windows.iter().any(|w| w.holds(moment));
                let told = plan.gap.is_some_and(|gap| gap.from <= moment && moment <= gap.to);
                // Windows that are shorter than the interval leave holes by their own choice; the rule's reader says so.
                if look_back >= interval {
                    proptest::prop_assert!(seen || told || minute == 0, "{} {:?}", moment, plan);
                }
            }
            proptest::prop_assert!(plan.windows.len() <= 5);
        }
    }
}
