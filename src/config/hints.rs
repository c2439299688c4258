//! What people write who know the SDKs, the official CLI or the Admin API's other bodies, and what
//! it is called here. The server would silently ignore all of it [S:all].

const NOT_YET: &str = "this version of restatectl does not manage it yet";

/// The help for a field that `of`, the name of a struct of this module's, does not have.
pub fn hint(of: &str, field: &str) -> Option<&'static str> {
    let field: String = field
        .chars()
        .filter(|c| !matches!(c, '_' | '-' | '.'))
        .flat_map(char::to_lowercase)
        .collect();
    Some(match (of, field.as_str()) {
        (
            "File",
            "stack" | "target" | "kafkaclusters" | "kafka" | "clusters" | "rules" | "state" | "prune"
            | "safety",
        )
        | (_, "protected") => NOT_YET,
        ("File", "deployment") => "did you mean `deployments`?",
        ("File", "service" | "overrides") => "did you mean `services`?",
        ("File", "vars" | "params" | "parameters" | "values") => "did you mean `variables`?",

        ("Deployment", "url" | "endpoint" | "address") => "did you mean `uri`?",
        ("Deployment", "lambda" | "lambdaarn" | "functionarn") => "did you mean `arn`?",
        ("Deployment", "headers") => "did you mean `additional_headers`?",
        ("Deployment", "role" | "rolearn" | "assumerole") => "did you mean `assume_role_arn`?",
        ("Deployment", "usehttp11" | "http11" | "usehttp1") => "did you mean `use_http_11`?",
        ("Deployment", "force") => {
            "a registration is never forced: what force was needed for is `allow: [breaking]`, `[overwrite]` or `[promote]`"
        }
        ("Deployment", "breaking" | "overwrite" | "promote") => "consent is written as `allow: [WHAT]`",
        ("Deployment", "dryrun") => "every plan is a dry run: `restatectl plan`",

        ("Service", "ingressprivate") => {
            "the SDK's `ingressPrivate` is the opposite of `public`: for `ingressPrivate: true` write `public: false`"
        }
        ("Service", "private") => "write `public: false` for a private service",
        ("Service", "workflowretention" | "workflowcompletionretention" | "completionretention") => {
            "did you mean `workflow_completion_retention`?"
        }
        ("Service", "retrypolicy" | "invocationretrypolicy" | "retry" | "maxattempts") => {
            "the Admin API cannot change the retry policy of a service: declare it with the SDK"
        }
        ("Service", "enablelazystate" | "lazystate") => {
            "the Admin API cannot change it: declare it with the SDK"
        }
        ("Service", "handlers") => {
            "the Admin API has options for services only: declare those of a handler with the SDK"
        }
        ("Service", "type" | "ty" | "revision" | "deploymentid") => {
            "the endpoint decides it: a service exists only through a deployment"
        }

        ("Subscription", "topic" | "from" | "cluster") => "write `source: kafka://CLUSTER/TOPIC`",
        ("Subscription", "handler" | "to" | "service" | "target") => {
            "write `sink: service://SERVICE/HANDLER`"
        }
        ("Subscription", "groupid" | "consumergroup" | "group") => {
            "it is an option: `options: { group.id: … }`"
        }
        ("Subscription", "autooffsetreset") => "it is an option: `options: { auto.offset.reset: … }`",
        ("Subscription", "properties" | "config" | "metadata") => "did you mean `options`?",
        ("Deployment" | "Service" | "Subscription", "id") => {
            "the server makes ids up; what is listed here is known by its address, name, or source and sink"
        }
        _ => return None,
    })
}
