//! Which server, and with which token: flags, environment, the official CLI's config, default.

use crate::admin::{Client, Settings};
use crate::cli::Connection;
use crate::code::Code;
use crate::error::Failure;
use crate::kind::deployment::address::is_this_machine;
use crate::problem::{Problem, nearest};
use crate::secret::{Masker, Value};
use crate::session::printer::Printer;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;

const DEFAULT_URL: &str = "http://127.0.0.1:9070";

/// # Errors
/// When the settings do not name a server, or would show a token to the network.
pub fn connect(args: &Connection, printer: &Printer) -> Result<Client, Failure> {
    if args.admin_url.is_none() && args.environment.is_some() && variable("RESTATE_ADMIN_URL").is_some() {
        printer.warn("`RESTATE_ADMIN_URL` is set, so `--environment` is not looked at");
    }
    let Place { url, token } = place(args)?;
    let uri: http::Uri = url.parse().map_err(|_| bad_url())?;
    let (Some(scheme @ ("http" | "https")), Some(host)) = (uri.scheme_str(), uri.host()) else {
        return Err(bad_url().into());
    };
    if uri
        .authority()
        .is_some_and(|authority| authority.as_str().contains('@'))
    {
        return Err(
            Problem::error(Code::AdminUrl, "the admin URL contains a user name or password")
                .help("use `RESTATE_AUTH_TOKEN`, or `--header` for a gateway")
                .into(),
        );
    }
    let is_loopback = is_this_machine(host.trim_start_matches('[').trim_end_matches(']'));
    let headers = args
        .header
        .iter()
        .map(|text| header(text))
        .collect::<Result<Vec<_>, _>>()?;
    let carries_secret = token.is_some() || !headers.is_empty();
    if carries_secret && scheme == "http" && !is_loopback && !args.insecure_http {
        return Err(Problem::error(Code::InsecureHttp, format!("the token or a header would be sent to {host} over plain http, for everyone on the way to read"))
            .help("use https, or `--insecure-http` if the network itself is trusted")
            .into());
    }
    let masker = Masker::default();
    for (_, value) in &headers {
        masker.learn(value);
    }
    let settings = Settings {
        url,
        token,
        headers,
        ca_certificates: certificates(args.ca_cert.as_ref())?,
        connect_timeout: args.connect_timeout.to_std(),
        timeout: args.timeout.to_std(),
        discovery_timeout: args.discovery_timeout.to_std(),
        is_loopback,
        trace: printer.trace(),
    };
    Ok(Client::new(settings, masker)?)
}

/// The address of the server, if the settings name one that can be used.
pub fn server(args: &Connection) -> Option<String> {
    place(args).ok().map(|place| place.url)
}

/// The problem of a URL that is none. It is not quoted, as it may hold a password.
fn bad_url() -> Problem {
    Problem::error(
        Code::AdminUrl,
        "what is given as the admin URL is not the address of an admin API",
    )
    .help("write it with its scheme, such as `http://127.0.0.1:9070`")
}

struct Place {
    url: String,
    token: Option<Value>,
}

fn place(args: &Connection) -> Result<Place, Problem> {
    let named = args.token_env.as_deref().map(token_from).transpose()?;
    if let Some(url) = &args.admin_url {
        // A token belongs to its server: the one in the environment is not sent to another.
        return Ok(Place {
            url: url.clone(),
            token: named,
        });
    }
    if let Some(url) = variable("RESTATE_ADMIN_URL") {
        let token = named.or_else(|| variable("RESTATE_AUTH_TOKEN").map(Value::sensitive));
        return Ok(Place { url, token });
    }
    let environment = args
        .environment
        .clone()
        .or_else(|| variable("RESTATE_ENVIRONMENT"));
    if let Some(name) = environment {
        let place = from_config(&name)?;
        return Ok(Place {
            token: named.or(place.token),
            ..place
        });
    }
    Ok(Place {
        url: DEFAULT_URL.to_owned(),
        token: named,
    })
}

pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn token_from(name: &str) -> Result<Value, Problem> {
    variable(name).map(Value::sensitive).ok_or_else(|| {
        Problem::error(
            Code::NoToken,
            format!("the environment variable `{name}`, named by `--token-env`, is not set"),
        )
    })
}

/// Reads `NAME=VALUE`, where the value may be `${env:X}`.
fn header(text: &str) -> Result<(http::HeaderName, Value), Problem> {
    let bad = |why: &str| {
        Problem::error(Code::BadHeader, format!("`--header`: {why}"))
            .help("write `--header 'NAME=${env:VARIABLE}'`")
    };
    let (name, value) = text.split_once('=').ok_or_else(|| bad("there is no `=`"))?;
    let name = name
        .trim()
        .parse()
        .map_err(|_| bad(&format!("`{name}` is not a header name")))?;
    let value = match value
        .strip_prefix("${env:")
        .and_then(|rest| rest.strip_suffix('}'))
    {
        Some(variable_name) => variable(variable_name)
            .ok_or_else(|| bad(&format!("the environment variable `{variable_name}` is not set")))?,
        None => value.to_owned(),
    };
    Ok((name, Value::sensitive(value)))
}

fn certificates(path: Option<&PathBuf>) -> Result<Vec<reqwest::Certificate>, Problem> {
    let Some(path) = path else { return Ok(Vec::new()) };
    let shown = path.display();
    let bad = |why: String| {
        Problem::error(
            Code::CaCert,
            format!("`{shown}` cannot be used as a certificate: {why}"),
        )
    };
    let bytes = std::fs::read(path).map_err(|error| bad(error.to_string()))?;
    let found = reqwest::Certificate::from_pem_bundle(&bytes).map_err(|error| bad(error.to_string()))?;
    if found.is_empty() {
        return Err(bad("it holds none in PEM form".to_owned()));
    }
    Ok(found)
}

/// The official CLI's config: one table per environment; `default` and `global` are its own.
#[derive(Deserialize)]
struct ConfigFile {
    #[serde(default)]
    global: Global,
    #[serde(flatten)]
    environments: BTreeMap<String, toml::Value>,
}

#[derive(Deserialize, Default)]
struct Global {
    #[serde(default)]
    cloud: GlobalCloud,
}

#[derive(Deserialize, Default)]
struct GlobalCloud {
    access_token: Option<String>,
}

#[derive(Deserialize)]
struct Environment {
    admin_base_url: Option<String>,
    bearer_token: Option<String>,
    environment_type: Option<String>,
}

fn config_path() -> Option<PathBuf> {
    if let Some(file) = variable("RESTATE_CLI_CONFIG") {
        return Some(PathBuf::from(file));
    }
    let home = variable("RESTATE_CLI_CONFIG_HOME").map(PathBuf::from);
    let home = home.or_else(|| variable("HOME").map(|home| PathBuf::from(home).join(".config/restate")));
    home.map(|home| home.join("config.toml"))
}

fn from_config(name: &str) -> Result<Place, Problem> {
    let path = config_path().unwrap_or_default();
    let shown = path.display();
    let bad = |why: String| {
        Problem::error(
            Code::CliConfig,
            format!("cannot take the environment `{name}` from `{shown}`: {why}"),
        )
    };
    // Known to the official CLI without being written anywhere.
    let local = || Place {
        url: DEFAULT_URL.to_owned(),
        token: None,
    };
    let text = match std::fs::read_to_string(&path) {
        Err(_) if name == "local" => return Ok(local()),
        text => text.map_err(|error| bad(error.to_string()))?,
    };
    // The message of the TOML error quotes the line, which may hold a token.
    let mut config: ConfigFile = toml::from_str(&text).map_err(|_| bad("it is not valid".to_owned()))?;
    let known = config
        .environments
        .keys()
        .filter(|key| *key != "default")
        .map(String::as_str)
        .collect::<Vec<_>>();
    let help = match nearest(name, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("it knows: `{}`", known.join("`, `")),
    };
    let table = config.environments.remove(name).filter(|_| name != "default");
    if table.is_none() && name == "local" {
        return Ok(local());
    }
    let table = table.ok_or_else(|| bad("there is no such environment".to_owned()).help(help))?;
    let environment: Environment = table.try_into().map_err(|_| bad("it is not valid".to_owned()))?;
    let is_cloud = environment.environment_type.as_deref() == Some("cloud");
    let login = config.global.cloud.access_token.filter(|_| is_cloud);
    Ok(Place {
        url: environment
            .admin_base_url
            .ok_or_else(|| bad("it has no `admin_base_url`".to_owned()))?,
        token: environment.bearer_token.or(login).map(Value::sensitive),
    })
}
