//! The one binary: dev, server, agent and the client verbs.

mod agent;
mod clock;
mod dev;
mod enroll;
mod logging;
mod outside;
mod server;
mod stop;

use clap::{CommandFactory as _, Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The emergency keyboard and screen for your own virtual machines.
#[derive(Debug, Parser)]
#[command(name = "hardline", version, max_term_width = 100)]
struct Program {
    #[command(subcommand)]
    role: Role,
}

#[derive(Debug, Subcommand)]
enum Role {
    /// Run everything in this process, with two demo guests
    Dev(dev::Args),
    /// Run the control plane
    Server(ServerArgs),
    /// Run a host's agent
    Agent(ConfigArgs),
    #[command(flatten)]
    Client(hardline_cli::Verb),
}

/// The control plane: it runs, or something is made for it.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
struct ServerArgs {
    #[command(subcommand)]
    verb: Option<ServerVerb>,
    /// The configuration, a TOML file; unknown keys are refused
    #[arg(long, value_name = "FILE", required = true)]
    config: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum ServerVerb {
    /// Make the identity of a host, with which its agent may dial in
    Enroll(enroll::Args),
}

/// A role whose operator has written a configuration.
#[derive(Debug, clap::Args)]
struct ConfigArgs {
    /// The configuration, a TOML file; unknown keys are refused
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

/// Threads for connections and consoles: all cores but one. Files, syncs, hashes and screens have threads of their own, and
/// with two cores a single one here saves every keystroke two wake-ups from thread to thread (docs/performance.md).
fn workers() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| cores.get().saturating_sub(1).max(1))
}

fn main() -> ExitCode {
    let program = Program::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(workers()).enable_all().build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("hardline: no threads: {error}");
            return ExitCode::FAILURE;
        }
    };
    let code = runtime.block_on(async {
        let outcome = match program.role {
            Role::Dev(args) => dev::run(args).await,
            Role::Server(ServerArgs { verb: Some(ServerVerb::Enroll(args)), .. }) => enroll::run(&args),
            Role::Server(args) => server::run(&args.config.unwrap_or_default()).await,
            Role::Agent(args) => agent::run(&args.config).await,
            Role::Client(verb) => return hardline_cli::run(verb, &mut Program::command()).await,
        };
        match outcome {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("hardline: {error:#}");
                ExitCode::FAILURE
            }
        }
    });
    // What still blocks a thread (a terminal's read) does not keep the process.
    runtime.shutdown_background();
    code
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Program::command().debug_assert();
    }
}
