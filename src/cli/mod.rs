//! The command line: names and their help, no behaviour.

mod args;

use crate::desired::Duration;
use crate::diff::CommandConsent;
use crate::drift::Direction;
use args::duration;
use clap::{Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

pub use args::{
    Color, Connection, DiscoverArg, FileFormat, Files, Format, Looking, Output, Planning, ReportForm,
    ReportTo,
};

const VERSION: &str = concat!(
    env!("CARGO_PKG_VERSION"),
    " (declarative config reconciler for Restate, commit ",
    env!("RESTATECTL_COMMIT"),
    ")"
);

/// Reconciles a Restate server with a desired-state file: deployments, service overrides and
/// Kafka subscriptions, kept in git.
///
/// `plan` shows what would change, `apply` does it. There is no state file: the live server is the
/// state. Not to be confused with the cluster administration program of the same name that ships
/// in Restate's own images.
#[derive(Parser)]
#[command(name = "restatectl", version = VERSION, max_term_width = 100, after_help = EXITS)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,

    #[command(flatten)]
    pub output: Output,
}

const EXITS: &str = "\
Exit codes:
    0  done, or nothing to do
    1  error, and nothing was changed
    2  plan --detailed-exitcode: there are changes; drift: there is drift
    3  apply incomplete, or an outcome unknown: the report says which changes landed
    4  the server, or the files, moved since the plan was made; nothing was changed
    5  refused by a safety rule, such as a missing consent; nothing was changed
   64  wrong usage
  130  interrupted";

#[derive(Subcommand)]
pub enum Command {
    /// Check the desired-state file; needs no server and no network
    ///
    /// An environment variable that is not set is a warning here, so that a pull request can be
    /// checked where its secrets are not to be had; --strict-env makes it the error that it is for
    /// plan and apply.
    Validate {
        #[command(flatten)]
        files: Files,

        /// Treat environment variables that are not set as errors
        #[arg(long)]
        strict_env: bool,
    },

    /// Show what would change; changes nothing
    ///
    /// Reads the server, lets it dry-run every registration, and prints the changes in the order
    /// in which apply makes them. Exits with 0 whether or not there are any, unless
    /// --detailed-exitcode is given.
    Plan {
        #[command(flatten)]
        files: Files,

        /// Save the plan, for `apply PLAN`, unless it is refused
        ///
        /// Readable by its owner only. It holds no secret: those are looked up again by apply, and
        /// everything else has the value that it has now.
        #[arg(long, value_name = "PLAN")]
        out: Option<PathBuf>,

        /// Plan against a snapshot, offline, where the server may not be reached
        ///
        /// For pull requests that are not trusted: nothing is asked, no secret is needed.
        #[arg(long, value_name = "SNAPSHOT", conflicts_with_all = ["out", "allow_endpoint", "admin_url", "environment"])]
        live: Option<PathBuf>,

        /// Exit with 2 when there are changes
        #[arg(long)]
        detailed_exitcode: bool,

        /// Wait this long for new endpoints that are not up yet
        #[arg(long, value_name = "DURATION", default_value = "0", value_parser = duration)]
        wait_endpoints: Duration,

        #[command(flatten)]
        planning: Planning,
        #[command(flatten)]
        connection: Connection,
    },

    /// Make the changes of a saved plan; or plan, ask, and make the changes
    ///
    /// Asks on a terminal; elsewhere it needs --yes. Changes are made one at a time. One that fails
    /// blocks only those that depend on it; running apply again finishes the rest. On Ctrl-C the
    /// change in flight is finished first.
    ///
    /// A saved plan is carried out as it was reviewed or not at all: if its files or the server, in
    /// what the plan touches, are not what they were, nothing is changed and the exit code is 4.
    Apply {
        /// A plan that `plan --out` saved
        plan: Option<PathBuf>,

        #[command(flatten)]
        files: Files,

        /// Do not ask
        #[arg(short, long)]
        yes: bool,

        /// Wait this long for new endpoints that are not up yet
        #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = duration)]
        wait_endpoints: Duration,

        /// Wait this long until what is to be deleted is drained, and delete it then
        #[arg(long, value_name = "DURATION", default_value = "0", value_parser = duration)]
        wait_drained: Duration,

        #[command(flatten)]
        planning: Planning,
        #[command(flatten)]
        connection: Connection,
    },

    /// Say whether the server is still what the file says; changes nothing
    ///
    /// For cron. Every listed deployment is discovered again. Tells what `apply` would mend from what
    /// needs a person. Exits with 0 when all is in sync, 2 when there is drift, 1 when that could not
    /// be found out.
    Drift {
        #[command(flatten)]
        files: Files,

        /// What the exit code is 2 for: missing, extra, changed, unreachable; all, without it
        ///
        /// Separated by commas. What does not count is told all the same.
        #[arg(long, value_delimiter = ',', value_name = "WHAT", value_parser = Direction::parse)]
        fail_on: Vec<Direction>,

        #[command(flatten)]
        looking: Looking,
        #[command(flatten)]
        connection: Connection,
    },

    /// Show a saved plan or report, in any format
    Show {
        /// What `plan --out`, or plan, apply and drift with `--format json` or `--report json=PATH`,
        /// wrote; - for standard input
        file: PathBuf,

        /// List the live resources that no file lists
        #[arg(long)]
        show_unmanaged: bool,
    },

    /// Write a desired-state file of what is on the server
    ///
    /// A plan of it is empty. Secrets are references to environment variables, which are listed at
    /// the top. Overrides are told from the SDK's own values by letting the server discover the
    /// endpoints again, without changing anything.
    Export {
        /// The file to write, or with --split the directory; standard output without it
        #[arg(short, long, value_name = "PATH")]
        out: Option<PathBuf>,

        /// The format, if the name of the file does not tell it
        #[arg(long = "as", value_enum, value_name = "FORMAT")]
        file_format: Option<FileFormat>,

        /// One file for each kind of resource, in the directory --out
        #[arg(long, requires = "out")]
        split: bool,

        /// Only what carries this stack's mark
        #[arg(long, value_name = "NAME")]
        stack: Option<String>,

        /// Write over files that are there
        #[arg(long)]
        force: bool,

        #[command(flatten)]
        looking: Looking,
        #[command(flatten)]
        connection: Connection,
    },

    /// Write what is on the server as JSON, for `plan --live`
    ///
    /// With the names of headers and never their values.
    Snapshot {
        /// The file to write; standard output without it
        #[arg(short, long, value_name = "FILE")]
        out: Option<PathBuf>,

        #[command(flatten)]
        connection: Connection,
    },

    /// Draw the resources of the file and what depends on what
    ///
    /// Offline. With a saved plan, what it changes is marked.
    Graph {
        /// A plan that `plan --out` saved
        plan: Option<PathBuf>,

        #[arg(long = "as", value_enum, default_value = "mermaid")]
        language: GraphLanguage,

        #[command(flatten)]
        files: Files,
    },

    /// Delete one deployment or subscription that no file lists
    ///
    /// With the same safety as pruning: nothing that runs, serves or is protected is deleted, and the
    /// latest deployment of a service only if nothing needs the service. A file, given with -f or
    /// found in the working directory, says what is still listed and what is protected.
    Delete {
        #[arg(value_enum)]
        kind: DeletableKind,

        /// A deployment's URI, ARN or id; a subscription's id, or its key as plans show it
        name: String,

        /// Delete a deployment also under the invocations that run on it
        #[arg(long)]
        force: bool,

        /// Do not ask
        #[arg(short, long)]
        yes: bool,

        /// Consent for this run, such as take-over=STACK for what carries a stack's mark
        #[arg(long, value_name = "WHAT", value_parser = CommandConsent::parse)]
        allow: Vec<CommandConsent>,

        #[command(flatten)]
        files: Files,
        #[command(flatten)]
        connection: Connection,
    },

    /// Say what the code of a problem means and how to mend it
    Explain {
        /// As problems show it, such as unknown-field; without it, all codes are listed
        code: Option<String>,
    },

    /// Write a commented desired-state file to start from
    Init {
        #[arg(default_value = "restate.yaml")]
        file: PathBuf,
    },

    /// Print a JSON Schema: of desired-state files, for editors, or of what plan and apply print
    Schema {
        #[arg(value_enum)]
        name: SchemaName,
    },

    /// Print a completion script for a shell
    Completions {
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },

    /// Print a manual page: of the program, or of one verb
    Man { verb: Option<String> },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum GraphLanguage {
    Mermaid,
    Dot,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum DeletableKind {
    Deployment,
    Subscription,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum SchemaName {
    DesiredState,
    Plan,
    Report,
    Drift,
    Snapshot,
}
