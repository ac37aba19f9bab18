//! Ctrl-C: asks running work to end cleanly; a second one ends the process at once.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

static ASKED: OnceLock<Arc<AtomicBool>> = OnceLock::new();

fn flag() -> &'static Arc<AtomicBool> {
    ASKED.get_or_init(|| Arc::new(AtomicBool::new(false)))
}

/// From now on SIGINT, SIGTERM and SIGHUP set the flag that [`asked`] reads (blocking calls give EINTR);
/// the second of them ends the process with its default effect.
pub fn listen() {
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        // The order matters: the default effect is taken only when the flag was already set.
        let _ = signal_hook::flag::register_conditional_default(signal, Arc::clone(flag()));
        let _ = signal_hook::flag::register(signal, Arc::clone(flag()));
    }
}

/// Whether the user asked for the end.
pub fn asked() -> bool {
    flag().load(Ordering::Relaxed)
}
