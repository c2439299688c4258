use super::read::{self, ReadFiles, Setting};
use super::{connect, destruction, gather, or_interrupted, save, snapshot};
use crate::admin::Client;
use crate::cli::{Connection, Files, Planning};
use crate::desired::Duration;
use crate::diff::probe::Answers;
use crate::diff::{self, Discover, Input, Targets};
use crate::error::{Exit, Failure};
use crate::live::Live;
use crate::plan::{Inputs, Plan, Target, stale};
use crate::problem::{Problem, Severity};
use crate::render::Printer;
use crate::secret::Masker;
use crate::source::frozen::Frozen;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

pub struct Options<'a> {
    pub out: Option<&'a Path>,
    /// A snapshot to plan against, in place of the server.
    pub live: Option<&'a Path>,
    pub detailed_exitcode: bool,
}

pub async fn run(asked: &Asked<'_>, options: &Options<'_>, printer: &Printer) -> Result<Exit, Failure> {
    if let Some(path) = options.out {
        save::check(path, asked.files)?;
    }
    let made = match options.live {
        Some(snapshot) => offline(asked, snapshot),
        None => or_interrupted(make(asked, printer)).await.map(|made| made.plan),
    };
    if let (Err(_), Some(path)) = (&made, options.out) {
        save::discard(path)?;
    }
    let plan = made?;
    if let Some(path) = options.out {
        save::save(&plan, path, printer)?;
    }
    printer.plan(&plan, asked.planning.looking.show_unmanaged);
    Ok(match exit_of(&plan) {
        Exit::Done if options.detailed_exitcode && !plan.changes.is_empty() => Exit::Changes,
        exit => exit,
    })
}

/// What a plan is for.
#[derive(Clone, Copy)]
pub enum Scope<'a> {
    /// What the files say; under `--destroy`, that everything of their stack is to go.
    Files,
    /// One resource is to go, which the planning has as its target.
    Delete { force: bool },
    /// To see what has become of this plan: what it touches.
    Again(&'a Plan),
}

type Texts = BTreeMap<String, String>;

/// What to plan, and with what.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    pub files: &'a Files,
    pub planning: &'a Planning,
    pub connection: &'a Connection,
    pub scope: Scope<'a>,
    pub wait_endpoints: Duration,
}

/// A plan with what it was made from.
pub struct Made {
    pub plan: Plan,
    pub client: Client,
    pub live: Live,
}

/// Reads files and server, and plans. The client is kept for an apply.
pub async fn make(asked: &Asked<'_>, printer: &Printer) -> Result<Made, Failure> {
    let Asked {
        files,
        planning,
        connection,
        scope,
        wait_endpoints,
    } = *asked;
    let setting = Setting {
        unset: Severity::Error,
        token_variable: connection.token_env.as_deref(),
        server: connect::server(connection),
        may_be_missing: matches!(scope, Scope::Delete { .. }),
        is_planned: true,
        again: match scope {
            Scope::Again(plan) => Some(plan),
            Scope::Files | Scope::Delete { .. } => None,
        },
    };
    let mut read = read::read(files, &setting)?;
    let mut client = connect::connect(connection, printer)?;
    for value in read.desired.sensitive_values() {
        client.masker().learn(value);
    }
    if planning.destroy {
        read = destruction::of_stack(read)?;
    }
    let live = gather::live(&mut client, printer).await?;
    let target = Target::new(client.url(), &live.server);
    let read = is_target(read, &live)?;
    let (read, targets) = match scope {
        Scope::Delete { force } => destruction::of_one(read, &live, planning, force)?,
        Scope::Again(plan) => {
            save::is_same_target(plan, &target)?;
            (read, stale::targets(plan, &live))
        }
        Scope::Files => (read, planning.target.clone()),
    };
    let read = only_allowed(read, planning)?;
    let answers = gather::answers(&client, &read.desired, &live, planning, wait_endpoints, printer).await;
    let computing = Computing {
        read: &read,
        live: &live,
        answers: &answers,
        targets: match scope {
            Scope::Again(_) => Targets::Again(&targets),
            Scope::Files if targets.is_empty() => Targets::All,
            Scope::Files | Scope::Delete { .. } => Targets::Only(&targets),
        },
        masker: client.masker(),
        target,
        offline: None,
    };
    let plan = computing.compute(asked);
    Ok(Made { plan, client, live })
}

/// Without asking anybody anything.
fn offline(asked: &Asked<'_>, path: &Path) -> Result<Plan, Failure> {
    let mut read = read::read(asked.files, &Setting::offline())?;
    let snapshot = snapshot::read(path)?;
    let masker = Masker::default();
    for value in read.desired.sensitive_values() {
        masker.learn(value);
    }
    if asked.planning.destroy {
        read = destruction::of_stack(read)?;
    }
    let (target, taken) = (snapshot.target.clone(), snapshot.created_at.clone());
    let (live, answers) = snapshot.into_live();
    let read = is_target(read, &live)?;
    let targets = &asked.planning.target;
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
    /// When the snapshot was taken.
    offline: Option<&'a str>,
}

impl Computing<'_> {
    fn compute(self, asked: &Asked<'_>) -> Plan {
        let Asked {
            files,
            planning,
            scope,
            ..
        } = *asked;
        let read = self.read;
        let now = jiff::Timestamp::now();
        // Whether a deletion takes over has been decided.
        let mut consents = planning.allow.clone();
        if matches!(scope, Scope::Delete { .. }) {
            consents.retain(|consent| !destruction::is_take_over(consent));
        }
        let outcome = diff::diff(&Input {
            desired: &read.desired,
            live: self.live,
            answers: self.answers,
            sources: &read.sources,
            consents: &consents,
            resend: &planning.resend,
            targets: self.targets,
            deleted: planning.deleted,
            offline: self.offline,
            now,
        })
        .masked(|text| self.masker.mask(text));
        let sensitive = not_kept(&read.desired.frozen, |text| self.masker.mask(text) == text);
        let inputs = Inputs {
            paths: read.paths.clone(),
            var_files: files.var_file.iter().map(|path| read::shown(path)).collect(),
            values: kept(&read.desired.frozen, |text| self.masker.mask(text) == text),
            variables: (files.var.iter())
                .map(|(name, _)| name)
                .filter(|name| is_used_in(name, &read.desired.frozen, &sensitive))
                .cloned()
                .collect(),
            sensitive,
            allow: planning.allow.iter().map(ToString::to_string).collect(),
            resend: planning.resend.clone(),
            destroy: planning.destroy,
            discover: Discover::from(planning.looking.discover),
        };
        let files = (&read.sources, &read.desired, read.warnings.as_slice());
        let targets = match self.targets {
            Targets::All => &[],
            Targets::Only(targets) | Targets::Again(targets) => targets,
        };
        Plan::new(outcome, self.target, files, targets, inputs, text(now))
    }
}

/// What references stood for, by file, but for what a secret of the run is in: it may be used in a
/// place that is not sensitive as well.
fn kept(files: &BTreeMap<String, Frozen>, is_shown: impl Fn(&str) -> bool) -> BTreeMap<String, Texts> {
    let mut kept = BTreeMap::new();
    for (path, file) in files {
        let texts = file.values.iter().filter(|(_, text)| is_shown(text));
        let texts: Texts = texts.map(|(place, text)| (place.clone(), text.clone())).collect();
        if !texts.is_empty() {
            kept.insert(path.clone(), texts);
        }
    }
    kept
}

/// The places of the rest.
fn not_kept(
    files: &BTreeMap<String, Frozen>,
    is_shown: impl Fn(&str) -> bool,
) -> BTreeMap<String, BTreeSet<String>> {
    let mut places = BTreeMap::new();
    for (path, file) in files {
        let secret = file.values.iter().filter(|(_, text)| !is_shown(text));
        let of_file: BTreeSet<String> = secret
            .map(|(place, _)| place)
            .chain(&file.sensitive)
            .cloned()
            .collect();
        if !of_file.is_empty() {
            places.insert(path.clone(), of_file);
        }
    }
    places
}

fn is_used_in(
    variable: &str,
    files: &BTreeMap<String, Frozen>,
    places: &BTreeMap<String, BTreeSet<String>>,
) -> bool {
    files.iter().any(|(path, file)| {
        let uses = file.variables.get(variable).into_iter().flatten();
        let places = places.get(path);
        places.is_some_and(|places| uses.into_iter().any(|place| places.contains(place)))
    })
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
    let problem = Problem::error("other-target", message)
        .at(wanted.span)
        .help("nothing was asked of any endpoint; is this the right `--admin-url` or `RESTATE_ADMIN_URL`?");
    Err(Failure {
        exit,
        problems: vec![problem],
        sources: read.sources,
    })
}

/// A dry run makes the server call the addresses of the file, with the headers of the file.
fn only_allowed(read: ReadFiles, planning: &Planning) -> Result<ReadFiles, Failure> {
    let patterns = &planning.looking.allow_endpoint;
    if patterns.is_empty() {
        return Ok(read);
    }
    let entries = read.desired.deployments.iter();
    let others = entries.filter(|entry| !patterns.iter().any(|p| p.matches(&entry.address.value)));
    let problems: Vec<Problem> = others
        .map(|entry| {
            let message = format!("no `--allow-endpoint` lets {} be asked", entry.address.value);
            Problem::error("endpoint-not-allowed", message)
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

/// Errors come before refusals: nobody can consent to them.
pub fn exit_of(plan: &Plan) -> Exit {
    if plan.has_errors() {
        Exit::Error
    } else if plan.is_refused() {
        Exit::Refused
    } else {
        Exit::Done
    }
}

pub fn text(time: jiff::Timestamp) -> String {
    time.round(jiff::Unit::Second).unwrap_or(time).to_string()
}
