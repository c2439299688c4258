//! Running until it is done, or until somebody interrupts it.

use crate::code::Code;
use crate::error::{Exit, Failure};
use crate::problem::Problem;

/// Requests dominate: one thread is enough.
pub fn block_on(future: impl Future<Output = Result<Exit, Failure>>) -> Result<Exit, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime
        .map_err(|error| Problem::error(Code::Internal, format!("the runtime does not start: {error}")))?;
    let outcome = runtime.block_on(future);
    // A question that was interrupted is still being waited for.
    runtime.shutdown_background();
    outcome
}

/// Ends a run that has changed nothing yet when it is interrupted.
pub async fn or_interrupted<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    tokio::select! {
        outcome = work => outcome,
        () = signal() => Err(Failure {
            exit: Exit::Interrupted,
            ..Problem::error(Code::Interrupted, "interrupted: nothing was changed").into()
        }),
    }
}

/// Waits for Ctrl-C or a request to end.
#[cfg(unix)]
pub async fn signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        let _ = tokio::signal::ctrl_c().await;
        return;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}

/// Waits for Ctrl-C.
#[cfg(not(unix))]
pub async fn signal() {
    let _ = tokio::signal::ctrl_c().await;
}
