//! Whose resources these are, what becomes of those that no file lists, and how much may be lost.

use super::Duration;
use super::service::duration;
use crate::config::{self, DeploymentPolicy, SubscriptionPolicy};
use crate::problem::{Problem, Problems};
use crate::source::{Read, Spanned, Text};

/// The key in a deployment's metadata that says which stack it belongs to.
pub const STACK_MARK: &str = "restatectl.stack";

/// What happens to live resources that no file lists.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Prune {
    pub deployments: PruneDeployments,
    pub subscriptions: SubscriptionPolicy,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PruneDeployments {
    pub policy: DeploymentPolicy,
    /// How many drained ones of each service stay, for a rollback.
    pub keep: usize,
    /// How long another one must have served the services.
    pub after: Duration,
}

impl Default for PruneDeployments {
    fn default() -> Self {
        Self {
            policy: DeploymentPolicy::Keep,
            keep: 1,
            after: Duration::from_secs(300),
        }
    }
}

impl Prune {
    pub fn build(read: config::Prune, problems: &mut Problems) -> Self {
        let config::Prune {
            deployments,
            subscriptions,
        } = read;
        let default = PruneDeployments::default();
        let deployments = deployments.and_then(Read::ok).map_or(default, |read| {
            let config::PruneDeployments { policy, keep, after } = read.value;
            PruneDeployments {
                policy: policy.and_then(Read::ok).map_or(default.policy, |p| p.value),
                keep: keep
                    .and_then(Read::ok)
                    .and_then(|keep| usize::try_from(keep.value).ok())
                    .unwrap_or(default.keep),
                after: duration(after, problems).map_or(default.after, |after| after.value),
            }
        });
        Self {
            deployments,
            subscriptions: subscriptions
                .and_then(Read::ok)
                .map_or_else(Default::default, |p| p.value),
        }
    }
}

/// How many deletions a plan may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Safety {
    pub max_deletes: u64,
}

impl Default for Safety {
    fn default() -> Self {
        Self { max_deletes: 10 }
    }
}

impl Safety {
    pub fn build(read: config::Safety) -> Self {
        let config::Safety { max_deletes } = read;
        let max_deletes = max_deletes.and_then(Read::ok);
        max_deletes.map_or_else(Self::default, |max| Self {
            max_deletes: max.value,
        })
    }
}

/// A name that can be a value of metadata, and of `--allow take-over=NAME`.
pub fn stack(read: Read<Text>, problems: &mut Problems) -> Option<Spanned<String>> {
    let stack = read.ok()?;
    let name = stack.value.as_str();
    let is_name = (1..=64).contains(&name.len())
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
    if !is_name {
        problems.push(
            Problem::error(
                "invalid-stack",
                format!("`{}` is not the name of a stack", stack.value.quote()),
            )
            .at(stack.span)
            .help("a stack's name has up to 64 letters, digits, `.`, `_` and `-`"),
        );
    }
    is_name.then(|| stack.map(Text::into_string))
}

/// A setting that several files may have if they agree on it.
pub fn agreed<T: PartialEq>(
    settings: Vec<Spanned<T>>,
    name: &str,
    problems: &mut Problems,
) -> Option<Spanned<T>> {
    let mut settings = settings.into_iter();
    let first = settings.next()?;
    for other in settings.filter(|other| other.value != first.value) {
        problems.push(
            Problem::error(
                "conflicting-setting",
                format!("`{name}` is written twice, and not the same"),
            )
            .at(other.span)
            .related(first.span, "first written here")
            .help("several files are one desired state: keep one of them"),
        );
    }
    Some(first)
}
