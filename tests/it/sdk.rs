//! A real deployment, written with the Restate SDK as a user would.

#![expect(clippy::unused_async, reason = "the SDK takes async handlers only")]

use std::net::TcpListener;
use std::thread::{self, JoinHandle};

use restate_sdk::prelude::*;
use tokio::sync::oneshot;

struct Greeter;

#[restate_sdk::service]
impl Greeter {
    #[handler]
    async fn greet(&self, _ctx: Context<'_>, name: String) -> Result<String, HandlerError> {
        Ok(format!("Greetings {name}"))
    }
}

struct PoliteGreeter;

#[restate_sdk::service(name = "Greeter")]
impl PoliteGreeter {
    #[handler]
    async fn greet(&self, _ctx: Context<'_>, name: String) -> Result<String, HandlerError> {
        Ok(format!("Greetings {name}"))
    }

    #[handler]
    async fn farewell(&self, _ctx: Context<'_>, name: String) -> Result<String, HandlerError> {
        Ok(format!("Farewell {name}"))
    }
}

struct Counter;

#[restate_sdk::object]
impl Counter {
    #[handler]
    async fn add(&self, ctx: ObjectContext<'_>, amount: u64) -> Result<u64, HandlerError> {
        let sum = ctx.get::<u64>("count").await?.unwrap_or(0) + amount;
        ctx.set("count", sum);
        Ok(sum)
    }

    #[handler]
    async fn get(&self, ctx: SharedObjectContext<'_>) -> Result<u64, HandlerError> {
        Ok(ctx.get::<u64>("count").await?.unwrap_or(0))
    }
}

struct Signup;

#[restate_sdk::workflow]
impl Signup {
    #[handler]
    async fn run(&self, ctx: WorkflowContext<'_>, email: String) -> Result<String, HandlerError> {
        ctx.set("email", email.clone());
        Ok(format!("{email} signed up as {}", ctx.key()))
    }
}

/// Serves on a free loopback port until dropped.
pub struct SdkEndpoint {
    url: String,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl SdkEndpoint {
    /// `Greeter`, `Counter` and `Signup`.
    pub fn start() -> SdkEndpoint {
        SdkEndpoint::start_edition(1)
    }

    /// From edition 2 on `Greeter` has one more handler, `farewell`.
    pub fn start_edition(edition: u32) -> SdkEndpoint {
        let services = Endpoint::builder().bind(Counter).bind(Signup);
        let services = match edition {
            1 => services.bind(Greeter),
            _ => services.bind(PoliteGreeter),
        };
        SdkEndpoint::serve(services.build())
    }

    pub fn serve(endpoint: Endpoint) -> SdkEndpoint {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}/", listener.local_addr().expect("a bound port"));
        listener.set_nonblocking(true).expect("a listener for tokio");
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
                // Plain `serve` would swallow Ctrl-C for the whole process, and the graceful end
                // could wait long for a server that keeps a stream open.
                let serving =
                    HttpServer::new(endpoint).serve_with_cancel(listener, std::future::pending::<()>());
                tokio::select! {
                    () = serving => {}
                    _ = stopped => {}
                }
            });
        });
        SdkEndpoint {
            url,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for SdkEndpoint {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic in the thread has been reported by then.
            let _ = thread.join();
        }
    }
}
