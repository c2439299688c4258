//! Drift, for the issue that is open while there is some.

use super::document::Document;
use super::escape::{code, prose};
use super::{LIMIT, MESSAGE, NAME, at, head, item, list, named};
use crate::drift::{Drift, Drifted, Mend, Outcome};
use crate::render::style::Style;
use crate::render::{drift, fields, short};
use std::fmt::Write;

/// How many fields of a finding are shown.
const FIELDS: usize = 10;

pub fn drift(drift: &Drift) -> String {
    let headline = match (drift.outcome, drift::counts(drift)) {
        (Outcome::InSync, counts) if counts.is_empty() => "drift: in sync".to_owned(),
        (Outcome::InSync, counts) => format!("drift: in sync, {counts}"),
        (Outcome::Drift, counts) => format!("drift: {counts}"),
    };
    let mut document = Document::new(head("drift", &headline, &drift.target, drift.stack.as_deref()));
    let of = |mend: Mend| -> Vec<&Drifted> {
        drift
            .findings
            .iter()
            .filter(|finding| finding.mend == mend)
            .collect()
    };
    let (person, apply, prune) = (of(Mend::Person), of(Mend::Apply), of(Mend::Prune));
    let person = list("findings that need a person", "Needs a person", &person, LIMIT);
    let person = document.section(person, |finding| one(finding));
    let apply = list("findings that an apply mends", drift::apply(drift), &apply, LIMIT);
    let apply = document.section(apply, |finding| one(finding));
    let prune = list("superseded deployments", drift::PRUNE, &prune, LIMIT);
    let prune = document.section(prune, |finding| one(finding));
    let remarks: Vec<String> = drift::unmanaged(drift).into_iter().collect();
    let remarks = document.section(list("remarks", "", &remarks, LIMIT), |line| {
        format!("{}\n", prose(line))
    });
    document.finish(&[person, apply, prune, remarks])
}

fn one(finding: &Drifted) -> String {
    let about = finding
        .resource
        .as_ref()
        .map(|resource| format!(" {}", named(resource)));
    let subject = format!(
        "**{}**{}{}",
        finding.direction.name(),
        about.unwrap_or_default(),
        at(finding.origin.as_ref())
    );
    let mut message = prose(&short::start(&finding.message, MESSAGE));
    let of_its_own = finding
        .fields
        .iter()
        .filter(|field| field.path.first().is_some_and(|first| first != "services"));
    for field in of_its_own.clone().take(FIELDS) {
        for line in fields::lines(&short::field(field, NAME), Style::new(false)) {
            let _ = write!(message, "\\\n  {}", code(line.trim()));
        }
    }
    let more = of_its_own.count().saturating_sub(FIELDS);
    if more > 0 {
        let _ = write!(message, "\\\n  and {more} fields more");
    }
    item(&subject, &message, finding.help.as_deref())
}
