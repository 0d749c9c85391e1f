//! How threads that work in the background share processors with workers.

/// How far such a thread steps back: it gets less of a processor than a worker that it shares it with.
const NICENESS: i32 = 5;

/// Has the calling thread step back for workers: it gets less time, and never takes the processor from a
/// worker when it is woken, but only in its turn. Should the system refuse, it is in their way a little
/// more.
pub fn step_back() {
    // Of the thread only.
    let _ = rustix::process::nice(NICENESS);
    let priority = libc::sched_param { sched_priority: 0 };
    // SAFETY: the call reads the parameters, which outlive it, and 0 is the calling thread.
    unsafe { libc::sched_setscheduler(0, libc::SCHED_BATCH, &priority) };
}
