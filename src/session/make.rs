//! Making a plan: files and server in, what would change out.

use super::files::{self, ReadFiles, Setting};
use super::wish::{Look, Wish};
use super::{answers, connect, destruction, saved};
use crate::admin::Client;
use crate::ask::Answers;
use crate::cli::{Connection, Files};
use crate::code::Code;
use crate::diff;
use crate::draft::{Input, Targets};
use crate::duration::Duration;
use crate::error::{Exit, Failure};
use crate::explain;
use crate::kind::rules::{secrets_of_files, secrets_of_server};
use crate::live::Live;
use crate::plan::computed::{Computed, Origins};
use crate::plan::inputs::Inputs;
use crate::plan::{Plan, Target, stale};
use crate::problem::{Problem, Severity};
use crate::secret::{ClearWords, Masker};
use crate::session::printer::Printer;
use crate::session::signal::or_interrupted;
use crate::snapshot::Snapshot;
use std::cell::OnceCell;
use std::collections::BTreeMap;

/// How often the server is read whose answers contradict each other, as somebody is changing it.
const READINGS: u32 = 3;

/// What a plan is for.
#[derive(Clone, Copy)]
pub enum Scope<'a> {
    /// What the files say; under `--destroy`, that everything of their stack is to go.
    Files,
    /// One resource is to go, which the wish has as its target.
    Delete {
        force: bool,
        /// In place of the file's `after`.
        after: Option<Duration>,
    },
    /// Of what the files say, the deletions alone.
    Prune,
    /// To see what has become of this plan: what it touches.
    Again(&'a Plan),
    /// To delete what this plan waits for, once it is free.
    Waiting(&'a Plan),
}

/// What to plan, and with what.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    pub files: &'a Files,
    pub wish: &'a Wish,
    pub look: &'a Look,
    pub connection: &'a Connection,
    pub scope: Scope<'a>,
    pub wait_endpoints: Duration,
    /// How much this run has deleted already, of what counts.
    pub deleted: u64,
}

impl<'a> Asked<'a> {
    /// Asks for what the files say, without waiting for anything.
    pub fn of(files: &'a Files, wish: &'a Wish, look: &'a Look, connection: &'a Connection) -> Self {
        Self {
            files,
            wish,
            look,
            connection,
            scope: Scope::Files,
            wait_endpoints: Duration::default(),
            deleted: 0,
        }
    }
}

/// A plan with what it was made from.
pub struct Made {
    pub computed: Computed,
    pub client: Client,
    pub live: Live,
}

/// Reads files and server, and plans. The client is kept for an apply.
///
/// # Errors
/// When the files, or the server, do not let a plan be made; and when interrupted.
pub async fn make(asked: &Asked<'_>, printer: &Printer) -> Result<Made, Failure> {
    // Before anybody listens to Ctrl-C, or nothing would end the wait for standard input.
    let read = read(asked)?;
    or_interrupted(Box::pin(make_uninterrupted(asked, read, printer))).await
}

fn read(asked: &Asked<'_>) -> Result<ReadFiles, Failure> {
    let Asked {
        files,
        connection,
        scope,
        ..
    } = *asked;
    let setting = Setting {
        unset: Severity::Error,
        token_variable: connection.token_env.as_deref(),
        server: connect::server(connection),
        may_be_missing: matches!(scope, Scope::Delete { .. }),
        is_planned: true,
        merges: false,
        again: match scope {
            Scope::Again(plan) | Scope::Waiting(plan) => Some(plan),
            Scope::Files | Scope::Delete { .. } | Scope::Prune => None,
        },
    };
    files::read(files, &setting)
}

async fn make_uninterrupted(
    asked: &Asked<'_>,
    mut read: ReadFiles,
    printer: &Printer,
) -> Result<Made, Failure> {
    let Asked {
        files: _,
        wish,
        look,
        connection,
        scope,
        wait_endpoints,
        deleted: _,
    } = *asked;
    let mut client = connect::connect(connection, printer)?;
    learn(client.masker(), &read);
    if wish.destroy {
        read = destruction::of_stack(read)?;
    }
    let mut live = answers::live(&mut client, printer).await?;
    let target = Target::new(client.url(), &live.server);
    let read = is_target(read, &live)?;
    let (read, targets) = match scope {
        Scope::Delete { force, after } => destruction::of_one(read, &live, wish, force, after)?,
        Scope::Again(plan) => {
            saved::is_same_target(plan, &target)?;
            (read, stale::targets(plan, &live))
        }
        Scope::Waiting(plan) => {
            saved::is_same_target(plan, &target)?;
            (read, stale::waiting(plan, &live))
        }
        Scope::Files | Scope::Prune => (read, wish.targets.clone()),
    };
    let read = only_allowed(read, look)?;
    let mut answers = Answers::default();
    for _ in 0..READINGS {
        let asking = answers::Asking::new(&client, &live, look, wait_endpoints, printer)
            .leaving_out(&wish.exclude, &read.desired);
        answers = asking.for_plan(&read.desired, &live, &wish.allow).await;
        if !answers.contradict_lists() {
            break;
        }
        live = answers::live(&mut client, printer).await?;
    }
    let computing = Computing {
        read: &read,
        live: &live,
        answers: &answers,
        targets: match scope {
            Scope::Again(_) | Scope::Waiting(_) => Targets::Again(&targets),
            Scope::Prune => Targets::Deletions,
            Scope::Files if targets.is_empty() => Targets::All,
            Scope::Files | Scope::Delete { .. } => Targets::Only(&targets),
        },
        masker: client.masker(),
        target,
        offline: None,
    };
    let computed = computing.compute(asked);
    Ok(Made {
        computed,
        client,
        live,
    })
}

fn learn(masker: &Masker, read: &ReadFiles) {
    for value in secrets_of_files(&read.desired) {
        masker.learn(value);
    }
}

/// Plans against a snapshot, without asking anybody anything.
///
/// # Errors
/// When the files do not let a plan be made.
pub fn make_offline(asked: &Asked<'_>, snapshot: Snapshot) -> Result<Computed, Failure> {
    let mut read = files::read(asked.files, &Setting::offline())?;
    let masker = Masker::default();
    learn(&masker, &read);
    if asked.wish.destroy {
        read = destruction::of_stack(read)?;
    }
    let (target, taken) = (snapshot.target.clone(), snapshot.created_at.clone());
    let (live, answers) = snapshot.into_live();
    for value in secrets_of_server(&live) {
        masker.learn(value);
    }
    let read = is_target(read, &live)?;
    let targets = &asked.wish.targets;
    let computing = Computing {
        read: &read,
        live: &live,
        answers: &answers,
        targets: if targets.is_empty() {
            Targets::All
        } else {
            Targets::Only(targets)
        },
        masker: &masker,
        target,
        offline: Some(&taken),
    };
    Ok(computing.compute(asked))
}

struct Computing<'a> {
    read: &'a ReadFiles,
    live: &'a Live,
    answers: &'a Answers,
    targets: Targets<'a>,
    masker: &'a Masker,
    target: Target,
    /// When the snapshot was taken; `None` with a server.
    offline: Option<&'a str>,
}

impl Computing<'_> {
    fn compute(self, asked: &Asked<'_>) -> Computed {
        let Asked {
            files,
            wish,
            look,
            scope,
            deleted,
            ..
        } = *asked;
        let read = self.read;
        let now = jiff::Timestamp::now();
        // Whether a deletion takes over has been decided.
        let mut consents = wish.allow.clone();
        if matches!(scope, Scope::Delete { .. }) {
            consents.retain(|consent| !destruction::is_take_over(consent));
        }
        let outcome = diff::diff(&Input {
            desired: &read.desired,
            live: self.live,
            answers: self.answers,
            sources: &read.sources,
            consents: &consents,
            resend: &wish.resend,
            exclude: &wish.exclude,
            targets: self.targets,
            deleted,
            offline: self.offline,
            now,
        });
        let clear = OnceCell::new();
        let is_clear = |words: &str| {
            let clear = clear.get_or_init(|| {
                let ours = explain::all().map(|(_, text)| text);
                ClearWords::of(read.sources.quotable().chain(ours))
            });
            clear.are_all_of(words)
        };
        let outcome = outcome.masked(|text| self.masker.mask_but(text, is_clear));
        let inputs = Inputs {
            paths: read.paths.clone(),
            var_files: files.var_file.iter().map(|path| files::shown(path)).collect(),
            values: BTreeMap::new(),
            sensitive: BTreeMap::new(),
            variables: Vec::new(),
            allow: wish.allow.iter().map(ToString::to_string).collect(),
            resend: wish.resend.clone(),
            exclude: wish.exclude.clone(),
            destroy: wish.destroy,
            discover: look.discover,
        };
        let is_shown = |text: &str| self.masker.mask(text) == text;
        Computed::new(
            outcome,
            Origins {
                target: self.target,
                sources: &read.sources,
                desired: &read.desired,
                warnings: &read.warnings,
                targets: match self.targets {
                    Targets::All | Targets::Deletions => &[],
                    Targets::Only(targets) | Targets::Again(targets) => targets,
                },
                inputs: inputs.with_values(&read.desired.frozen, &files.var, is_shown),
                created_at: timestamp(now),
            },
        )
    }
}

/// The right file on the wrong cluster would be sent to its endpoints, with its secrets: nothing is
/// asked of them before this.
fn is_target(read: ReadFiles, live: &Live) -> Result<ReadFiles, Failure> {
    let Some(wanted) = &read.desired.cluster_name else {
        return Ok(read);
    };
    let found = live.server.cluster_name.as_deref();
    if found == Some(wanted.value.as_str()) {
        return Ok(read);
    }
    let name = &wanted.value;
    let (exit, message) = if let Some(found) = found {
        let message = format!("the file is for the cluster `{name}`, and this is `{found}`");
        (Exit::Refused, message)
    } else {
        // A guard that cannot be evaluated does not let pass.
        let message = format!("the file is for the cluster `{name}`, and the server does not tell its name");
        (Exit::Error, message)
    };
    let problem = Problem::error(Code::OtherTarget, message)
        .at(wanted.span)
        .help("nothing was asked of any endpoint; is this the right `--admin-url` or `RESTATE_ADMIN_URL`?");
    Err(Failure {
        exit,
        problems: vec![problem],
        sources: read.sources,
    })
}

/// A dry run makes the server call the addresses of the file, with the headers of the file.
fn only_allowed(read: ReadFiles, look: &Look) -> Result<ReadFiles, Failure> {
    let patterns = &look.allow_endpoint;
    if patterns.is_empty() {
        return Ok(read);
    }
    let entries = read.desired.entries.deployments.iter();
    let others = entries.filter(|entry| !patterns.iter().any(|p| p.matches(&entry.address.value)));
    let problems: Vec<Problem> = others
        .map(|entry| {
            let message = format!("no `--allow-endpoint` lets {} be asked", entry.address.value);
            Problem::error(Code::EndpointNotAllowed, message)
                .at(entry.address.span)
                .help("nothing was asked of any endpoint; whoever runs this decides which addresses may be")
        })
        .collect();
    if problems.is_empty() {
        return Ok(read);
    }
    Err(Failure {
        exit: Exit::Refused,
        problems,
        sources: read.sources,
    })
}

/// A time as documents have it: RFC 3339 in UTC, to the second.
pub fn timestamp(time: jiff::Timestamp) -> String {
    time.round(jiff::Unit::Second).unwrap_or(time).to_string()
}
