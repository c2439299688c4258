//! A deployment as the file writes it.

use crate::kind::words::consents;
use crate::source::{Map, Read, Text};
use schemars::JsonSchema;
use serde::Deserialize;

/// One deployment: an address that serves services. Exactly one of `uri` and `arn`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend(
    "oneOf" = [{ "required": ["uri"] }, { "required": ["arn"] }],
    "dependentRequired" = { "assume_role_arn": ["arn"], "use_http_11": ["uri"] }
))]
pub struct Deployment {
    /// A local handle for messages. It is not sent to the server.
    pub name: Option<Read<Text>>,

    /// The address of an HTTP endpoint. The server knows it by host, port and path; a trailing
    /// slash is significant.
    #[schemars(
        regex(pattern = r"^[Hh][Tt][Tt][Pp][Ss]?://([^/?#@\s]|\$\{[^}]*\})+(/([^@\s]|\$\{[^}]*\})*)?$"),
        extend("examples" = ["http://checkout:9080", "https://checkout-${var:tag}.internal:9080"])
    )]
    pub uri: Option<Read<Text>>,

    /// The ARN of an AWS Lambda function, with its version or alias.
    #[schemars(
        regex(pattern = r"^arn:[^:]+:lambda:[^:]+:[^:]+:function:[^:]+:[^:]+$"),
        extend("examples" = ["arn:aws:lambda:eu-central-1:123456789012:function:mailer:7"])
    )]
    pub arn: Option<Read<Text>>,

    /// The role to assume when invoking the function. Only with `arn`.
    #[schemars(
        regex(pattern = r"^arn:[^:]+:iam::[^:]+:role/"),
        extend("examples" = ["arn:aws:iam::123456789012:role/restate"])
    )]
    pub assume_role_arn: Option<Read<Text>>,

    /// Headers that the server adds to every request it makes to the endpoint. Written = the whole
    /// map: a header that is not listed is removed. The values are never shown.
    #[schemars(extend(
        "propertyNames" = { "pattern": "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$" },
        "examples" = [{ "authorization": "Bearer ${env:CHECKOUT_TOKEN}" }]
    ))]
    pub additional_headers: Option<Read<Map<Text>>>,

    /// Talk HTTP/1.1 to the endpoint. Only with `uri`.
    pub use_http_11: Option<Read<bool>>,

    /// Written when the deployment is registered, and never compared afterwards: no server can
    /// change it without registering again. Needs Restate 1.6.
    #[schemars(extend("examples" = [{ "git.commit.sha": "${env:GITHUB_SHA:-dev}" }]))]
    pub metadata: Option<Read<Map<Text>>>,

    /// Exactly the services that the endpoint must expose. Checked against the server's dry run.
    #[schemars(extend("examples" = [["Cart", "Checkout"]]))]
    pub services: Option<Read<Vec<Read<Text>>>>,

    /// Consent to what is refused otherwise.
    #[schemars(transform = deployment_consents)]
    pub allow: Option<Read<Vec<Read<Text>>>>,

    /// No plan is accepted that overwrites it, promotes another over it or deletes it.
    pub protected: Option<Read<bool>>,
}

/// What a deployment's entry can consent to, and what that means.
pub const DEPLOYMENT_CONSENTS: [(&str, &str); 4] = [
    (
        "breaking",
        "Service types change, or callers lose handlers or services.",
    ),
    ("overwrite", "The endpoint serves other code than is registered."),
    ("promote", "A registered deployment becomes the latest again."),
    ("expose", "A private service becomes public."),
];


fn deployment_consents(schema: &mut schemars::Schema) {
    consents(schema, &DEPLOYMENT_CONSENTS);
}
