//! The command line of `hardline rule` and `hardline alert`.

use crate::args::{OutputArgs, ScopeArgs};
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

/// What all of these verbs take.
#[derive(Args, Clone, Debug)]
pub struct DetectionArgs {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub scope: ScopeArgs,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub output: OutputArgs,
}

/// One rule or alert.
#[derive(Args, Clone, Debug)]
pub struct OneArgs {
    /// Its id
    pub id: String,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub common: DetectionArgs,
}

/// `hardline rule …`.
#[derive(Debug, Subcommand)]
pub enum RuleVerb {
    /// List the detection rules, and whether each runs
    List(DetectionArgs),
    /// Show a rule, its last run and its guide
    Show(OneArgs),
    /// Load rule files: TOML as in Elastic's rule repository, NDJSON as Kibana exports it
    Load {
        /// Files, or folders with such files in them
        #[arg(required = true)]
        paths: Vec<PathBuf>,
        /// Load them without running them
        #[arg(long)]
        disabled: bool,
        #[command(flatten)]
        #[allow(missing_docs)]
        common: DetectionArgs,
    },
    /// What is wrong with a rule file, place by place
    Check {
        /// The file
        path: PathBuf,
        #[command(flatten)]
        #[allow(missing_docs)]
        common: DetectionArgs,
    },
    /// What a rule, or a rule file, would have said in the past
    Try {
        /// A rule's id, or a file
        rule: String,
        /// How many days back
        #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=366))]
        days: u16,
        #[command(flatten)]
        #[allow(missing_docs)]
        common: DetectionArgs,
    },
    /// Run a rule from now on
    Enable(OneArgs),
    /// Do not run a rule any more
    Disable(OneArgs),
    /// Remove a rule that somebody loaded; its alerts stay
    Delete(OneArgs),
}

/// The status of an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Status {
    /// Nobody has looked at it
    Open,
    /// Somebody has, and it is not done
    Acknowledged,
    /// It is done
    Closed,
}

/// `hardline alert …`.
#[derive(Debug, Subcommand)]
pub enum AlertVerb {
    /// List the alerts, newest first
    List {
        /// Only those of this status
        #[arg(long)]
        status: Option<Status>,
        /// Only those of this rule
        #[arg(long)]
        rule: Option<String>,
        /// Only those of this severity
        #[arg(long)]
        severity: Option<String>,
        #[command(flatten)]
        #[allow(missing_docs)]
        common: DetectionArgs,
    },
    /// Show an alert, with the event behind it
    Show(OneArgs),
    /// Say that somebody looks at it
    Acknowledge(ReasonArgs),
    /// Say that it is done, and why
    Close(ReasonArgs),
    /// Open it again
    Reopen(ReasonArgs),
}

/// One alert and why.
#[derive(Args, Debug)]
pub struct ReasonArgs {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub one: OneArgs,
    /// Why
    #[arg(long)]
    pub reason: Option<String>,
}
