//! An error of reading typed values, which is a problem of the file.

use super::Span;
use crate::code::Code;
use crate::problem::{Problem, nearest};
use serde::de;
use std::fmt;

/// A problem on its way to the nearest place that records it; `None` once it is recorded.
#[derive(Debug)]
pub struct Error(pub Option<Box<Problem>>);

impl Error {
    pub fn new(problem: Problem) -> Self {
        Self(Some(Box::new(problem)))
    }
}

pub fn at_least(problem: Problem, span: Span) -> Problem {
    if problem.span.is_some() {
        problem
    } else {
        problem.at(span)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(problem) => f.write_str(&problem.message),
            None => f.write_str("reported"),
        }
    }
}

impl std::error::Error for Error {}

impl de::Error for Error {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(Problem::error(Code::WrongType, message.to_string()))
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        let problem = Problem::error(
            Code::UnknownValue,
            format!("`{variant}` is not one of the values allowed here"),
        );
        let all = expected.join("`, `");
        Self::new(problem.help(match nearest(variant, expected.iter().copied()) {
            Some(near) => format!("did you mean `{near}`? Allowed: `{all}`"),
            None => format!("allowed: `{all}`"),
        }))
    }
}
