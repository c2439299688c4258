//! A way to the server on which one kind of request gets stuck.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};

pub struct Stall {
    url: String,
    is_stuck: Arc<AtomicBool>,
    _runtime: Runtime,
}

impl Stall {
    /// Lets everything through to the server but requests with this method and end of path.
    pub fn of(method: &'static str, path: &'static str, server_url: &str) -> Self {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = server_url.strip_prefix("http://").unwrap().to_owned();
        let is_stuck = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&is_stuck);
        runtime.spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let (server, told) = (server.clone(), Arc::clone(&told));
                tokio::spawn(async move {
                    let server = TcpStream::connect(server).await?;
                    relay(client, server, |request| {
                        let stays = is_request(request, method, path);
                        told.fetch_or(stays, Ordering::SeqCst);
                        stays
                    })
                    .await
                });
            }
        });
        Self {
            url,
            is_stuck,
            _runtime: runtime,
        }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// Whether a request is stuck.
    pub fn is_stuck(&self) -> bool {
        self.is_stuck.load(Ordering::SeqCst)
    }
}

/// A client sends its next request after the last answer, so each begins a piece of its own.
async fn relay(client: TcpStream, server: TcpStream, stays: impl Fn(&[u8]) -> bool) -> io::Result<()> {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let requests = async {
        let mut buffer = vec![0; 8192];
        loop {
            let length = from_client.read(&mut buffer).await?;
            let piece = &buffer[..length];
            if length == 0 {
                return Ok(());
            }
            if stays(piece) {
                std::future::pending::<()>().await;
            }
            to_server.write_all(piece).await?;
        }
    };
    tokio::select! {
        ended = requests => ended,
        ended = copy(&mut from_server, &mut to_client) => ended.map(|_| ()),
    }
}

fn is_request(piece: &[u8], method: &str, path: &str) -> bool {
    let text = String::from_utf8_lossy(piece);
    let mut words = text.split(' ');
    words.next() == Some(method) && words.next().is_some_and(|target| target.ends_with(path))
}
