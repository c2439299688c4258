//! Saved plans: written by `plan --out`, and taken up by `apply`.

use super::file::{self, unwritable};
use super::files::shown;
use super::printer::Printer;
use super::wish::{Look, Wish};
use crate::cli::{DiscoverArg, Files, Looking, Planning};
use crate::code::Code;
use crate::consent::CommandConsent;
use crate::error::{Exit, Failure};
use crate::plan::{Plan, Target, saved};
use crate::problem::Problem;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Finds out, before anything is asked, whether a plan could be saved there.
pub fn check(path: &Path, files: &Files) -> Result<(), Failure> {
    if files.file.iter().any(|file| file == Path::new("-")) {
        let problem = Problem::error(Code::Usage, "a plan of standard input cannot be saved")
            .help("`apply` reads the files again; `-f` must name them");
        return Err(Failure::usage(problem));
    }
    file::check(path).map_err(|error| unwritable(path, &error).into())
}

/// There is no plan to save. An older one must not be applied in its place.
pub fn discard(path: &Path) -> Result<(), Problem> {
    if path.is_file() && read_any(path).is_ok() {
        let file = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        std::fs::remove_file(file).map_err(|error| unwritable(path, &error))?;
    }
    Ok(())
}

/// Readable by its owner only. One that could not be applied is not written.
pub fn save(plan: &Plan, path: &Path, printer: &Printer) -> Result<(), Failure> {
    if Exit::of(plan) != Exit::Done {
        printer.warn(&format!(
            "the plan cannot be applied, so `{}` is not written",
            path.display()
        ));
        return Ok(discard(path)?);
    }
    if plan.target.cluster_name.is_none() {
        discard(path)?;
        return Err(nameless(&format!("so `{}` is not written", path.display())).into());
    }
    let text = crate::render::json::document(plan);
    file::write(path, &text, file::Readers::Owner).map_err(|error| unwritable(path, &error))?;
    Ok(())
}

/// The text of a file, or of standard input, and how messages call it.
pub fn text_of(path: &Path) -> Result<(String, String), Problem> {
    let shown = path.display().to_string();
    let text = if path == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).map(|_| text)
    } else {
        std::fs::read_to_string(path)
    };
    let text = text.map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Problem::error(Code::NoFile, format!("there is no file `{shown}`"))
            .help("paths are relative to the working directory"),
        _ => Problem::error(Code::UnreadableFile, format!("cannot read `{shown}`: {error}")),
    })?;
    Ok((text, shown))
}

/// # Errors
/// When it is no plan.
pub fn read_any(path: &Path) -> Result<Plan, Problem> {
    let (text, shown) = text_of(path)?;
    saved::read(&text, &shown)
}

/// # Errors
/// When it is no plan, or not one that can be applied.
pub fn read(path: &Path) -> Result<Plan, Failure> {
    let plan = read_any(path)?;
    let shown = path.display();
    let exit = Exit::of(&plan);
    if exit != Exit::Done {
        let why = if exit == Exit::Refused {
            "refused"
        } else {
            "not without errors"
        };
        let problem = Problem::error(Code::PlanRefused, format!("the plan `{shown}` is {why}"))
            .help(format!("`restatectl show {shown}` tells why"));
        return Err(Failure {
            exit,
            ..problem.into()
        });
    }
    Ok(plan)
}

/// The files of the plan may be named again, so that all steps of a pipeline can share their options.
///
/// # Errors
/// When the command line says otherwise what to plan: that has been planned.
pub fn is_alone(plan: &Plan, files: &Files, planning: &Planning) -> Result<(), Failure> {
    let differ = |given: &[PathBuf], planned: &[String]| {
        !given.is_empty() && given.iter().map(|path| shown(path)).ne(planned.iter().cloned())
    };
    let given = [
        ("--file", differ(&files.file, &plan.inputs.paths)),
        ("--var-file", differ(&files.var_file, &plan.inputs.var_files)),
        ("--deny-warnings", files.deny_warnings),
        ("--discover", planning.looking.discover != DiscoverArg::All),
    ];
    let given = given
        .into_iter()
        .find_map(|(name, is_given)| is_given.then_some(name));
    match given.or_else(|| planning.given()) {
        None => Ok(()),
        Some(name) => Err(Failure::usage(
            Problem::error(
                Code::Usage,
                format!("`{name}` is not what the plan was made with"),
            )
            .help("leave it out: a saved plan has its files and consents; or plan again with others"),
        )),
    }
}

/// The files and options that the plan was made with; of the command line only what says how to look
/// at the server, and the values of variables, which secrets may need.
///
/// # Errors
/// When a variable is missing that the plan does not keep, or it has a consent that is not known.
pub fn as_planned(plan: &Plan, files: Files, looking: &Looking) -> Result<(Files, Wish, Look), Failure> {
    let inputs = &plan.inputs;
    let allow = inputs.allow.iter().map(|text| CommandConsent::parse(text));
    let allow = allow.collect::<Result<_, _>>().map_err(|error| {
        Problem::error(
            Code::PlanUnreadable,
            format!("the plan has a consent that is not known: {error}"),
        )
    })?;
    let is_given = |name: &&String| files.var.iter().any(|(given, _)| given == *name);
    if let Some(missing) = inputs.variables.iter().find(|name| !is_given(name)) {
        let message = format!(
            "the plan was made with `--var {missing}=…`, which it does not keep: it is used where secrets are"
        );
        let problem =
            Problem::error(Code::PlanVariable, message).help(format!("give it again: `--var {missing}=…`"));
        return Err(problem.into());
    }
    let wish = Wish {
        allow,
        resend: inputs.resend.clone(),
        targets: Vec::new(),
        exclude: inputs.exclude.clone(),
        destroy: inputs.destroy,
    };
    let look = Look {
        discover: inputs.discover,
        ..Look::from(looking)
    };
    Ok((files_of(plan, files), wish, look))
}

/// The files that the plan was made with, and of the command line the values of variables.
pub fn files_of(plan: &Plan, files: Files) -> Files {
    let inputs = &plan.inputs;
    Files {
        file: inputs.paths.iter().map(Into::into).collect(),
        var_file: inputs.var_files.iter().map(Into::into).collect(),
        deny_warnings: false,
        ..files
    }
}

/// The name of the cluster tells servers apart: without it there is no telling.
fn nameless(consequence: &str) -> Problem {
    let message = format!("the name of the cluster could not be read, {consequence}");
    let problem = Problem::error(Code::NoClusterName, message);
    problem
        .help("nothing was changed; see whether `GET /cluster-health` answers at this address, and try again")
}

/// # Errors
/// When this is not the server that the plan was made for. The plan is not asked where it is: it
/// may come from somebody else, and the token would go there.
pub fn is_same_target(plan: &Plan, now: &Target) -> Result<(), Failure> {
    let planned = &plan.target;
    let text = |target: &Target| {
        let cluster = target.cluster_name.as_deref().unwrap_or("of unknown name");
        format!("{} (cluster {cluster})", target.admin_url)
    };
    if now.cluster_name.is_none() {
        return Err(nameless("so it may be another server than the plan is for").into());
    }
    if (&planned.admin_url, &planned.cluster_name) != (&now.admin_url, &now.cluster_name) {
        let message = format!("the plan is for {}, and this is {}", text(planned), text(now));
        let problem = Problem::error(Code::PlanOtherTarget, message)
            .help("apply it where it was made, or plan again for this server");
        return Err(Failure {
            exit: Exit::Refused,
            ..problem.into()
        });
    }
    if planned.restate_version != now.restate_version {
        let (planned, now) = (&planned.restate_version, &now.restate_version);
        let message = format!("the plan was made when the server was Restate {planned}, and now it is {now}");
        let problem = Problem::error(Code::PlanStale, message)
            .help("plan again: versions differ in what a change does");
        return Err(Failure {
            exit: Exit::Stale,
            ..problem.into()
        });
    }
    Ok(())
}
