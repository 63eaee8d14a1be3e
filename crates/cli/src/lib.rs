//! Client verbs: speaks only HTTP and WebSocket; output and exit codes as az.
//!
//! What a verb found goes to standard output, everything else to standard error. Exit codes: 0 done, 1 failed,
//! 2 wrong usage, 3 not found.

pub mod args;
mod clock;
mod console;
mod detection;
pub mod detection_args;
mod directory;
pub mod directory_args;
mod error;
mod escape;
mod http;
mod log;
mod login;
mod output;
mod profile;
mod query;
mod screenshot;
mod session;
mod table;
mod tls;
mod vm;
mod yaml;

pub use args::Verb;
pub use error::Error;
pub use http::Http;
pub use login::{Credentials, Issued, token};

use std::process::ExitCode;

/// Runs a verb to its end and tells its outcome. `program` is the whole command line, for completion scripts.
pub async fn run(verb: Verb, program: &mut clap::Command) -> ExitCode {
    let outcome = match verb {
        Verb::Login(args) => login::login(&args).await,
        Verb::Logout => login::logout(),
        Verb::Vm { verb } => vm::run(&verb).await,
        Verb::User { verb } => directory::user(&verb).await,
        Verb::Sp { verb } => directory::program(&verb).await,
        Verb::Group { verb } => directory::group(&verb).await,
        Verb::Rule { verb } => detection::rule(&verb).await,
        Verb::Alert { verb } => detection::alert(&verb).await,
        Verb::Console(args) => console::run(&args).await,
        Verb::Log(args) => log::run(&args).await,
        Verb::Screenshot(args) => screenshot::run(&args).await,
        Verb::Completion { shell } => {
            let name = program.get_name().to_owned();
            clap_complete::generate(shell, program, name, &mut std::io::stdout());
            Ok(())
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        // `hardline log vm | head`: the reader has had enough.
        Err(Error::Output(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}", error.report());
            ExitCode::from(error.exit_code())
        }
    }
}
