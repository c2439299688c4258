//! The arguments of each verb.

use super::args::{Connection, FileFormat, Files, Looking, Planning, duration};
use super::suggested::{code, consent};
use crate::consent::CommandConsent;
use crate::drift::Direction;
use crate::duration::Duration;
use crate::kind::Kind;
use crate::kind::words::Deletion;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};
use std::path::PathBuf;

#[derive(Args)]
pub struct Validate {
    #[command(flatten)]
    pub files: Files,

    /// Treat environment variables that are not set as errors
    #[arg(long)]
    pub strict_env: bool,
}

#[derive(Args)]
pub struct Plan {
    #[command(flatten)]
    pub files: Files,

    /// Save the plan, for `apply PLAN`, unless it is refused
    ///
    /// Readable by its owner only. It holds no secret: those are looked up again by apply, and
    /// everything else has the value that it has now.
    #[arg(long, value_name = "PLAN")]
    pub out: Option<PathBuf>,

    /// Plan against a snapshot, offline, where the server may not be reached
    ///
    /// For pull requests that are not trusted: nothing is asked, no secret is needed.
    #[arg(long, value_name = "SNAPSHOT", conflicts_with_all = ["out", "allow_endpoint", "admin_url", "environment"])]
    pub live: Option<PathBuf>,

    /// Exit with 2 when there are changes
    #[arg(long)]
    pub detailed_exitcode: bool,

    /// Wait this long for new endpoints that are not up yet
    #[arg(long, value_name = "DURATION", default_value = "0", value_parser = duration)]
    pub wait_endpoints: Duration,

    #[command(flatten)]
    pub planning: Planning,
    #[command(flatten)]
    pub connection: Connection,
}

#[derive(Args)]
pub struct Apply {
    /// A plan that `plan --out` saved
    pub plan: Option<PathBuf>,

    #[command(flatten)]
    pub files: Files,

    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,

    /// Wait this long for new endpoints that are not up yet
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = duration)]
    pub wait_endpoints: Duration,

    /// Wait this long until what is to be deleted is drained, and delete it then
    #[arg(long, value_name = "DURATION", default_value = "0", value_parser = duration)]
    pub wait_drained: Duration,

    #[command(flatten)]
    pub planning: Planning,
    #[command(flatten)]
    pub connection: Connection,
}

#[derive(Args)]
pub struct Drift {
    #[command(flatten)]
    pub files: Files,

    /// What the exit code is 2 for: missing, extra, changed, unreachable, superseded; all but
    /// superseded, without it
    ///
    /// Separated by commas. What does not count is told all the same.
    #[arg(long, value_delimiter = ',', value_name = "WHAT", value_parser = Direction::parse)]
    pub fail_on: Vec<Direction>,

    #[command(flatten)]
    pub looking: Looking,
    #[command(flatten)]
    pub connection: Connection,
}

#[derive(Args)]
pub struct Show {
    /// What `plan --out`, or plan, apply and drift with `--format json` or `--report json=PATH`,
    /// wrote; - for standard input
    pub file: PathBuf,

    /// List the live resources that no file lists
    #[arg(long)]
    pub show_unmanaged: bool,
}

#[derive(Args)]
pub struct Export {
    /// The file to write, or with --split the directory; standard output without it
    #[arg(short, long, value_name = "PATH")]
    pub out: Option<PathBuf>,

    /// The format, if the name of the file does not tell it
    #[arg(long = "as", value_enum, value_name = "FORMAT")]
    pub file_format: Option<FileFormat>,

    /// One file for each kind of resource, in the directory --out
    #[arg(long, requires = "out")]
    pub split: bool,

    /// Only what carries this stack's mark
    #[arg(long, value_name = "NAME")]
    pub stack: Option<String>,

    /// Write over files that are there
    #[arg(long)]
    pub force: bool,

    #[command(flatten)]
    pub looking: Looking,
    #[command(flatten)]
    pub connection: Connection,
}

#[derive(Args)]
pub struct Snapshot {
    /// The file to write; standard output without it
    #[arg(short, long, value_name = "FILE")]
    pub out: Option<PathBuf>,

    #[command(flatten)]
    pub connection: Connection,
}

#[derive(Args)]
pub struct Render {
    /// The file to write; standard output without it
    #[arg(short, long, value_name = "FILE")]
    pub out: Option<PathBuf>,

    /// The format, if the name of the file does not tell it
    #[arg(long = "as", value_enum, value_name = "FORMAT")]
    pub file_format: Option<FileFormat>,

    #[command(flatten)]
    pub files: Files,
}

#[derive(Args)]
pub struct Graph {
    /// A plan that `plan --out` saved
    pub plan: Option<PathBuf>,

    #[arg(long = "as", value_enum, default_value = "mermaid")]
    pub language: GraphLanguage,

    #[command(flatten)]
    pub files: Files,
}

#[derive(Args)]
pub struct Delete {
    #[arg(value_parser = deletable())]
    pub kind: Kind,

    /// A deployment's URI, ARN or id; a subscription's id, or its key as plans show it
    pub name: String,

    /// Delete a deployment also under the invocations that run on it
    #[arg(long)]
    pub force: bool,

    /// How long another deployment must have served its services, in place of the file's
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub after: Option<Duration>,

    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,

    /// Consent for this run, such as take-over=STACK for what carries a stack's mark
    #[arg(long, value_name = "WHAT", value_parser = consent(), hide_possible_values = true)]
    pub allow: Vec<CommandConsent>,

    #[command(flatten)]
    pub files: Files,
    #[command(flatten)]
    pub connection: Connection,
}

#[derive(Args)]
pub struct Prune {
    #[command(flatten)]
    pub files: Files,

    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,

    /// Wait this long until what is to be deleted is drained, and delete it then
    #[arg(long, value_name = "DURATION", default_value = "0", value_parser = duration)]
    pub wait_drained: Duration,

    /// Consent for this run, such as deletes=20
    #[arg(long, value_name = "WHAT[=KEY]", value_parser = consent(), hide_possible_values = true)]
    pub allow: Vec<CommandConsent>,

    #[command(flatten)]
    pub looking: Looking,
    #[command(flatten)]
    pub connection: Connection,
}

#[derive(Args)]
pub struct Explain {
    /// As problems show it, such as unknown-field; without it, all codes are listed
    #[arg(value_parser = code(), hide_possible_values = true)]
    pub code: Option<String>,
}

#[derive(Args)]
pub struct Init {
    #[arg(default_value = "restate.yaml")]
    pub file: PathBuf,
}

#[derive(Args)]
pub struct Schema {
    #[arg(value_enum)]
    pub name: SchemaName,
}

#[derive(Args)]
pub struct Completions {
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}

#[derive(Args)]
pub struct Man {
    /// The verb; the program itself without one
    pub verb: Option<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum GraphLanguage {
    Mermaid,
    Dot,
}

/// The kinds of which one can be deleted by itself.
fn deletable() -> impl TypedValueParser<Value = Kind> {
    let deletable = Kind::ALL
        .iter()
        .filter(|kind| kind.words().deletion != Deletion::Never);
    let names: Vec<&str> = deletable.map(|kind| kind.name()).collect();
    PossibleValuesParser::new(names)
        .try_map(|name| Kind::named(&name).ok_or_else(|| format!("there is no kind `{name}`")))
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum SchemaName {
    DesiredState,
    Plan,
    Report,
    Drift,
    Snapshot,
}
