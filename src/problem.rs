//! A problem: what is wrong, where, and what to do about it.

use crate::code::Code;
use crate::source::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How much a problem matters. An error stops the run; the others are told and the run goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    Error,
    Warning,
    Info,
}

/// A second place that belongs to a problem, such as the first of two duplicates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Related {
    pub span: Span,
    pub label: String,
}

/// One thing that is wrong. Whatever else says so, such as a finding, a refusal or a guard, is made of
/// one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub code: Code,
    pub severity: Severity,
    pub message: String,
    pub help: Option<String>,
    /// `None` where no place in a file is to blame, as for a server that is down.
    pub span: Option<Span>,
    pub related: Vec<Related>,
    /// What `--allow` would let it pass, where it is the want of a consent.
    pub lacks: Option<String>,
}

impl Problem {
    pub fn error(code: Code, message: impl Into<String>) -> Self {
        Self::new(code, Severity::Error, message)
    }

    pub fn warning(code: Code, message: impl Into<String>) -> Self {
        Self::new(code, Severity::Warning, message)
    }

    pub fn info(code: Code, message: impl Into<String>) -> Self {
        Self::new(code, Severity::Info, message)
    }

    pub fn new(code: Code, severity: Severity, message: impl Into<String>) -> Self {
        Self {
            code,
            severity,
            message: message.into(),
            help: None,
            span: None,
            related: Vec::new(),
            lacks: None,
        }
    }

    #[must_use]
    pub fn at(mut self, span: Span) -> Self {
        self.span = Some(span);
        self
    }

    #[must_use]
    pub fn lacks(mut self, consent: impl Into<String>) -> Self {
        self.lacks = Some(consent.into());
        self
    }

    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    #[must_use]
    pub fn related(mut self, span: Span, label: impl Into<String>) -> Self {
        self.related.push(Related {
            span,
            label: label.into(),
        });
        self
    }
}

/// The problems of a run, collected so that one run tells them all.
#[derive(Debug, Default)]
pub struct Problems(Vec<Problem>);

impl Problems {
    pub fn push(&mut self, problem: Problem) {
        self.0.push(problem);
    }

    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|p| p.severity == Severity::Error)
    }

    pub fn has_warnings(&self) -> bool {
        self.0.iter().any(|p| p.severity == Severity::Warning)
    }

    /// Tells more of those that have one of these codes.
    pub fn explain(&mut self, codes: &[Code], more: impl Fn(&mut Problem)) {
        let told = self.0.iter_mut().filter(|problem| codes.contains(&problem.code));
        told.for_each(more);
    }

    /// Marks the problems with values that were filled in with where those came from.
    pub fn say_where_from(&mut self, fills: &BTreeMap<Span, String>) {
        for problem in &mut self.0 {
            if let Some(span) = problem.span
                && let Some(source) = fills.get(&span)
            {
                problem.related.push(Related {
                    span,
                    label: format!("filled in from {source}"),
                });
            }
        }
    }

    /// Every problem, by place; those without a place come first.
    pub fn into_sorted(mut self) -> Vec<Problem> {
        self.0
            .sort_by(|a, b| (a.span, a.code, &a.message).cmp(&(b.span, b.code, &b.message)));
        self.0.dedup();
        self.0
    }
}

/// The candidate that `word` was probably meant to be, if any is near enough to suggest.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| {
            (
                strsim::jaro_winkler(&word.to_lowercase(), &candidate.to_lowercase()),
                candidate,
            )
        })
        .filter(|(score, _)| *score > 0.8)
        .max_by(|(a, x), (b, y)| a.total_cmp(b).then(y.cmp(x)))
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn suggests_only_what_is_near() {
        let fields = ["uri", "arn", "additional_headers"];
        assert_eq!(nearest("additional_header", fields), Some("additional_headers"));
        assert_eq!(nearest("URI", fields), Some("uri"));
        assert_eq!(nearest("timeout", fields), None);
    }
}
