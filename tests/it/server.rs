//! Real Restate servers: fetched once, booted on free loopback ports, and never left behind.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};
use std::{env, thread};

use serde_json::{Map, Value};
use tempfile::TempDir;

/// Newest first.
pub const VERSIONS: [&str; 3] = ["1.7.12", "1.6.2", "1.5.3"];

/// Path of a `restate-server` to run in place of the fetched `VERSIONS[0]`. The older versions are
/// always fetched, as one binary cannot stand in for several.
const BINARY_OVERRIDE: &str = "RESTATE_SERVER_BIN";

const BOOT_TIMEOUT: Duration = Duration::from_secs(30);
const STOP_TIMEOUT: Duration = Duration::from_secs(10);
const POLL_INTERVAL: Duration = Duration::from_millis(20);
const BOOT_ATTEMPTS: usize = 5;
const LOG_TAIL_LINES: usize = 60;

/// Becomes the server, and leaves behind a watchdog at the other end of the pipe on standard input.
/// A line tells the watchdog to stand down. End of file says that the test process is gone, however
/// it went: then the watchdog ends the server and removes its directory (`$0`). It ignores hang-ups,
/// which the kernel sends to a group with a paused member when the last process outside is gone.
const LAUNCHER: &str = r#"
exec 3<&0 </dev/null
{ trap '' HUP; read -r line <&3 || { kill -9 $$; sleep 1; rm -rf -- "$0"; } } &
exec 3<&-
exec "$@"
"#;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// Registers and serves the Admin API, but runs nothing: no invocations, `/query` or Kafka
    /// consumers. Consumers that cannot reach their broker slow down the whole Admin API.
    AdminOnly,
    /// All default roles.
    Full,
}

/// A running server, ended on drop.
pub struct Server {
    profile: Profile,
    binary: PathBuf,
    admin_port: u16,
    ingress_port: u16,
    admin_url: String,
    ingress_url: String,
    cluster_name: String,
    home: TempDir,
    process: Option<Child>,
}

impl Server {
    pub fn boot(version: &str, profile: Profile) -> Server {
        Server::boot_with(version, profile, "")
    }

    /// `extra_toml` is merged into the configuration: tables key by key, anything else replaces.
    pub fn boot_with(version: &str, profile: Profile, extra_toml: &str) -> Server {
        let binary = binary(version);
        for _ in 0..BOOT_ATTEMPTS {
            let mut server = Server::prepare(binary.clone(), profile, extra_toml);
            match server.launch() {
                Ok(()) => return server,
                Err(BootError::PortTaken) => {}
                Err(BootError::Failed(reason)) => panic!("restate-server {version} {reason}"),
            }
        }
        panic!("restate-server {version}: no free ports in {BOOT_ATTEMPTS} attempts");
    }

    pub fn admin_url(&self) -> &str {
        &self.admin_url
    }

    /// The socket of the admin API, in the only node's directory.
    pub fn admin_socket(&self) -> PathBuf {
        let nodes = fs::read_dir(self.home.path().join("data")).expect("the server's data");
        let mut sockets = nodes.flatten().map(|node| node.path().join("admin.sock"));
        sockets.find(|socket| socket.exists()).expect("a socket")
    }

    pub fn ingress_url(&self) -> &str {
        &self.ingress_url
    }

    pub fn cluster_name(&self) -> &str {
        &self.cluster_name
    }

    /// Everything the server has written to its log so far.
    pub fn log(&self) -> String {
        fs::read(self.log_path())
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    /// Shuts the server down in good order.
    pub fn stop(mut self) {
        self.terminate();
    }

    /// Ends the server without giving it a chance to clean up.
    pub fn kill9(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().expect("the server can be killed");
            stand_watchdog_down(&mut process);
            process.wait().expect("a killed server ends");
        }
    }

    /// Boots the server again with the same ports and data, stopping it first if it still runs.
    pub fn restart(&mut self) {
        self.terminate();
        match self.launch() {
            Ok(()) => {}
            Err(BootError::PortTaken) => panic!("another process took {}", self.admin_url),
            Err(BootError::Failed(reason)) => panic!("restarted restate-server {reason}"),
        }
    }

    /// Freezes the server: connections are still accepted by the kernel, but nothing answers.
    pub fn pause(&self) {
        self.signal("STOP");
    }

    pub fn resume(&self) {
        self.signal("CONT");
    }

    fn prepare(binary: PathBuf, profile: Profile, extra_toml: &str) -> Server {
        let home = TempDir::with_prefix("restate-server-").expect("a temporary directory");
        let ports = free_ports();
        let [_, admin_port, ingress_port] = ports;
        let mut config = base_config(home.path(), ports, profile);
        merge(&mut config, toml_table(extra_toml));
        let cluster_name = config["cluster-name"].as_str().expect("a string").to_owned();
        fs::write(home.path().join("restate.toml"), to_toml(&config)).expect("config is written");
        Server {
            profile,
            binary,
            admin_url: format!("http://127.0.0.1:{admin_port}"),
            ingress_url: format!("http://127.0.0.1:{ingress_port}"),
            admin_port,
            ingress_port,
            cluster_name,
            home,
            process: None,
        }
    }

    fn launch(&mut self) -> Result<(), BootError> {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.log_path())
            .expect("the log can be written");
        let process = Command::new("sh")
            .args(["-c", LAUNCHER])
            .arg(self.home.path())
            .arg(&self.binary)
            .arg("--config-file")
            .arg(self.home.path().join("restate.toml"))
            // `RESTATE_*` variables would override the configuration, and a proxy variable would
            // send discovery elsewhere.
            .env_clear()
            .env("PATH", env::var_os("PATH").unwrap_or_default())
            // Without this a Lambda ARN makes the server ask the instance metadata address.
            .env("AWS_EC2_METADATA_DISABLED", "true")
            // Ctrl-C is for the test alone: the watchdog has to outlive it.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(log.try_clone().expect("the log handle can be shared"))
            .stderr(log)
            .spawn()
            .expect("`sh` can be run");
        self.process = Some(process);
        self.await_ready()
    }

    fn await_ready(&mut self) -> Result<(), BootError> {
        let deadline = Instant::now() + BOOT_TIMEOUT;
        while Instant::now() < deadline {
            let process = self.process.as_mut().expect("just launched");
            if let Some(status) = process.try_wait().expect("the server can be waited for") {
                stand_watchdog_down(process);
                self.process = None;
                return Err(self.failure(&format!("exited early ({status})")));
            }
            if self.is_ready() {
                return Ok(());
            }
            thread::sleep(POLL_INTERVAL);
        }
        Err(self.failure(&format!("was not ready within {BOOT_TIMEOUT:?}")))
    }

    fn is_ready(&self) -> bool {
        let ok = |port, request: &str| http(port, request).is_some_and(|(status, _)| status == 200);
        // A port can be lost to another server, which would then answer in our stead.
        let is_ours = || {
            let name = format!("\"{}\"", self.cluster_name);
            http(self.admin_port, &get("/cluster-health")).is_some_and(|(_, body)| body.contains(&name))
        };
        let runs_invocations = || {
            ok(self.ingress_port, &get("/restate/health"))
                && ok(
                    self.admin_port,
                    // Keeps failing for a moment after `/health` is good.
                    &post_json("/query", r#"{"query":"select id from sys_invocation limit 1"}"#),
                )
        };
        ok(self.admin_port, &get("/health"))
            && ok(self.admin_port, &get("/deployments"))
            && is_ours()
            && (self.profile == Profile::AdminOnly || runs_invocations())
    }

    fn failure(&self, reason: &str) -> BootError {
        let log = self.log();
        if log.contains("Address in use") {
            return BootError::PortTaken;
        }
        let lines: Vec<&str> = log.lines().collect();
        let tail = lines[lines.len().saturating_sub(LOG_TAIL_LINES)..].join("\n");
        BootError::Failed(format!("{reason}; its log ends with:\n{tail}"))
    }

    fn terminate(&mut self) {
        if self.process.is_none() {
            return;
        }
        // A paused server would not notice that it was asked to stop.
        self.signal("TERM");
        self.signal("CONT");
        let deadline = Instant::now() + STOP_TIMEOUT;
        while let Some(process) = &mut self.process {
            if process
                .try_wait()
                .expect("the server can be waited for")
                .is_some()
            {
                stand_watchdog_down(process);
                self.process = None;
            } else if Instant::now() > deadline {
                self.kill9();
            } else {
                thread::sleep(POLL_INTERVAL);
            }
        }
    }

    fn signal(&self, name: &str) {
        let process = self.process.as_ref().expect("the server was ended before");
        // The shell's own `kill`, as not every system has a program of that name.
        let status = Command::new("sh")
            .arg("-c")
            .arg(format!("kill -{name} {}", process.id()))
            .status()
            .expect("`sh` can be run");
        assert!(status.success(), "kill -{name}: {status}");
    }

    fn log_path(&self) -> PathBuf {
        self.home.path().join("server.log")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill9();
    }
}

enum BootError {
    PortTaken,
    Failed(String),
}

fn stand_watchdog_down(process: &mut Child) {
    if let Some(mut pipe) = process.stdin.take() {
        // Fails only when the watchdog is gone already.
        let _ = pipe.write_all(b"\n");
    }
}

fn free_ports() -> [u16; 3] {
    // All are held at once, so that they differ.
    let listeners: [TcpListener; 3] =
        std::array::from_fn(|_| TcpListener::bind("127.0.0.1:0").expect("a free port"));
    listeners.map(|listener| listener.local_addr().expect("a bound port").port())
}

fn base_config(home: &Path, [node, admin, ingress]: [u16; 3], profile: Profile) -> Map<String, Value> {
    let data = Value::from(home.join("data").to_str().expect("a UTF-8 path"));
    let roles = match profile {
        Profile::AdminOnly => r#"roles = ["admin", "metadata-server", "log-server", "http-ingress"]"#,
        Profile::Full => "",
    };
    // 1.5 looks for metadata servers on port 5122 unless told otherwise, and joins whatever cluster
    // of the same name it finds: hence the addresses, and a name of its own. Every server asks GitHub
    // for its latest release when it boots; no setting prevents that one.
    toml_table(&format!(
        r#"
        base-dir = {data}
        node-name = "n1"
        cluster-name = "lab-{node}"
        disable-telemetry = true
        log-disable-ansi-codes = true
        shutdown-timeout = "1s"
        default-num-partitions = 1
        rocksdb-total-memory-size = "64 MiB"
        bind-address = "127.0.0.1:{node}"
        advertised-address = "http://127.0.0.1:{node}/"
        {roles}
        [metadata-client]
        type = "replicated"
        addresses = ["http://127.0.0.1:{node}/"]
        [admin]
        bind-address = "127.0.0.1:{admin}"
        disable-web-ui = true
        [admin.query-engine]
        memory-size = "64 MiB"
        [ingress]
        bind-address = "127.0.0.1:{ingress}"
        "#
    ))
}

fn toml_table(text: &str) -> Map<String, Value> {
    toml::from_str(text).unwrap_or_else(|error| panic!("bad server configuration: {error}"))
}

fn merge(base: &mut Map<String, Value>, extra: Map<String, Value>) {
    for (key, value) in extra {
        match (base.get_mut(&key), value) {
            (Some(Value::Object(base)), Value::Object(extra)) => merge(base, extra),
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}

/// One top-level key a line; tables are written inline, so that their order does not matter.
fn to_toml(config: &Map<String, Value>) -> String {
    fn inline(value: &Value) -> String {
        match value {
            Value::Object(table) => {
                let entries: Vec<String> = table
                    .iter()
                    .map(|(key, value)| format!("{} = {}", Value::from(key.as_str()), inline(value)))
                    .collect();
                format!("{{ {} }}", entries.join(", "))
            }
            Value::Array(items) => {
                let items: Vec<String> = items.iter().map(inline).collect();
                format!("[{}]", items.join(", "))
            }
            scalar => scalar.to_string(),
        }
    }
    config
        .iter()
        .map(|(key, value)| format!("{key} = {}", inline(value)))
        .collect::<Vec<_>>()
        .join("\n")
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
}

fn post_json(path: &str, body: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
         content-type: application/json\r\naccept: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Status and the rest of the response, or nothing if there was no answer in time.
fn http(port: u16, request: &str) -> Option<(u16, String)> {
    let timeout = Duration::from_secs(2);
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut stream = TcpStream::connect_timeout(&address, timeout).ok()?;
    stream.set_read_timeout(Some(timeout)).ok()?;
    stream.write_all(request.as_bytes()).ok()?;
    let mut response = Vec::new();
    stream.read_to_end(&mut response).ok()?;
    let response = String::from_utf8_lossy(&response);
    let status = response.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
    Some((status, response.into_owned()))
}

/// The server's executable, fetched on first use. A directory appears under its final name only
/// when it is complete, and one fetch runs at a time whatever the number of test processes.
fn binary(version: &str) -> PathBuf {
    if version == VERSIONS[0]
        && let Some(path) = env::var_os(BINARY_OVERRIDE)
    {
        return PathBuf::from(path);
    }
    let cache = target_dir().join("restate-servers");
    let finished = cache.join(version);
    let executable = finished.join("bin/restate-server");
    if executable.exists() {
        return executable;
    }

    fs::create_dir_all(&cache).expect("the cache directory can be made");
    let lock = File::create(cache.join(format!("{version}.lock"))).expect("a lock file");
    lock.lock().expect("the lock file can be locked");
    if !executable.exists() {
        let partial = cache.join(format!("{version}.partial"));
        if partial.exists() {
            fs::remove_dir_all(&partial).expect("what a killed fetch left can be removed");
        }
        fs::create_dir(&partial).expect("a directory to fetch into");
        fetch(version, &partial);
        fs::rename(partial.join("package"), &finished).expect("a finished fetch can be moved");
        fs::remove_dir_all(&partial).expect("the archive can be removed");
    }
    executable
}

pub fn target_dir() -> PathBuf {
    let target = env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
    Path::new(env!("CARGO_MANIFEST_DIR")).join(target)
}

/// Leaves a verified `package/bin/restate-server` in `directory`.
fn fetch(version: &str, directory: &Path) {
    let package = format!("@restatedev/restate-server-{}@{version}", platform());
    let mut npm = Command::new("npm");
    npm.args(["pack", "--ignore-scripts", &package])
        .current_dir(directory);
    run(&mut npm).unwrap_or_else(|error| {
        panic!(
            "cannot fetch restate-server {version}: {error}\n\n\
             hint: install Node.js with npm, or set {BINARY_OVERRIDE} to a restate-server {}",
            VERSIONS[0]
        )
    });
    let archive = fs::read_dir(directory)
        .expect("the directory can be read")
        .map(|entry| entry.expect("the entry can be read").path())
        .find(|path| path.extension().is_some_and(|extension| extension == "tgz"))
        .expect("npm leaves an archive");
    run(Command::new("tar")
        .arg("-xzf")
        .arg(archive)
        .current_dir(directory))
    .unwrap_or_else(|error| panic!("cannot unpack {package}: {error}"));
    let executable = directory.join("package/bin/restate-server");
    let printed = run(Command::new(executable).arg("--version"))
        .unwrap_or_else(|error| panic!("{package} does not run here: {error}"));
    assert!(printed.contains(version), "{package} says it is {printed}");
}

fn platform() -> &'static str {
    match (env::consts::OS, env::consts::ARCH) {
        ("linux", "x86_64") => "linux-x64",
        ("linux", "aarch64") => "linux-arm64",
        ("macos", "x86_64") => "darwin-x64",
        ("macos", "aarch64") => "darwin-arm64",
        (os, arch) => panic!("there is no restate-server for {os} on {arch}"),
    }
}

/// Standard output, or why there is none.
pub fn run(command: &mut Command) -> Result<String, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let Output {
        status,
        stdout,
        stderr,
    } = command
        .output()
        .map_err(|error| format!("`{name}` cannot be run: {error}"))?;
    if status.success() {
        Ok(String::from_utf8_lossy(&stdout).into_owned())
    } else {
        Err(format!(
            "`{name}` failed ({status}):\n{}",
            String::from_utf8_lossy(&stderr)
        ))
    }
}
