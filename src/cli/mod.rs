//! The command line: names and their help, no behaviour.

mod args;
mod guess;
mod suggested;
mod verbs;

use clap::{Parser, Subcommand};

pub use args::{
    Color, Connection, DiscoverArg, FileFormat, Files, Format, Looking, Output, Planning, ReportForm,
    ReportTo,
};
pub use guess::guess;
pub use verbs::{
    Apply, Completions, Delete, Drift, Explain, Export, Graph, GraphLanguage, Init, Man, Plan, Prune, Render,
    Schema, SchemaName, Show, Snapshot, Validate,
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
    Validate(Validate),

    /// Show what would change; changes nothing
    ///
    /// Reads the server, lets it dry-run every registration, and prints the changes in the order
    /// in which apply makes them. Exits with 0 whether or not there are any, unless
    /// --detailed-exitcode is given.
    Plan(Plan),

    /// Make the changes of a saved plan; or plan, ask, and make the changes
    ///
    /// Asks on a terminal; elsewhere it needs --yes. Changes are made one at a time. One that fails
    /// blocks only those that depend on it; running apply again finishes the rest. On Ctrl-C the
    /// change in flight is finished first.
    ///
    /// A saved plan is carried out as it was reviewed or not at all: if its files or the server, in
    /// what the plan touches, are not what they were, nothing is changed and the exit code is 4. What is
    /// as the plan wants it is done already, so a run that was killed is resumed by the same plan.
    Apply(Apply),

    /// Say whether the server is still what the file says; changes nothing
    ///
    /// For cron. Every listed deployment is discovered again. Tells what `apply` would mend from what
    /// needs a person. Exits with 0 when all is in sync, 2 when there is drift, 1 when that could not
    /// be found out.
    Drift(Drift),

    /// Show a saved plan or report, in any format
    Show(Show),

    /// Write a desired-state file of what is on the server
    ///
    /// A plan of it is empty. Secrets are references to environment variables, which are listed at
    /// the top. Overrides are told from the SDK's own values by letting the server discover the
    /// endpoints again, without changing anything.
    Export(Export),

    /// Write what is on the server as JSON, for `plan --live`
    ///
    /// With the names of headers and never their values.
    Snapshot(Snapshot),

    /// Print the files as one, with what references stand for
    ///
    /// Offline. To see what merge keys, variables and several files come to. What is secret stays a
    /// reference.
    Render(Render),

    /// Draw the resources of the file and what depends on what
    ///
    /// Offline. With a saved plan, what it changes is marked.
    Graph(Graph),

    /// Delete one deployment or subscription that no file lists
    ///
    /// With the same safety as pruning: nothing that runs, serves or is protected is deleted, and the
    /// latest deployment of a service only if nothing needs the service. A file, given with -f or
    /// found in the working directory, says what is still listed and what is protected.
    Delete(Delete),

    /// Make only the deletions that the file asks for
    ///
    /// For cron, beside drift: each rollout leaves a deployment behind, which can be deleted once
    /// nothing runs on it. Deletes what an apply would delete now, whatever else it would change, with
    /// the same safety. Asks on a terminal; elsewhere it needs --yes.
    Prune(Prune),

    /// Say what the code of a problem means and how to mend it
    Explain(Explain),

    /// Write a commented desired-state file to start from
    Init(Init),

    /// Print a JSON Schema: of desired-state files, for editors, or of what plan and apply print
    Schema(Schema),

    /// Print a completion script for a shell
    Completions(Completions),

    /// Print a manual page: of the program, or of one verb
    Man(Man),
}
