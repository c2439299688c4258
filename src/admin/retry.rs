//! Trying again, for calls where that does no harm.

use super::error::Error;
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;
use tokio::time::Instant;

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Calls until it succeeds, fails for good, or the budget is spent.
///
/// # Errors
/// The last error.
pub async fn within<T>(
    budget: Duration,
    mut call: impl AsyncFnMut() -> Result<T, Error>,
) -> Result<T, Error> {
    let deadline = Instant::now() + budget;
    let mut pause = FIRST_PAUSE;
    loop {
        let error = match call().await {
            Err(error) if error.is_transient() => error,
            outcome => return outcome,
        };
        let wait = jittered(pause).max(error.retry_after().unwrap_or_default());
        if Instant::now() + wait >= deadline {
            return Err(error);
        }
        tokio::time::sleep(wait).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Half to all of `pause`, so that clients that failed together do not return together.
fn jittered(pause: Duration) -> Duration {
    let random = RandomState::new().hash_one(()) % 512;
    pause.mul_f64(0.5 + f64::from(u32::try_from(random).unwrap_or(0)) / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::super::error::ErrorKind;
    use super::*;
    use std::cell::Cell;

    fn busy(retry_after: u64) -> Error {
        let retry_after = Some(Duration::from_secs(retry_after));
        Error::new(
            ErrorKind::Status {
                http_status: 429,
                restate_code: None,
                retry_after,
                is_servers: true,
            },
            "busy",
        )
    }

    #[tokio::test(start_paused = true)]
    async fn waits_as_long_as_the_server_asks() {
        let (start, calls) = (Instant::now(), Cell::new(0));
        let answer = within(Duration::from_secs(60), async || {
            calls.set(calls.get() + 1);
            if calls.get() < 3 { Err(busy(7)) } else { Ok(()) }
        });
        assert_eq!(answer.await, Ok(()));
        assert_eq!(start.elapsed().as_secs(), 14);
    }

    #[tokio::test(start_paused = true)]
    async fn ends_within_its_budget() {
        let start = Instant::now();
        let answer: Result<(), Error> = within(Duration::from_secs(9), async || Err(busy(0))).await;
        assert!(answer.is_err() && start.elapsed() < Duration::from_secs(9));
        let answer: Result<(), Error> = within(Duration::from_secs(9), async || Err(busy(10))).await;
        assert!(
            answer.is_err() && start.elapsed() < Duration::from_secs(9),
            "no use in waiting longer"
        );
    }

    #[tokio::test]
    async fn what_is_final_is_not_tried_again() {
        let calls = Cell::new(0);
        let refused = Error::new(
            ErrorKind::Refused {
                http_status: 401,
                has_token: false,
            },
            "no",
        );
        let answer: Result<(), Error> = within(Duration::from_secs(9), async || {
            calls.set(calls.get() + 1);
            Err(refused.clone())
        })
        .await;
        assert_eq!((answer, calls.get()), (Err(refused.clone()), 1));
    }
}
