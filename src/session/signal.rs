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

/// Waits for any signal that would end the process and can be handled: a terminal that is closed and a
/// job that is cancelled may send others than Ctrl-C does.
#[cfg(unix)]
pub async fn signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let always = [SignalKind::interrupt(), SignalKind::terminate()];
    let unless_ignored = [
        SignalKind::hangup(),
        SignalKind::quit(),
        SignalKind::alarm(),
        SignalKind::user_defined1(),
        SignalKind::user_defined2(),
    ];
    let unless_ignored = unless_ignored.into_iter().filter(|kind| !is_ignored(*kind));
    let kinds = always.into_iter().chain(unless_ignored);
    let mut handled: Vec<_> = kinds.filter_map(|kind| signal(kind).ok()).collect();
    std::future::poll_fn(|context| {
        // Each is polled, or it would not wake this up.
        let mut came = false;
        for signal in &mut handled {
            came |= signal.poll_recv(context).is_ready();
        }
        if came {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
}

/// Whether whoever started the program wants it to live through a signal, as `nohup` does. Linux tells.
#[cfg(unix)]
fn is_ignored(kind: tokio::signal::unix::SignalKind) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    ignored.is_some_and(|mask| mask >> (kind.as_raw_value() - 1) & 1 == 1)
}

/// Waits for Ctrl-C.
#[cfg(not(unix))]
pub async fn signal() {
    let _ = tokio::signal::ctrl_c().await;
}
