//! Which server, with which token, and why: flags, environment, the official CLI's config, default.

use crate::cli::Connection;
use crate::code::Code;
use crate::problem::{Problem, nearest};
use crate::secret::Value;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const DEFAULT_URL: &str = "http://127.0.0.1:9070";
const ADMIN_PORT: u16 = 9070;

/// A server, and what names it.
pub struct Place {
    pub url: String,
    pub token: Option<Value>,
    /// What names the address, in words.
    pub why: String,
}

/// The first that is there of: flags, the two pairs of variables, an environment of the official CLI, the
/// default.
///
/// # Errors
/// When what would name it cannot be used.
pub fn place(args: &Connection) -> Result<Place, Problem> {
    let named = args.token_env.as_deref().map(token_from).transpose()?;
    if let Some(url) = &args.admin_url {
        // A token belongs to its server: the one in the environment is not sent to another.
        return Ok(Place {
            url: url.clone(),
            token: named,
            why: "given by `--admin-url`".to_owned(),
        });
    }
    let token = |named: Option<Value>| match named {
        Some(named) => Ok(Some(named)),
        None => Ok(variable("RESTATE_AUTH_TOKEN")?.map(Value::sensitive)),
    };
    if let Some(url) = variable("RESTATE_ADMIN_URL")? {
        return Ok(Place {
            url,
            token: token(named)?,
            why: "given by `RESTATE_ADMIN_URL`".to_owned(),
        });
    }
    if let Some(host) = variable("RESTATE_HOST")? {
        let scheme = variable("RESTATE_HOST_SCHEME")?.unwrap_or_else(|| "http".to_owned());
        return Ok(Place {
            url: format!("{scheme}://{host}:{ADMIN_PORT}"),
            token: token(named)?,
            why: "given by `RESTATE_HOST`".to_owned(),
        });
    }
    if let Some((name, by)) = environment(args)? {
        let place = from_config(&name)?;
        return Ok(Place {
            token: named.or(place.token),
            why: format!("that of the environment `{name}`, {by}"),
            ..place
        });
    }
    Ok(Place {
        url: DEFAULT_URL.to_owned(),
        token: named,
        why: "the default, as nothing names another".to_owned(),
    })
}

/// The environment of the official CLI, and what names it.
fn environment(args: &Connection) -> Result<Option<(String, String)>, Problem> {
    if let Some(name) = &args.environment {
        return Ok(Some((name.clone(), "given by `--environment`".to_owned())));
    }
    if let Some(name) = variable("RESTATE_ENVIRONMENT")? {
        return Ok(Some((name, "given by `RESTATE_ENVIRONMENT`".to_owned())));
    }
    // What `restate config use-environment` leaves.
    let Some(file) = config_home()?.map(|home| home.join("environment")) else {
        return Ok(None);
    };
    let Ok(text) = std::fs::read_to_string(&file) else {
        return Ok(None);
    };
    let name = text.trim();
    let by = format!("chosen in `{}`", file.display());
    Ok((!name.is_empty()).then(|| (name.to_owned(), by)))
}

/// The value of a variable; `None` when it is not set.
///
/// # Errors
/// When it is set to nothing, or to a value with white space around it: neither is ever meant.
pub fn variable(name: &str) -> Result<Option<String>, Problem> {
    let Some(value) = std::env::var_os(name) else {
        return Ok(None);
    };
    let bad = |what: &str, help: &str| {
        let message = format!("the environment variable `{name}` {what}");
        Err(Problem::error(Code::BadVariable, message).help(help))
    };
    let Ok(value) = value.into_string() else {
        return bad("is not UTF-8 text", "set it anew");
    };
    if value.is_empty() {
        let help = "unset it, or give it a value; a secret that a CI job may not see is empty there";
        return bad("is set, but empty", help);
    }
    if value.trim() != value {
        let help = "set it without; a secret that was copied with its line end has one at its end";
        return bad("has white space at an end", help);
    }
    Ok(Some(value))
}

fn token_from(name: &str) -> Result<Value, Problem> {
    variable(name)?.map(Value::sensitive).ok_or_else(|| {
        Problem::error(
            Code::NoToken,
            format!("the environment variable `{name}`, named by `--token-env`, is not set"),
        )
    })
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

fn config_home() -> Result<Option<PathBuf>, Problem> {
    if let Some(home) = variable("RESTATE_CLI_CONFIG_HOME")? {
        return Ok(Some(PathBuf::from(home)));
    }
    let home = std::env::var_os("HOME").filter(|home| !home.is_empty());
    Ok(home.map(|home| Path::new(&home).join(".config/restate")))
}

fn config_path() -> Result<PathBuf, Problem> {
    if let Some(file) = variable("RESTATE_CLI_CONFIG")? {
        return Ok(PathBuf::from(file));
    }
    Ok(config_home()?.unwrap_or_default().join("config.toml"))
}

fn from_config(name: &str) -> Result<Place, Problem> {
    let path = config_path()?;
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
        why: String::new(),
    };
    let text = match std::fs::read_to_string(&path) {
        Err(_) if name == "local" => return Ok(local()),
        text => text.map_err(|error| {
            let help =
                "the official CLI writes it: `restate config edit`; or name the server with `--admin-url`";
            bad(error.to_string()).help(help)
        })?,
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
        why: String::new(),
    })
}
