//! The kinds of resources, a folder each. Everything that is asked of every kind in the same way is
//! asked through [`words::Words`], for what a kind is called, and [`rules::Rules`], for what it does.
//!
//! The files of a kind have the names of the stages that they belong to: `file`, `desired`, `check`,
//! `live`, `diff`, `export`, `apply`. A stage uses those above it, of its own kind and of the program.

mod key;
pub mod redacted;
pub mod rules;
pub mod words;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::ops::{Index, IndexMut};
use words::Words;

pub use key::{Key, SubscriptionKey};

/// The registry: a line for each kind, in the order in which resources are created. Deletions go
/// the other way.
macro_rules! kinds {
    ($($kind:ident = $folder:ident,)*) => {
        $(pub mod $folder;)*

        /// What a resource is.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum Kind {
            $($kind,)*
        }

        impl Kind {
            pub const ALL: &[Self] = &[$(Self::$kind,)*];

            pub const fn words(self) -> &'static Words {
                match self {
                    $(Self::$kind => &$folder::words::WORDS,)*
                }
            }

            /// What the kind does, beside what it is called.
            pub const fn rules(self) -> &'static dyn rules::Rules {
                match self {
                    $(Self::$kind => &$folder::rules::Rules,)*
                }
            }
        }
    };
}

kinds! {
    Deployment = deployment,
    Service = service,
    Subscription = subscription,
}

impl Kind {
    /// The name of the kind, as in `deployment/KEY` and in JSON.
    pub const fn name(self) -> &'static str {
        self.words().name
    }

    /// The kind that has this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.name() == name)
    }

    /// The kind that this section of the file lists.
    pub fn of_section(section: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|kind| kind.words().section == section)
    }
}

/// One of something for each kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PerKind<T>([T; Kind::ALL.len()]);

impl<T> PerKind<T> {
    pub fn from_fn(mut of: impl FnMut(Kind) -> T) -> Self {
        Self(std::array::from_fn(|at| of(Kind::ALL[at])))
    }
}

impl<T> Index<Kind> for PerKind<T> {
    type Output = T;

    fn index(&self, kind: Kind) -> &T {
        &self.0[kind as usize]
    }
}

impl<T> IndexMut<Kind> for PerKind<T> {
    fn index_mut(&mut self, kind: Kind) -> &mut T {
        &mut self.0[kind as usize]
    }
}
