use std::{convert::Infallible, io, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::stream;
use http_body_util::{BodyExt as _, Full, StreamBody, combinators::BoxBody};
use hyper::{
    Response,
    body::{Frame, Incoming},
    service::service_fn,
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use tokio::{net::TcpListener, sync::oneshot};

use super::{Request, Shared, faults::Fault, lock, reply::Reply, routes};

type Body = BoxBody<Bytes, io::Error>;

/// Serves until told to stop.
pub async fn serve(listener: TcpListener, shared: Arc<Shared>, stopped: oneshot::Receiver<()>) {
    let accept = async {
        while let Ok((stream, _)) = listener.accept().await {
            let shared = Arc::clone(&shared);
            tokio::spawn(async move {
                let service = service_fn(move |request| answer(Arc::clone(&shared), request));
                // An error here is a client that went away, or a fault that closes the connection.
                let _ = auto::Builder::new(TokioExecutor::new())
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
            });
        }
    };
    tokio::select! {
        () = accept => {}
        _ = stopped => {}
    }
}

async fn answer(shared: Arc<Shared>, request: hyper::Request<Incoming>) -> Result<Response<Body>, io::Error> {
    let request = read(request).await?;
    lock(&shared.requests).push(request.clone());
    let path = routes::prefix(&request.path).map_or(request.path.as_str(), |(_, rest)| rest);
    let fault = lock(&shared.faults).take(&request.method, path);
    let reply = match fault {
        None => process(&shared, &request).await,
        Some(Fault::Status(status, headers, body)) => {
            let body = body.into_bytes();
            Reply {
                status,
                headers,
                body,
            }
        }
        Some(Fault::Html) => {
            let page = "<!DOCTYPE html><html><body><h1>Sign in</h1></body></html>";
            Reply::new(200, "text/html; charset=utf-8", page)
        }
        Some(Fault::Unauthorized) => unauthorized(),
        Some(Fault::DropBefore) => return Err(closed()),
        Some(Fault::DropAfter) => {
            process(&shared, &request).await;
            return Err(closed());
        }
        Some(Fault::RetriesExhausted) => retries_exhausted(&shared),
        Some(Fault::Delay(time)) => {
            tokio::time::sleep(time).await;
            process(&shared, &request).await
        }
        Some(Fault::Redirect(location)) => Reply::empty(307).with_header("location", location),
        Some(Fault::MalformedJson) => {
            let mut reply = process(&shared, &request).await;
            reply.body.truncate(reply.body.len() / 2);
            reply
        }
        Some(Fault::Truncated) => {
            let reply = process(&shared, &request).await;
            return Ok(truncated(&reply));
        }
    };
    let body = Full::new(Bytes::from(reply.body));
    Ok(head(reply.status, &reply.headers)
        .body(boxed(body))
        .expect("a valid reply"))
}

async fn process(shared: &Shared, request: &Request) -> Reply {
    let token = {
        let mut state = shared.state();
        state.next_turn();
        state.token.clone()
    };
    let expected = token.map(|token| format!("Bearer {token}"));
    if expected.is_some() && request.header("authorization") != expected.as_deref() {
        return unauthorized();
    }
    routes::handle(shared, request).await
}

async fn read(request: hyper::Request<Incoming>) -> Result<Request, io::Error> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let headers = head.headers.iter();
    Ok(Request {
        method: head.method.to_string(),
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers: headers
            .map(|(name, value)| (name.to_string(), text(value.as_bytes())))
            .collect(),
        body: text(&body),
    })
}

fn unauthorized() -> Reply {
    Reply::text(401, "Unauthorized").with_header("www-authenticate", "Bearer".into())
}

/// Writers race for one key; the loser is told so after seconds of retries, and nothing happened.
fn retries_exhausted(shared: &Shared) -> Reply {
    let prefix = if shared.state().version.at_least(6) {
        "internal error"
    } else {
        "Internal server error"
    };
    let why = format!(
        "{prefix}: retries for operation on key 'schema_registry' exhausted; last error: retry duration exceeded"
    );
    Reply::error(500, None, why)
}

/// Announces the whole body, sends half of it, and breaks off once that is on its way.
fn truncated(reply: &Reply) -> Response<Body> {
    let half = Bytes::copy_from_slice(&reply.body[..reply.body.len() / 2]);
    let frames = stream::unfold(Some(half), |half| async {
        if let Some(half) = half {
            return Some((Ok(Frame::data(half)), None));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        Some((Err(closed()), None))
    });
    head(reply.status, &reply.headers)
        .header("content-length", reply.body.len())
        .body(StreamBody::new(frames).boxed())
        .expect("a valid reply")
}

fn head(status: u16, headers: &[(String, String)]) -> http::response::Builder {
    let builder = Response::builder().status(status);
    headers
        .iter()
        .fold(builder, |builder, (name, value)| builder.header(name, value))
}

fn boxed(body: Full<Bytes>) -> Body {
    body.map_err(|never: Infallible| match never {}).boxed()
}

/// hyper closes the connection without an answer when a service fails.
fn closed() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionReset, "closed on purpose")
}
