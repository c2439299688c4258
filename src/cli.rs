//! The command line: names and their help, no behaviour.

use crate::desired::Duration;
use crate::diff::{CommandConsent, Discover};
use crate::source;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

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
    2  plan --detailed-exitcode: there are changes
    3  apply incomplete, or an outcome unknown: the report says which changes landed
    4  the server moved since the plan was shown; nothing was changed
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

    /// Plan, ask, and make the changes
    ///
    /// Asks on a terminal; elsewhere it needs --yes. Changes are made one at a time. One that fails
    /// blocks only those that depend on it; running apply again finishes the rest. On Ctrl-C the
    /// change in flight is finished first.
    Apply {
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
pub enum DeletableKind {
    Deployment,
    Subscription,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum SchemaName {
    DesiredState,
    Plan,
    Report,
}

#[derive(Args)]
#[command(next_help_heading = "Files")]
pub struct Files {
    /// A desired-state file, a directory of them, or - for standard input; repeatable
    ///
    /// YAML, TOML or JSON, by extension. A directory means its *.yaml, *.yml, *.toml and *.json, by
    /// name. Several files are one desired state, in the order given: of several deployments that
    /// expose a service, the last one serves it. Without it: restate.yaml, restate.yml,
    /// restate.toml or restate.json in the working directory.
    #[arg(short, long, value_name = "FILE")]
    pub file: Vec<PathBuf>,

    /// The format of standard input
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "yaml")]
    pub stdin_format: InputFormat,

    /// The value of a variable; repeatable, the last one counts
    #[arg(long, value_name = "NAME=VALUE", value_parser = assignment)]
    pub var: Vec<(String, String)>,

    /// Values of variables from a file, a map of names to values in YAML, TOML or JSON; repeatable
    ///
    /// What --var gives counts before what a file gives, and that before a variable's default.
    #[arg(long, value_name = "FILE")]
    pub var_file: Vec<PathBuf>,

    /// Treat warnings about the files as errors
    #[arg(long)]
    pub deny_warnings: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum InputFormat {
    Yaml,
    Toml,
    Json,
}

impl From<InputFormat> for source::Format {
    fn from(format: InputFormat) -> Self {
        match format {
            InputFormat::Yaml => Self::Yaml,
            InputFormat::Toml => Self::Toml,
            InputFormat::Json => Self::Json,
        }
    }
}

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Planning")]
pub struct Planning {
    /// Consent for this run: breaking, overwrite, promote, expose, regroup, take-over=STACK or
    /// deletes=N; repeatable
    ///
    /// With =KEY for one resource only, such as --allow breaking=http://checkout:9080/. The file's
    /// own form is `allow: [WHAT]` on the entry.
    #[arg(long, value_name = "WHAT[=KEY]", value_parser = CommandConsent::parse)]
    pub allow: Vec<CommandConsent>,

    /// Write a resource again whose secrets the server hides, such as --resend 'subscription/KEY'
    ///
    /// Restate 1.7 hides passwords in subscription options, so a changed one cannot be seen. KEY is
    /// the one that plans show. A subscription is replaced, with the same group.id. With
    /// service/NAME, a workflow retention that seems to be a handler's own is sent all the same.
    #[arg(long, value_name = "KIND/KEY")]
    pub resend: Vec<String>,

    /// Change only this, with what it needs and what it would otherwise damage; repeatable
    ///
    /// Such as --target deployment/checkout, with the name, URI or ARN of an entry, service/NAME or
    /// subscription/KEY, as plans show it. The overrides of every service that a target registers
    /// come along, and promotions that follow. Nothing is deleted unless it is a target itself.
    #[arg(long, value_name = "KIND/KEY")]
    pub target: Vec<String>,

    /// Delete everything that the file's stack owns, as if every section were empty
    ///
    /// For preview environments. Deployments go once they are drained, and nothing of other stacks
    /// is touched.
    #[arg(long)]
    pub destroy: bool,

    /// List the live resources that no file lists
    #[arg(long)]
    pub show_unmanaged: bool,

    /// What this run has deleted already
    #[arg(skip)]
    pub deleted: u64,

    /// Which of the registered deployments to discover again, to see what their endpoints serve now
    #[arg(long, value_enum, value_name = "WHICH", default_value = "all")]
    pub discover: DiscoverArg,

    /// How many reads and dry runs to make at once; writes go one at a time
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub parallelism: u16,
}

impl Planning {
    /// For the deletion of one resource.
    pub fn deleting(kind: DeletableKind, name: &str, allow: Vec<CommandConsent>) -> Self {
        let kind = match kind {
            DeletableKind::Deployment => "deployment",
            DeletableKind::Subscription => "subscription",
        };
        Self {
            allow,
            resend: Vec::new(),
            target: vec![format!("{kind}/{name}")],
            destroy: false,
            show_unmanaged: false,
            deleted: 0,
            discover: DiscoverArg::None,
            parallelism: 16,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, ValueEnum)]
pub enum DiscoverArg {
    All,
    /// Those whose connection changes
    Changed,
    None,
}

impl From<DiscoverArg> for Discover {
    fn from(arg: DiscoverArg) -> Self {
        match arg {
            DiscoverArg::All => Self::All,
            DiscoverArg::Changed => Self::Changed,
            DiscoverArg::None => Self::None,
        }
    }
}

/// Which server, and how to reach it. Without `Debug`: a header may be a secret.
#[derive(Args)]
#[command(next_help_heading = "Connection")]
pub struct Connection {
    /// The server's admin address
    ///
    /// The first that is given wins: --admin-url, with --token-env; RESTATE_ADMIN_URL, with
    /// RESTATE_AUTH_TOKEN; --environment or RESTATE_ENVIRONMENT; http://127.0.0.1:9070.
    #[arg(long, value_name = "URL")]
    pub admin_url: Option<String>,

    /// The environment variable that holds the token for --admin-url
    #[arg(long, value_name = "NAME")]
    pub token_env: Option<String>,

    /// An environment of the official CLI's config.toml
    #[arg(short, long, value_name = "NAME")]
    pub environment: Option<String>,

    /// A header for a gateway in front of the server; repeatable
    #[arg(long, value_name = "NAME=VALUE|${env:X}")]
    pub header: Vec<String>,

    /// Also trust the certificates in this PEM file
    #[arg(long, value_name = "FILE")]
    pub ca_cert: Option<PathBuf>,

    /// Send the token over plain http to a host that is not this machine
    #[arg(long)]
    pub insecure_http: bool,

    /// Time to make a connection
    #[arg(long, value_name = "DURATION", default_value = "3s", value_parser = duration)]
    pub connect_timeout: Duration,

    /// Time for a call
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = duration)]
    pub timeout: Duration,

    /// Time for a dry run or registration; the server itself has no limit
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = duration)]
    pub discovery_timeout: Duration,
}

#[derive(Debug, Clone, Copy, Args)]
#[command(next_help_heading = "Output")]
pub struct Output {
    /// The form of the result on standard output
    #[arg(long, global = true, value_enum, default_value = "text")]
    pub format: Format,

    /// Colours; NO_COLOR turns them off too
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value = "auto")]
    pub color: Color,

    /// Say what is being done, on standard error; -vv also the requests, -vvv also their bodies
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,

    /// Say nothing but the result and errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Text,
    Json,
    /// Text, with annotations for GitHub at the lines that problems are about
    Github,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    Auto,
    Always,
    Never,
}

fn duration(text: &str) -> Result<Duration, String> {
    Duration::parse(text)
}

fn assignment(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("there is no `=`")?;
    Ok((name.to_owned(), value.to_owned()))
}
