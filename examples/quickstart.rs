//! Boots a real Restate server and a real endpoint, and shows what restatectl does, command by
//! command. With `--keep`, server and endpoint stay up until Ctrl-C.

#![expect(clippy::print_stdout, reason = "an example talks to its reader")]

#[path = "../tests/it/sdk.rs"]
mod sdk;
#[expect(dead_code, reason = "the tests use all of it")]
#[path = "../tests/it/server.rs"]
mod server;

use sdk::SdkEndpoint;
use serde_json::json;
use server::{Profile, Server, VERSIONS};
use std::error::Error;
use std::path::PathBuf;
use std::process::Command;
use tempfile::TempDir;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// With this as its first argument, the example is restatectl: nothing has to be built a second time.
const AS_RESTATECTL: &str = "restatectl";

fn main() -> Outcome<()> {
    let mut args = std::env::args_os();
    if args.nth(1).is_some_and(|first| first == AS_RESTATECTL) {
        let program = std::iter::once(AS_RESTATECTL.into());
        std::process::exit(restatectl::cmd::main(program.chain(args)) as i32);
    }
    say("What restatectl does, on a real Restate server with a real endpoint.");
    let keep = std::env::args().any(|arg| arg == "--keep");
    let shell = Shell::open()?;
    let endpoint = SdkEndpoint::start();

    say("A desired-state file, as it would be kept in git. Greeter has an override.");
    shell.write(endpoint.url())?;

    say("What would change? Nothing is changed yet; the server dry-runs the registration.");
    shell.restatectl(&["plan"])?;
    say("Do it. On a terminal it would ask; `--yes` answers.");
    shell.restatectl(&["apply", "--yes"])?;
    say("Now there is nothing left to do.");
    shell.restatectl(&["plan"])?;

    say("Somebody makes Greeter public again behind its back.");
    shell.patch("/services/Greeter", &json!({ "public": true }))?;
    say("A plan finds it: here as a check that fails when there are changes.");
    shell.restatectl(&["plan", "--detailed-exitcode"])?;
    say("And an apply mends it.");
    shell.restatectl(&["apply", "--yes"])?;

    say(
        "A new version of the code, at a new address. To the server every registration resets all overrides.",
    );
    let newer = SdkEndpoint::start_edition(2);
    shell.write(newer.url())?;
    shell.restatectl(&["plan"])?;
    say("The override survives: it is put back in the same apply, and Greeter is private again at once.");
    shell.restatectl(&["apply", "--yes"])?;
    shell.get("/services/Greeter")?;

    if keep {
        return shell.hand_over();
    }
    say("What next?");
    println!("cargo run --example quickstart -- --keep    # the same, and the server stays up to play with");
    println!("cargo install --locked --path .             # restatectl for your own server:");
    println!("restatectl export --out restate.yaml        # a file of what is there");
    println!("restatectl plan                             # which plans to no changes; now edit it");
    Ok(())
}

fn say(text: &str) {
    println!("\n# {text}");
}

/// A directory with the file, a server, and the program to run.
struct Shell {
    dir: TempDir,
    server: Server,
    program: PathBuf,
    runtime: tokio::runtime::Runtime,
    http: reqwest::Client,
}

impl Shell {
    fn open() -> Outcome<Self> {
        let program = std::env::current_exe()?;
        say(&format!(
            "Booting Restate {} (fetched once from npm).",
            VERSIONS[0]
        ));
        let _ = rustls::crypto::ring::default_provider().install_default();
        Ok(Self {
            dir: tempfile::tempdir()?,
            server: Server::boot(VERSIONS[0], Profile::Full),
            program,
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?,
            http: reqwest::Client::builder().no_proxy().tls_certs_only([]).build()?,
        })
    }

    fn write(&self, uri: &str) -> Outcome<()> {
        let text = format!(
            "version: 1\n\ndeployments:\n  - uri: {uri}\n\nservices:\n  Greeter:\n    public: false\n    idempotency_retention: 7 days\n"
        );
        std::fs::write(self.dir.path().join("restate.yaml"), &text)?;
        println!("$ cat restate.yaml\n{text}");
        Ok(())
    }

    fn restatectl(&self, args: &[&str]) -> Outcome<()> {
        println!("$ restatectl {}", args.join(" "));
        let status = Command::new(&self.program)
            .arg(AS_RESTATECTL)
            .args(args)
            .current_dir(self.dir.path())
            .env("RESTATE_ADMIN_URL", self.server.admin_url())
            .status()?;
        let code = status.code().unwrap_or(-1);
        println!("(exit {code})");
        match code {
            0 | 2 => Ok(()),
            _ => Err("that was not meant to happen".into()),
        }
    }

    fn patch(&self, path: &str, body: &serde_json::Value) -> Outcome<()> {
        let url = format!("{}{path}", self.server.admin_url());
        println!("$ curl -X PATCH {url} --json '{body}'");
        let request = self.http.patch(url).json(body);
        let status = self
            .runtime
            .block_on(request.send())?
            .error_for_status()?
            .status();
        println!("({status})");
        Ok(())
    }

    fn get(&self, path: &str) -> Outcome<()> {
        let url = format!("{}{path}", self.server.admin_url());
        println!("$ curl {url} | jq '{{ revision, public, idempotency_retention }}'");
        let request = self.http.get(url);
        let service: serde_json::Value = self
            .runtime
            .block_on(async { request.send().await?.json().await })?;
        println!(
            "{{ \"revision\": {}, \"public\": {}, \"idempotency_retention\": {} }}",
            service["revision"], service["public"], service["idempotency_retention"]
        );
        Ok(())
    }

    fn hand_over(&self) -> Outcome<()> {
        say("Server and endpoint stay up. In another terminal:");
        println!("cd {}", self.dir.path().display());
        println!("export RESTATE_ADMIN_URL={}", self.server.admin_url());
        println!("alias restatectl='{} {AS_RESTATECTL}'", self.program.display());
        println!("restatectl plan      # edit restate.yaml, then plan and apply");
        println!(
            "curl {}/Counter/me/get   # call a service through the ingress",
            self.server.ingress_url()
        );
        say("Ctrl-C ends it.");
        self.runtime.block_on(tokio::signal::ctrl_c())?;
        Ok(())
    }
}
