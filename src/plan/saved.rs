//! Plans as files: what a program may read back.

use super::{FORMAT_VERSION, Plan};
use crate::code::Code;
use crate::digest::of_json;
use crate::problem::Problem;
use serde_json::Value as Json;

/// The digest of everything but the digest itself, and the time, so that the same inputs give the same plan;
/// whatever the order of keys and the white space.
pub(super) fn digest(mut document: Json) -> String {
    if let Some(fields) = document.as_object_mut() {
        fields.shift_remove("digest");
        fields.shift_remove("created_at");
    }
    of_json(document)
}

/// `shown`: how messages call the file.
///
/// # Errors
/// When it is not a whole plan, of another format, or not what was written.
pub fn read(text: &str, shown: &str) -> Result<Plan, Problem> {
    parse(document(text, shown)?, shown)
}

/// The JSON of a file, whose format version is ours.
///
/// # Errors
/// When it is no whole document, or of another major version.
pub fn document(text: &str, shown: &str) -> Result<Json, Problem> {
    let is_named = |ends: &[&str]| ends.iter().any(|end| shown.ends_with(end));
    let document: Json = serde_json::from_str(text).map_err(|error| {
        if is_named(&[".yaml", ".yml", ".toml"]) {
            return desired_state(shown);
        }
        let (why, help) = if error.is_eof() {
            (
                "ends in the middle",
                "it was cut off while it was written or copied",
            )
        } else {
            ("is not JSON", "`plan --out FILE` writes a plan")
        };
        Problem::error(Code::PlanUnreadable, format!("`{shown}` {why}: {error}")).help(help)
    })?;
    let version = document.get("format_version").and_then(Json::as_str);
    let major = |version: &str| version.split('.').next().map(str::to_owned);
    match version {
        Some(version) if major(version) == major(FORMAT_VERSION) => Ok(document),
        Some(version) => {
            let message =
                format!("`{shown}` has format version {version}, and this program reads {FORMAT_VERSION}");
            Err(Problem::error(Code::PlanVersion, message)
                .help("make the plan with the version of restatectl that applies it"))
        }
        None if document.get("version").is_some() => Err(desired_state(shown)),
        None => Err(Problem::error(
            Code::PlanUnreadable,
            format!("`{shown}` is no document of restatectl: it has no `format_version`"),
        )
        .help("`plan --out FILE` writes a plan")),
    }
}

fn desired_state(shown: &str) -> Problem {
    let message = format!("`{shown}` is a desired-state file, where a plan is expected");
    Problem::error(Code::PlanUnreadable, message).help(format!("name it with `-f {shown}`"))
}

/// # Errors
/// As [`read`].
pub fn parse(document: Json, shown: &str) -> Result<Plan, Problem> {
    let plan: Plan = serde_json::from_value(document.clone()).map_err(|error| {
        Problem::error(Code::PlanUnreadable, format!("`{shown}` is not a plan: {error}"))
            .help("`plan --out FILE` writes one")
    })?;
    if digest(document) != plan.digest {
        return Err(Problem::error(
            Code::PlanEdited,
            format!("`{shown}` is not what `plan` wrote: its digest does not match"),
        )
        .help("a plan is not for editing: change the files and plan again"));
    }
    Ok(plan)
}
