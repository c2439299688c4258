//! The codes of everything that can be wrong. They are stable: scripts match on them, and
//! `restatectl explain CODE` says more about each, from `explain/codes.md`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Makes the enum, the list of all codes and their names out of one table.
macro_rules! codes {
    ($($code:ident = $name:literal,)*) => {
        /// What is wrong, in a word.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $($code,)*
        }

        impl Code {
            /// All codes, in the order of their names.
            pub const ALL: &[Self] = &[$(Self::$code,)*];

            /// The code as users see it.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$code => $name,)*
                }
            }
        }
    };
}

codes! {
    AdminTokenReference = "admin-token-reference",
    AdminUrl = "admin-url",
    AmbiguousName = "ambiguous-name",
    AmbiguousSubscription = "ambiguous-subscription",
    BadHeader = "bad-header",
    BadVariable = "bad-variable",
    Breaking = "breaking",
    BreakingUnsupported = "breaking-unsupported",
    CaCert = "ca-cert",
    CliConfig = "cli-config",
    ClusterNotChecked = "cluster-not-checked",
    ConflictingSetting = "conflicting-setting",
    ConnectionLost = "connection-lost",
    DeleteShare = "delete-share",
    DestroyWithoutStack = "destroy-without-stack",
    DoneAlready = "done-already",
    Draining = "draining",
    DryRunRefused = "dry-run-refused",
    DuplicateDeployment = "duplicate-deployment",
    DuplicateKey = "duplicate-key",
    DuplicateName = "duplicate-name",
    DuplicateService = "duplicate-service",
    DuplicateSubscription = "duplicate-subscription",
    EmptyFile = "empty-file",
    EmptyReference = "empty-reference",
    EmptyValue = "empty-value",
    EmptyWithoutPrune = "empty-without-prune",
    EndpointNotAllowed = "endpoint-not-allowed",
    EndpointUnreachable = "endpoint-unreachable",
    Expose = "expose",
    FileExists = "file-exists",
    FileReference = "file-reference",
    ForeignStack = "foreign-stack",
    GroupShared = "group-shared",
    HandlerInUse = "handler-in-use",
    IgnoredOption = "ignored-option",
    Ineffective = "ineffective",
    InsecureHttp = "insecure-http",
    Internal = "internal",
    Interrupted = "interrupted",
    InvalidArn = "invalid-arn",
    InvalidDuration = "invalid-duration",
    InvalidHeader = "invalid-header",
    InvalidJson = "invalid-json",
    InvalidKafkaOption = "invalid-kafka-option",
    InvalidKey = "invalid-key",
    InvalidReference = "invalid-reference",
    InvalidServiceName = "invalid-service-name",
    InvalidSink = "invalid-sink",
    InvalidSource = "invalid-source",
    InvalidStack = "invalid-stack",
    InvalidToml = "invalid-toml",
    InvalidUri = "invalid-uri",
    InvalidVariableName = "invalid-variable-name",
    InvalidYaml = "invalid-yaml",
    InvocationsUnknown = "invocations-unknown",
    IsADirectory = "is-a-directory",
    LastOfKind = "last-of-kind",
    LeftOut = "left-out",
    LocalhostEndpoint = "localhost-endpoint",
    MaxDeletes = "max-deletes",
    MergeKey = "merge-key",
    MetadataStale = "metadata-stale",
    MetadataUnsupported = "metadata-unsupported",
    MisplacedField = "misplaced-field",
    MissingField = "missing-field",
    MutableArn = "mutable-arn",
    NearAddress = "near-address",
    NoClusterName = "no-cluster-name",
    NoFile = "no-file",
    NoGroupId = "no-group-id",
    NoToken = "no-token",
    NotAWorkflow = "not-a-workflow",
    NotCompared = "not-compared",
    NotConfirmed = "not-confirmed",
    NotDesiredState = "not-desired-state",
    NotDiscovered = "not-discovered",
    NotRestate = "not-restate",
    NotText = "not-text",
    NotValidated = "not-validated",
    Offline = "offline",
    OtherTarget = "other-target",
    OverrideReset = "override-reset",
    Overwrite = "overwrite",
    PlanEdited = "plan-edited",
    PlanOtherFiles = "plan-other-files",
    PlanOtherTarget = "plan-other-target",
    PlanRefused = "plan-refused",
    PlanStale = "plan-stale",
    PlanUnreadable = "plan-unreadable",
    PlanVariable = "plan-variable",
    PlanVersion = "plan-version",
    Promote = "promote",
    Protected = "protected",
    RedactedOption = "redacted-option",
    RedactedValue = "redacted-value",
    ReferenceInKey = "reference-in-key",
    Regroup = "regroup",
    ReplaceNeedsGroupId = "replace-needs-group-id",
    ReservedMetadata = "reserved-metadata",
    ReservedServiceName = "reserved-service-name",
    SecretOverHttp = "secret-over-http",
    ServerError = "server-error",
    ServerTooNew = "server-too-new",
    ServerTooOld = "server-too-old",
    ServerUnreachable = "server-unreachable",
    ServicesMismatch = "services-mismatch",
    SeveralDocuments = "several-documents",
    SeveralFiles = "several-files",
    StackUnsupported = "stack-unsupported",
    StateStays = "state-stays",
    StillListed = "still-listed",
    Target = "target",
    TargetIncomplete = "target-incomplete",
    Tls = "tls",
    TokenRefused = "token-refused",
    TooLarge = "too-large",
    TrailingSlash = "trailing-slash",
    UndeclaredVariable = "undeclared-variable",
    UnknownField = "unknown-field",
    UnknownFormat = "unknown-format",
    UnknownKafkaCluster = "unknown-kafka-cluster",
    UnknownKafkaOption = "unknown-kafka-option",
    UnknownResend = "unknown-resend",
    UnknownService = "unknown-service",
    UnknownSink = "unknown-sink",
    UnknownStack = "unknown-stack",
    UnknownTarget = "unknown-target",
    UnknownValue = "unknown-value",
    Unmarked = "unmarked",
    UnreadableFile = "unreadable-file",
    UnsetEnvironmentVariable = "unset-environment-variable",
    UnusedAllow = "unused-allow",
    UnusedVariable = "unused-variable",
    UnwritableFile = "unwritable-file",
    UriAndArn = "uri-and-arn",
    UriQuery = "uri-query",
    UriUserinfo = "uri-userinfo",
    Usage = "usage",
    VariableWithoutValue = "variable-without-value",
    WarningsDenied = "warnings-denied",
    WrongType = "wrong-type",
    WrongVersion = "wrong-version",
    YamlTag = "yaml-tag",
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A code of `restatectl explain`. A document of a newer version may have codes that this one does
/// not know.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub struct CodeName(String);

impl CodeName {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<Code> for CodeName {
    fn from(code: Code) -> Self {
        Self(code.name().to_owned())
    }
}

impl PartialEq<Code> for CodeName {
    fn eq(&self, code: &Code) -> bool {
        self.0 == code.name()
    }
}

impl fmt::Display for CodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
