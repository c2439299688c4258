//! Everything that is shown, as text. Reads everything, decides nothing, and prints nothing itself.

mod drift;
mod fields;
mod github;
pub mod graph;
pub mod json;
pub mod lifecycle;
pub mod markdown;
mod plan;
pub mod problems;
pub mod prometheus;
pub mod report;
mod short;
pub mod style;

use crate::apply::Report;
use crate::cli::Format;
use crate::drift::Drift;
use crate::plan::Plan;
use crate::problem::Problem;
use crate::source::Sources;
use style::Style;

/// A result, which can be had in every format.
#[derive(Clone, Copy)]
pub enum Document<'a> {
    Plan {
        plan: &'a Plan,
        show_unmanaged: bool,
    },
    Report(&'a Report),
    Drift(&'a Drift),
    /// The run ended early.
    Failure {
        problems: &'a [Problem],
        sources: &'a Sources,
    },
    /// `validate` found nothing to stop at.
    Valid {
        what: &'a str,
        problems: &'a [Problem],
        sources: &'a Sources,
    },
}

impl Document<'_> {
    pub fn in_format(self, format: Format, style: Style) -> String {
        match format {
            Format::Text => self.text(style),
            Format::Json => self.json(),
            Format::Markdown => self.markdown(),
            Format::Github => self.text(style) + &self.annotations(),
        }
    }

    pub fn text(self, style: Style) -> String {
        match self {
            Self::Plan { plan, show_unmanaged } => plan::text(plan, show_unmanaged, style),
            Self::Report(report) => report::text(report, style),
            Self::Drift(drift) => drift::text(drift, style),
            Self::Failure { problems, sources } => problems_text(problems, sources, style),
            Self::Valid {
                what,
                problems,
                sources,
            } => {
                format!("{}{what}\n", problems_text(problems, sources, style))
            }
        }
    }

    fn json(self) -> String {
        match self {
            Self::Plan { plan, .. } => json::document(plan),
            Self::Report(report) => json::document(report),
            Self::Drift(drift) => json::document(drift),
            Self::Failure { problems, sources } => json::problems(problems, sources),
            Self::Valid {
                problems, sources, ..
            } => json::valid(problems, sources),
        }
    }

    pub fn markdown(self) -> String {
        match self {
            Self::Plan { plan, show_unmanaged } => markdown::plan(plan, show_unmanaged),
            Self::Report(report) => markdown::report(report),
            Self::Drift(drift) => markdown::drift(drift),
            Self::Failure { problems, sources } => markdown::problems(problems, sources),
            Self::Valid {
                what,
                problems,
                sources,
            } => markdown::valid(what, problems, sources),
        }
    }

    /// The document as workflow commands of GitHub.
    pub fn annotations(self) -> String {
        match self {
            Self::Plan { plan, .. } => github::plan(plan),
            Self::Report(report) => github::report(report),
            Self::Drift(drift) => github::drift(drift),
            Self::Failure { problems, sources }
            | Self::Valid {
                problems, sources, ..
            } => github::problems(problems, sources),
        }
    }
}

pub fn problems_text(problems: &[Problem], sources: &Sources, style: Style) -> String {
    problems
        .iter()
        .map(|problem| problems::text(problem, sources, style))
        .collect()
}
