//! Arguments that may be anything, with the words that a shell offers for them.

use crate::code::Code;
use crate::consent::CommandConsent;
use clap::builder::{PossibleValue, TypedValueParser};
use clap::{Arg, Command, Error};
use std::ffi::OsStr;

/// Reads an argument with a function of its own, and tells shells what to offer.
#[derive(Clone)]
pub struct Suggested<T> {
    words: &'static [&'static str],
    parse: fn(&str) -> Result<T, String>,
}

impl<T: Clone + Send + Sync + 'static> TypedValueParser for Suggested<T> {
    type Value = T;

    fn parse_ref(&self, command: &Command, arg: Option<&Arg>, value: &OsStr) -> Result<T, Error> {
        self.parse.parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(self.words.iter().copied().map(PossibleValue::new)))
    }
}

/// A consent for one run.
pub fn consent() -> Suggested<CommandConsent> {
    Suggested {
        words: &[
            "breaking",
            "overwrite",
            "promote",
            "expose",
            "regroup",
            "take-over=",
            "deletes=",
        ],
        parse: CommandConsent::parse,
    }
}

/// The code of a problem; one that is misspelled is for the verb to tell.
pub fn code() -> Suggested<String> {
    const NAMES: [&str; Code::ALL.len()] = {
        let mut names = [""; Code::ALL.len()];
        let mut at = 0;
        while at < names.len() {
            names[at] = Code::ALL[at].name();
            at += 1;
        }
        names
    };
    Suggested {
        words: &NAMES,
        parse: |text| Ok(text.to_owned()),
    }
}
