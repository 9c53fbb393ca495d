//! Takes a lock that nothing panics under.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Takes the lock. A poisoned one is taken too: no holder leaves its value half changed.
pub(super) fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
