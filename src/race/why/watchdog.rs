//! Ends a process group that takes too long, or when the user asks for the end.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::signal::{Signal, killpg};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::Pid;

/// How often the user's wish is looked at.
const EVERY: Duration = Duration::from_millis(50);

/// Why the group was ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fired {
    /// It took longer than allowed.
    Late,
    /// The user asked.
    Asked,
}

#[derive(Default)]
struct State {
    gone: bool,
    fired: Option<Fired>,
}

/// Watches one process group until told that it is gone.
pub struct Watchdog {
    group: Pid,
    state: Arc<Mutex<State>>,
    stop: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Watchdog {
    /// Watches `group` from now on; `limit` is how long it may live.
    pub fn watch(group: Pid, limit: Duration) -> std::io::Result<Watchdog> {
        let (stop, stopped) = channel();
        let (state, deadline) = (Arc::new(Mutex::new(State::default())), Instant::now() + limit);
        let shared = Arc::clone(&state);
        let work = move || {
            while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(EVERY.min(limit)) {
                let fired = match (crate::interrupt::asked(), Instant::now() >= deadline) {
                    (true, _) => Fired::Asked,
                    (_, true) => Fired::Late,
                    _ => continue,
                };
                return end(&shared, group, fired);
            }
        };
        let thread = std::thread::Builder::new().name("watchdog".to_owned()).spawn(work)?;
        Ok(Watchdog { group, state, stop: Some((stop, thread)) })
    }

    /// Ends what is left of the group, whose leader has ended, and reaps the leader: in one, so that its id cannot
    /// become another's in between.
    pub fn reap(&self) -> nix::Result<WaitStatus> {
        let mut state = lock(&self.state);
        let _ = killpg(self.group, Signal::SIGKILL);
        state.gone = true;
        loop {
            match waitpid(self.group, None) {
                Err(Errno::EINTR) => {}
                other => return other,
            }
        }
    }

    /// Tells that the leader is reaped already.
    pub fn gone(&self) {
        lock(&self.state).gone = true;
    }

    /// Why the group was ended, if the watchdog did it.
    pub fn fired(&self) -> Option<Fired> {
        lock(&self.state).fired
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn end(state: &Mutex<State>, group: Pid, why: Fired) {
    let mut state = lock(state);
    if !state.gone {
        state.fired = Some(why);
        // ESRCH: there is nobody left.
        let _ = killpg(group, Signal::SIGKILL);
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.stop.take() {
            drop(stop);
            let _ = thread.join();
        }
    }
}
