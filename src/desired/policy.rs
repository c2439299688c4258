//! What becomes of resources that no file lists, and how much may be lost.

use crate::code::Code;
use crate::config::{self, DeploymentPolicy, SubscriptionPolicy};
use crate::duration::{self, Duration};
use crate::kind::Kind;
use crate::problem::{Problem, Problems};
use crate::source::{Read, Spanned};

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
    /// How long another deployment must have served the services.
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
                after: duration::read(after, problems).map_or(default.after, |after| after.value),
            }
        });
        Self {
            deployments,
            subscriptions: subscriptions
                .and_then(Read::ok)
                .map_or_else(Default::default, |p| p.value),
        }
    }

    /// Whether what no file lists stays.
    pub fn keeps(&self, kind: Kind) -> bool {
        match kind {
            Kind::Deployment => self.deployments.policy == DeploymentPolicy::Keep,
            Kind::Subscription => self.subscriptions == SubscriptionPolicy::Keep,
            // They come and go with deployments.
            Kind::Service => true,
        }
    }

    /// The policy for what is to go altogether: nothing is kept, not for a rollback either.
    #[must_use]
    pub fn of_everything(self) -> Self {
        let Self {
            deployments:
                PruneDeployments {
                    policy,
                    keep: _,
                    after,
                },
            subscriptions: _,
        } = self;
        Self {
            deployments: PruneDeployments {
                policy: match policy {
                    DeploymentPolicy::Keep => DeploymentPolicy::Drained,
                    policy => policy,
                },
                keep: 0,
                after,
            },
            subscriptions: SubscriptionPolicy::Delete,
        }
    }

    /// The policy for a single resource that is to go: only its kind is looked at.
    #[must_use]
    pub fn only(self, only: Kind) -> Self {
        let Self {
            mut deployments,
            mut subscriptions,
        } = self;
        if only != Kind::Deployment {
            deployments.policy = DeploymentPolicy::Keep;
        }
        if only != Kind::Subscription {
            subscriptions = SubscriptionPolicy::Keep;
        }
        Self {
            deployments,
            subscriptions,
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
                Code::ConflictingSetting,
                format!("`{name}` is written twice, and not the same"),
            )
            .at(other.span)
            .related(first.span, "first written here")
            .help("several files are one desired state: keep one of them"),
        );
    }
    Some(first)
}
