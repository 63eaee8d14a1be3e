//! The client verbs' command line.

use crate::detection_args::{AlertVerb, RuleVerb};
use crate::directory_args::{GroupVerb, ProgramVerb, UserVerb};
use crate::output::Format;
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// The verbs that talk to a server.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Sign in, and remember the server, the subscription and the token
    Login(LoginArgs),
    /// Forget the sign-in
    Logout,
    /// List, show, start and stop virtual machines
    Vm {
        /// What to do.
        #[command(subcommand)]
        verb: VmVerb,
    },
    /// Make, list, change and delete users
    User {
        /// What to do.
        #[command(subcommand)]
        verb: UserVerb,
    },
    /// Make, list and delete service principals: programs that sign in by themselves
    Sp {
        /// What to do.
        #[command(subcommand)]
        verb: ProgramVerb,
    },
    /// Make, list and delete groups of users, and say who is in them
    Group {
        /// What to do.
        #[command(subcommand)]
        verb: GroupVerb,
    },
    /// List, load, try and turn detection rules on and off
    Rule {
        /// What to do.
        #[command(subcommand)]
        verb: RuleVerb,
    },
    /// List, acknowledge and close what the detection rules found
    Alert {
        /// What to do.
        #[command(subcommand)]
        verb: AlertVerb,
    },
    /// Type into a virtual machine's serial port; Ctrl+] opens the menu, Ctrl+] q leaves
    Console(ConsoleArgs),
    /// What a virtual machine has printed on its serial port
    Log(LogArgs),
    /// What a virtual machine's display shows now
    Screenshot(ScreenshotArgs),
    /// Print a completion script for a shell
    Completion {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

/// How to reach the server.
#[derive(Args, Clone, Debug, Default)]
pub struct ServerArgs {
    /// The server's address; default: that of the sign-in
    #[arg(long, env = "HARDLINE_URL", hide_env_values = true)]
    pub url: Option<String>,
    /// A PEM file with the certificate authority of the server, beside those that the system (or SSL_CERT_FILE) knows
    #[arg(long)]
    pub ca_file: Option<PathBuf>,
}

/// `hardline login`.
#[derive(Args, Debug)]
pub struct LoginArgs {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub server: ServerArgs,
    /// The user's name, or the client id of a service principal; default: HARDLINE_USER, HARDLINE_CLIENT_ID
    #[arg(short, long)]
    pub username: Option<String>,
    /// The password or client secret (visible to other users of this machine while it runs); default: HARDLINE_PASSWORD,
    /// HARDLINE_CLIENT_SECRET, else one line of standard input
    #[arg(short, long)]
    pub password: Option<String>,
    /// Sign in as a service principal
    #[arg(long)]
    pub service_principal: bool,
    /// The tenant's id
    #[arg(short, long, env = "HARDLINE_TENANT", hide_env_values = true)]
    pub tenant: Option<String>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub output: OutputArgs,
}

/// How results are printed.
#[derive(Args, Clone, Debug)]
pub struct OutputArgs {
    /// Output format
    #[arg(short, long, value_enum, default_value = "json")]
    pub output: Format,
    /// A JMESPath expression that picks from the result
    #[arg(long)]
    pub query: Option<String>,
}

/// Where a virtual machine is looked for.
#[derive(Args, Clone, Debug)]
pub struct ScopeArgs {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub server: ServerArgs,
    /// The resource group
    #[arg(short = 'g', long, env = "HARDLINE_RESOURCE_GROUP", hide_env_values = true)]
    pub resource_group: Option<String>,
    /// The subscription's id; default: that of the sign-in
    #[arg(long, env = "HARDLINE_SUBSCRIPTION", hide_env_values = true)]
    pub subscription: Option<String>,
}

/// One virtual machine.
#[derive(Args, Clone, Debug)]
pub struct VmArgs {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub scope: ScopeArgs,
    /// The machine's name or resource id
    #[arg(value_name = "VM", required_unless_present = "name")]
    pub vm: Option<String>,
    /// The machine's name
    #[arg(short, long, conflicts_with = "vm")]
    pub name: Option<String>,
}

/// `hardline vm …`.
#[derive(Debug, Subcommand)]
pub enum VmVerb {
    /// List the virtual machines of a resource group, or of the subscription
    List {
        #[command(flatten)]
        #[allow(missing_docs)]
        scope: ScopeArgs,
        #[command(flatten)]
        #[allow(missing_docs)]
        output: OutputArgs,
    },
    /// Show a virtual machine
    Show {
        #[command(flatten)]
        #[allow(missing_docs)]
        vm: VmArgs,
        #[command(flatten)]
        #[allow(missing_docs)]
        output: OutputArgs,
    },
    /// Start a virtual machine
    Start(PowerArgs),
    /// Power a virtual machine off; asks the guest first, unless --skip-shutdown
    Stop {
        #[command(flatten)]
        #[allow(missing_docs)]
        power: PowerArgs,
        /// Off at once, without asking the guest
        #[arg(long)]
        skip_shutdown: bool,
    },
    /// Restart a virtual machine
    Restart(PowerArgs),
    /// Power a virtual machine off and release its host
    Deallocate(PowerArgs),
}

/// A power verb.
#[derive(Args, Debug)]
pub struct PowerArgs {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub vm: VmArgs,
    /// Do not wait until it is done
    #[arg(long)]
    pub no_wait: bool,
}

/// `hardline console`.
#[derive(Args, Debug)]
pub struct ConsoleArgs {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub vm: VmArgs,
    /// Only watch: whoever types keeps the seat
    #[arg(long)]
    pub view: bool,
}

/// `hardline log`.
#[derive(Args, Debug)]
pub struct LogArgs {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub vm: VmArgs,
    /// Go on with what the machine prints from now on
    #[arg(short, long)]
    pub follow: bool,
    /// Begin at this byte of the port's whole life
    #[arg(long, conflicts_with = "tail")]
    pub offset: Option<u64>,
    /// Only the last bytes
    #[arg(long)]
    pub tail: Option<u64>,
    /// At most so many bytes
    #[arg(long, conflicts_with = "follow")]
    pub length: Option<u64>,
    /// Leave escape sequences in, also on a terminal (they can do more than colour text)
    #[arg(long)]
    pub raw: bool,
}

/// `hardline screenshot`.
#[derive(Args, Debug)]
pub struct ScreenshotArgs {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub vm: VmArgs,
    /// The file to write, .png or .bmp; default: VM.png
    #[arg(short, long)]
    pub file: Option<PathBuf>,
}
