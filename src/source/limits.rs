//! How large a file may be. A desired state is far below all of it; what is above is broken or
//! hostile.

use super::Span;
use crate::code::Code;
use crate::problem::Problem;

const MAX_NODES: usize = 1_000_000;
/// How deep values may nest. The format itself nests six deep.
const MAX_DEPTH: usize = 64;
/// Anchors and aliases can make a small file expand without end. What they copy may be as large as
/// the file is, in values, and this many times as large in bytes.
const MAX_GROWTH: usize = 16;
/// How many values aliases may copy in any file, however small.
const FEW_NODES: usize = 10_000;
const FEW_BYTES: usize = 1 << 20;

/// Counts what one file has.
pub struct Limits {
    size: usize,
    nodes: usize,
    copied_nodes: usize,
    copied_bytes: usize,
}

impl Limits {
    /// The limits of a file of `size` bytes.
    pub fn new(size: usize) -> Self {
        Self {
            size,
            nodes: 0,
            copied_nodes: 0,
            copied_bytes: 0,
        }
    }

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

    /// `nodes` and `bytes`: what an anchor remembers, or an alias stands for.
    pub fn copy(&mut self, span: Span, nodes: usize, bytes: usize) -> Result<(), Problem> {
        self.copied_nodes += nodes;
        self.copied_bytes += bytes;
        let most = (FEW_NODES + self.size).min(MAX_NODES);
        if self.copied_nodes > most {
            let what = format!("anchors and aliases that stand for more than {most} values");
            return Err(too_large(span, &what));
        }
        if self.copied_bytes > FEW_BYTES + MAX_GROWTH * self.size {
            let what = format!("anchors and aliases that stand for more than {MAX_GROWTH} times its size");
            return Err(too_large(span, &what));
        }
        Ok(())
    }
}

pub fn too_deep(span: Span) -> Problem {
    too_large(span, &format!("values nested more than {MAX_DEPTH} deep"))
}

fn too_large(span: Span, what: &str) -> Problem {
    Problem::error(Code::TooLarge, format!("the file has {what}")).at(span)
}
