use super::{Consent, Duration, consent, is_true};
use crate::config;
use crate::problem::{Problem, Problems};
use crate::source::{Read, Span, Spanned, Text};

/// What a service's name looks like, in words that go into a help text.
pub const SERVICE_NAME: &str = "letters, digits, `.`, `_` and `-`, starting with a letter";

/// The overrides that one service should have.
#[derive(Debug)]
pub struct Service {
    pub name: Spanned<String>,
    pub public: Option<Spanned<bool>>,
    pub idempotency_retention: Option<Spanned<Duration>>,
    pub journal_retention: Option<Spanned<Duration>>,
    pub inactivity_timeout: Option<Spanned<Duration>>,
    pub abort_timeout: Option<Spanned<Duration>>,
    pub workflow_completion_retention: Option<Spanned<Duration>>,
    pub allow: Vec<Spanned<Consent>>,
    pub is_protected: bool,
}

impl Service {
    pub fn build(
        name: Spanned<String>,
        entry: Spanned<Box<config::Service>>,
        problems: &mut Problems,
    ) -> Option<Self> {
        let config::Service {
            public,
            idempotency_retention,
            journal_retention,
            inactivity_timeout,
            abort_timeout,
            workflow_completion_retention,
            allow,
            protected,
        } = *entry.value;
        let valid = check_service_name(&name.value, &name.value, name.span, problems);
        let service = Self {
            name,
            public: public.and_then(Read::ok),
            idempotency_retention: duration(idempotency_retention, problems),
            journal_retention: duration(journal_retention, problems),
            inactivity_timeout: duration(inactivity_timeout, problems),
            abort_timeout: duration(abort_timeout, problems),
            workflow_completion_retention: duration(workflow_completion_retention, problems),
            allow: consent::build(allow, &config::SERVICE_CONSENTS, problems),
            is_protected: is_true(protected),
        };
        valid.then_some(service)
    }
}

pub(super) fn duration(read: Option<Read<Text>>, problems: &mut Problems) -> Option<Spanned<Duration>> {
    let text = read.and_then(Read::ok)?;
    match Duration::parse(text.value.as_str()) {
        Ok(duration) => Some(Spanned::new(duration, text.span)),
        Err(help) => {
            // The help may repeat the value.
            let help = if text.value.is_filled() {
                "the value must be a duration such as `90s`, `1h 30m`, `7 days` or `PT2M`".to_owned()
            } else {
                help
            };
            problems.push(
                Problem::error(
                    "invalid-duration",
                    format!("`{}` is not a duration", text.value.quote()),
                )
                .at(text.span)
                .help(help),
            );
            None
        }
    }
}

/// `^([a-zA-Z]|_[a-zA-Z0-9])[a-zA-Z0-9._-]*$`, not reserved: what the server accepts at discovery.
/// `shown`: what the name stands in, for messages.
pub(super) fn check_service_name(name: &str, shown: &str, span: Span, problems: &mut Problems) -> bool {
    let problem = if !is_name(name, "._-") {
        Problem::error(
            "invalid-service-name",
            format!("`{shown}` is not the name of a service"),
        )
        .help(format!("a service name has {SERVICE_NAME}"))
    } else if name.to_lowercase().starts_with("restate") || name.eq_ignore_ascii_case("openapi") {
        Problem::error(
            "reserved-service-name",
            format!("`{shown}` is reserved as the name of a service"),
        )
        .help("names that start with `restate`, and `openapi`, belong to the server")
    } else {
        return true;
    };
    problems.push(problem.at(span));
    false
}

/// Letters and digits, plus `extra`, starting with a letter or with `_` and a letter or digit.
pub(super) fn is_name(name: &str, extra: &str) -> bool {
    let mut chars = name.chars();
    let start = match chars.next() {
        Some('_') => chars.next().is_some_and(|c| c.is_ascii_alphanumeric()),
        Some(c) => c.is_ascii_alphabetic(),
        None => false,
    };
    start && chars.all(|c| c.is_ascii_alphanumeric() || c == '_' || extra.contains(c))
}
