//! How large a file may be. A desired state is far below all of it; what is above is broken or
//! hostile.

use super::Span;
use crate::problem::Problem;

const MAX_NODES: usize = 1_000_000;
/// The format itself nests six deep.
const MAX_DEPTH: usize = 64;
/// Aliases can make a small file expand without end: the bytes of what they stand for.
const MAX_ALIASED: usize = 16 << 20;

/// Counts what one file has.
#[derive(Default)]
pub struct Limits {
    nodes: usize,
    aliased: usize,
}

impl Limits {
    pub fn node(&mut self, span: Span, depth: usize) -> Result<(), Problem> {
        if depth > MAX_DEPTH {
            return Err(too_deep(span));
        }
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return Err(too_large(span, &format!("more than {MAX_NODES} values")));
        }
        Ok(())
    }

    /// `nodes` and `bytes`: what the alias stands for.
    pub fn alias(&mut self, span: Span, nodes: usize, bytes: usize) -> Result<(), Problem> {
        self.nodes += nodes;
        self.aliased += bytes;
        if self.nodes > MAX_NODES {
            let what = format!("aliases that expand to more than {MAX_NODES} values");
            return Err(too_large(span, &what));
        }
        if self.aliased > MAX_ALIASED {
            let what = format!("aliases that expand to more than {} MiB", MAX_ALIASED >> 20);
            return Err(too_large(span, &what));
        }
        Ok(())
    }
}

pub fn too_deep(span: Span) -> Problem {
    too_large(span, &format!("values nested more than {MAX_DEPTH} deep"))
}

fn too_large(span: Span, what: &str) -> Problem {
    Problem::error("too-large", format!("the file has {what}")).at(span)
}
