//! The command line of `hardline user`, `hardline sp` and `hardline group`.

use crate::args::{OutputArgs, ServerArgs};
use clap::{Args, Subcommand};

/// What all of these verbs take.
#[derive(Args, Clone, Debug)]
pub struct CommonArgs {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub server: ServerArgs,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub output: OutputArgs,
}

/// One of them.
#[derive(Args, Clone, Debug)]
pub struct NamedArgs {
    /// The name, or the object id
    pub name: String,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub common: CommonArgs,
}

/// `hardline user …`.
#[derive(Debug, Subcommand)]
pub enum UserVerb {
    /// Make a user
    Create {
        /// The user principal name, like ann@example.org
        name: String,
        /// The name for people
        #[arg(long)]
        display_name: Option<String>,
        /// The password (visible to other users of this machine while it runs); default: one line of standard input
        #[arg(short, long)]
        password: Option<String>,
        #[command(flatten)]
        #[allow(missing_docs)]
        common: CommonArgs,
    },
    /// List the users
    List(CommonArgs),
    /// Show a user
    Show(NamedArgs),
    /// Change a user
    Update {
        #[command(flatten)]
        #[allow(missing_docs)]
        user: NamedArgs,
        /// The name for people
        #[arg(long)]
        display_name: Option<String>,
        /// Whether the user may sign in; one who may not has no rights either, from now on
        #[arg(long)]
        enabled: Option<bool>,
        /// A new password: one line of standard input
        #[arg(long)]
        new_password: bool,
    },
    /// Delete a user, with every role and every place in a group
    Delete(NamedArgs),
}

/// `hardline sp …`.
#[derive(Debug, Subcommand)]
pub enum ProgramVerb {
    /// Make a service principal; its secret is shown now and never again
    Create {
        /// The name for people
        name: String,
        #[command(flatten)]
        #[allow(missing_docs)]
        common: CommonArgs,
    },
    /// List the service principals
    List(CommonArgs),
    /// Show a service principal, by its application id
    Show(NamedArgs),
    /// Delete a service principal, by its application id
    Delete(NamedArgs),
}

/// `hardline group …`.
#[derive(Debug, Subcommand)]
pub enum GroupVerb {
    /// Make a group
    Create {
        /// Its name
        name: String,
        /// What it is for
        #[arg(long)]
        description: Option<String>,
        #[command(flatten)]
        #[allow(missing_docs)]
        common: CommonArgs,
    },
    /// List the groups
    List(CommonArgs),
    /// Show a group
    Show(NamedArgs),
    /// Delete a group, with every role that it gives
    Delete(NamedArgs),
    /// Who is in a group
    Member {
        /// What to do.
        #[command(subcommand)]
        verb: MemberVerb,
    },
}

/// `hardline group member …`.
#[derive(Debug, Subcommand)]
pub enum MemberVerb {
    /// Put a user, a service principal or a group into a group
    Add(MemberArgs),
    /// Take a member out of a group
    Remove(MemberArgs),
    /// List those directly in a group
    List(NamedArgs),
}

/// A group and one of its members.
#[derive(Args, Clone, Debug)]
pub struct MemberArgs {
    /// The group
    pub group: String,
    /// The member's object id
    pub member: String,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub common: CommonArgs,
}
