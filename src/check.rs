//! Rules for which the files are enough.

use crate::code::Code;
use crate::desired::Desired;
use crate::kind::Kind;
use crate::kind::words::Deletion;
use crate::problem::{Problem, Problems};

/// Each kind's own rules, and what holds for every section.
pub fn check(desired: &Desired, problems: &mut Problems) {
    for kind in Kind::ALL {
        kind.rules().check(&desired.entries, problems);
    }
    empty_sections(desired, problems);
}

/// An empty section says that there should be none, and nothing follows from it.
fn empty_sections(desired: &Desired, problems: &mut Problems) {
    for kind in Kind::ALL {
        let Deletion::Pruned { policy } = kind.words().deletion else {
            continue;
        };
        let section = desired.sections[*kind].filter(|section| section.is_empty);
        if let Some(section) = section.filter(|_| desired.prune.keeps(*kind)) {
            let message = format!("`{}` is empty, and live ones are kept", kind.words().section);
            problems.push(
                Problem::warning(Code::EmptyWithoutPrune, message)
                    .at(section.span)
                    .help(format!(
                        "remove the section, or delete them with `prune: {{ {policy} }}`"
                    )),
            );
        }
    }
}
