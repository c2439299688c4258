//! Options that verbs share.

use super::suggested::consent;
use crate::ask::Discover;
use crate::consent::CommandConsent;
use crate::duration::Duration;
use crate::kind::deployment::endpoint::EndpointPattern;
use crate::source;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

#[derive(Clone, Args)]
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
    pub stdin_format: FileFormat,

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

impl Files {
    /// The files that the command line names.
    pub fn paths(&self) -> impl Iterator<Item = &PathBuf> {
        self.file.iter().chain(&self.var_file)
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum FileFormat {
    Yaml,
    Toml,
    Json,
}

impl From<FileFormat> for source::Format {
    fn from(format: FileFormat) -> Self {
        match format {
            FileFormat::Yaml => Self::Yaml,
            FileFormat::Toml => Self::Toml,
            FileFormat::Json => Self::Json,
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
    #[arg(long, value_name = "WHAT[=KEY]", value_parser = consent(), hide_possible_values = true)]
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

    /// Leave this out, with what needs it and what would damage it; repeatable
    ///
    /// KIND/KEY as with --target. Such as --exclude deployment/checkout while its endpoint is down. What
    /// would have been done is listed. In both, * stands for anything.
    #[arg(long, value_name = "KIND/KEY")]
    pub exclude: Vec<String>,

    /// Delete everything that the file's stack owns, as if every section were empty
    ///
    /// For preview environments. Deployments go once they are drained, and nothing of other stacks
    /// is touched.
    #[arg(long)]
    pub destroy: bool,

    #[command(flatten)]
    pub looking: Looking,
}

/// How to look at the server.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Planning")]
pub struct Looking {
    /// List the live resources that no file lists
    #[arg(long)]
    pub show_unmanaged: bool,

    /// Which of the registered deployments to discover again, to see what their endpoints serve now
    #[arg(long, value_enum, value_name = "WHICH", default_value = "all")]
    pub discover: DiscoverArg,

    /// Ask no endpoint but those that match; repeatable
    ///
    /// A dry run makes the server call the addresses in the file, with the headers in the file. A
    /// pull request can change both, but not this. [SCHEME://]HOST[:PORT][/PATH], or an ARN, where *
    /// stands for anything within a label or segment, and what is left out for anything;
    /// `https://*.internal:9080` is every host below `internal`, at any depth. If the file has another
    /// address, nothing is asked, and the exit code is 5.
    #[arg(long, value_name = "PATTERN", value_parser = EndpointPattern::parse)]
    pub allow_endpoint: Vec<EndpointPattern>,

    /// How many reads and dry runs to make at once; writes go one at a time
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub parallelism: u16,
}

impl Planning {
    /// The options that say what to plan, if any is given.
    pub fn given(&self) -> Option<&'static str> {
        [
            ("--allow", !self.allow.is_empty()),
            ("--resend", !self.resend.is_empty()),
            ("--target", !self.target.is_empty()),
            ("--exclude", !self.exclude.is_empty()),
            ("--destroy", self.destroy),
        ]
        .into_iter()
        .find_map(|(name, is_given)| is_given.then_some(name))
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

    /// A header for a gateway in front of the server, with references as in files; repeatable
    #[arg(long, value_name = "NAME=VALUE")]
    pub header: Vec<String>,

    /// Also trust these certificates, in PEM form: an authority's, or the server's own
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

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Output")]
pub struct Output {
    /// The form of the result on standard output
    #[arg(long, global = true, value_enum, default_value = "text")]
    pub format: Format,

    /// Also write the result to a file, in another form; repeatable
    ///
    /// FORMAT is one of those of --format, or prometheus, for drift: a file for the textfile
    /// collector of the node exporter. All are made of one computation, and written whole or not at
    /// all. The report of an apply is written as it goes.
    #[arg(long, global = true, value_name = "FORMAT=PATH", value_parser = ReportTo::parse)]
    pub report: Vec<ReportTo>,

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
    /// For a comment on a pull request
    Markdown,
    /// Text, with annotations for GitHub at the lines it is about, and Markdown for the job's summary
    Github,
}

/// A file that gets the result too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportTo {
    pub form: ReportForm,
    pub path: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportForm {
    As(Format),
    Prometheus,
}

impl ReportTo {
    fn parse(text: &str) -> Result<Self, String> {
        let (form, path) = text.split_once('=').ok_or("there is no `=`")?;
        let form = match form {
            "prometheus" => ReportForm::Prometheus,
            form => ReportForm::As(
                Format::from_str(form, false)
                    .map_err(|_| "one of text, json, markdown, github, prometheus, then `=PATH`")?,
            ),
        };
        if path.is_empty() {
            return Err("there is no path behind `=`".to_owned());
        }
        Ok(Self {
            form,
            path: path.into(),
        })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    Auto,
    Always,
    Never,
}

pub fn duration(text: &str) -> Result<Duration, String> {
    Duration::parse(text)
}

fn assignment(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("there is no `=`")?;
    Ok((name.to_owned(), value.to_owned()))
}
