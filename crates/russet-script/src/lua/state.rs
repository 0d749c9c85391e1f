//! A Lua state: its memory, its limits, and what belongs to the script that is running.
//!
//! # Memory
//!
//! Lua asks an allocator of ours, which counts and refuses what exceeds the limit; then Lua raises
//! "not enough memory". While Rust code runs that Lua has called, it does not refuse, because the
//! error would jump over Rust's frames; the script meets the limit at its own next allocation.
//!
//! The collector goes by Lua's own measure: a round begins when twice as much is in use as after the
//! last. To give it a part of its work after so many scripts as well, as Redis does, doubled what it
//! costs and kept no less memory.

use std::alloc::{Layout, alloc, dealloc, realloc};
use std::cell::{Cell, RefCell};
use std::ffi::{c_int, c_void};
use std::ptr::{self, NonNull};

use mlua_sys as ffi;
use russet_resp::{ArgSpan, Protocol};

use super::Stack;
use crate::host::{Host, Pace};
use crate::libraries::Settings;
use crate::sandbox::ErrorStyle;

/// Lua aligns everything to 8 bytes.
const ALIGNMENT: usize = 8;
/// Instructions between two looks at the time.
const PACE_INSTRUCTIONS: c_int = 10_000;

/// What the functions of a state share. Reached from every one of its threads.
pub struct Shared {
    used_bytes: Cell<usize>,
    limit_bytes: Cell<usize>,
    /// How many Rust functions are being executed, one inside the other.
    rust_depth: Cell<u32>,
    host: Cell<Option<NonNull<dyn Host>>>,
    /// The script must end: every instruction raises this error.
    pub(crate) stopped: Cell<Option<&'static str>>,
    /// What version of the protocol the commands of the script answer in.
    pub(crate) protocol: Cell<Protocol>,
    /// The state of `math.random`.
    pub(crate) random: Cell<u64>,
    /// How errors are told.
    pub(crate) style: Cell<ErrorStyle>,
    /// How `cjson` behaves.
    pub(crate) json: Cell<Settings>,
    /// Room for calls of commands.
    pub(crate) scratch: RefCell<Scratch>,
}

/// Room for the arguments and the reply of a command.
#[derive(Default)]
pub(crate) struct Scratch {
    pub arguments: Vec<u8>,
    pub spans: Vec<ArgSpan>,
    pub reply: Vec<u8>,
}

impl Shared {
    pub(super) fn enter_rust(&self) {
        self.rust_depth.set(self.rust_depth.get() + 1);
    }

    pub(super) fn leave_rust(&self) {
        self.rust_depth.set(self.rust_depth.get() - 1);
    }

    /// Lua code runs inside Rust code: the allocator may refuse it memory.
    pub(super) fn leave_rust_for_lua(&self) -> u32 {
        self.rust_depth.replace(0)
    }

    pub(super) fn return_to_rust(&self, depth: u32) {
        self.rust_depth.set(depth);
    }

    /// Lends the host of the script that is running; `None` if none is, or the host is in use.
    pub(crate) fn with_host<R>(&self, ask: impl FnOnce(&mut dyn Host) -> R) -> Option<R> {
        let mut host = self.host.take()?;
        // SAFETY: `State::run_with` has put it there from an exclusive reference that lives until
        // it takes it away again, and it is taken out of the cell while it is lent.
        let result = ask(unsafe { host.as_mut() });
        self.host.set(Some(host));
        Some(result)
    }

    /// Whether a script is being run.
    pub(crate) fn is_running(&self) -> bool {
        self.host.get().is_some()
    }
}

/// See the module's documentation.
pub struct State {
    raw: NonNull<ffi::lua_State>,
    shared: NonNull<Shared>,
}

// SAFETY: whoever owns the state owns all of it: Lua has no variables of its own outside the state,
// `Shared` is reached through the state only, and the host is there only while `run_with` has the
// state exclusively.
unsafe impl Send for State {}

impl State {
    /// A state without any libraries, and without a limit.
    pub fn open() -> Self {
        let shared = Box::new(Shared {
            used_bytes: Cell::new(0),
            limit_bytes: Cell::new(usize::MAX),
            rust_depth: Cell::new(0),
            host: Cell::new(None),
            stopped: Cell::new(None),
            protocol: Cell::default(),
            random: Cell::new(crate::sandbox::random::SEED),
            style: Cell::default(),
            json: Cell::default(),
            scratch: RefCell::default(),
        });
        let shared = NonNull::from(Box::leak(shared));
        // SAFETY: the allocator is as Lua wants it, and `shared` lives until after `lua_close`.
        let raw = unsafe { ffi::lua_newstate(allocate, shared.as_ptr().cast()) };
        let raw = NonNull::new(raw).expect("the allocator aborts rather than refuse");
        State { raw, shared }
    }

    pub(crate) fn shared(&self) -> &Shared {
        // SAFETY: it lives as long as the state, and is only ever borrowed shared.
        unsafe { self.shared.as_ref() }
    }

    /// Bytes in use.
    pub fn used_bytes(&self) -> usize {
        self.shared().used_bytes.get()
    }

    /// Lets scripts use so many bytes from now on.
    pub fn set_limit(&mut self, limit_bytes: usize) {
        self.shared().limit_bytes.set(limit_bytes);
    }

    /// Works on the stack from Rust, which must leave it as it was.
    pub fn with<R>(&mut self, work: impl FnOnce(&mut Stack<'_>) -> R) -> R {
        self.shared().enter_rust();
        // SAFETY: the state is alive and borrowed exclusively.
        let result = work(&mut unsafe { Stack::new(self.raw.as_ptr()) });
        self.shared().leave_rust();
        result
    }

    /// As [`State::with`], for the time of a script whose host this is: it is asked for its pace
    /// every so often, and reached by the functions that the script calls.
    pub fn run_with<R>(
        &mut self,
        host: &mut (dyn Host + '_),
        work: impl FnOnce(&mut Stack<'_>) -> R,
    ) -> R {
        let host: NonNull<dyn Host + '_> = NonNull::from(host);
        // SAFETY: only the lifetime changes; the pointer is taken away again before this returns. A
        // panic in between ends the process.
        let host: NonNull<dyn Host> = unsafe { std::mem::transmute(host) };
        self.shared().host.set(Some(host));
        self.shared().stopped.set(None);
        self.shared().protocol.set(Protocol::Resp2);
        let raw = self.raw.as_ptr();
        // SAFETY: the state is alive, and the hook is made for it.
        unsafe { ffi::lua_sethook(raw, Some(on_pace), ffi::LUA_MASKCOUNT, PACE_INSTRUCTIONS) };
        let result = self.with(work);
        // SAFETY: as above.
        unsafe { ffi::lua_sethook(raw, None, 0, 0) };
        self.shared().host.set(None);
        result
    }

    /// Has the collector free everything that is not in use.
    pub fn collect(&mut self) {
        self.shared().enter_rust();
        // SAFETY: the state is alive; finalizers exist for userdata only, of which there are none.
        unsafe { ffi::lua_gc(self.raw.as_ptr(), ffi::LUA_GCCOLLECT, 0) };
        self.shared().leave_rust();
    }
}

impl Drop for State {
    fn drop(&mut self) {
        // SAFETY: nothing else refers to the state, and after it nothing to what is shared, which
        // was a box.
        unsafe {
            ffi::lua_close(self.raw.as_ptr());
            drop(Box::from_raw(self.shared.as_ptr()));
        }
    }
}

/// Lua's allocator. See the module's documentation.
unsafe extern "C" fn allocate(
    shared: *mut c_void,
    old: *mut c_void,
    old_bytes: usize,
    new_bytes: usize,
) -> *mut c_void {
    // SAFETY: it is what `State::open` has given, only ever borrowed shared.
    let shared = unsafe { &*shared.cast::<Shared>() };
    let old_bytes = if old.is_null() { 0 } else { old_bytes };
    let layout = |bytes| Layout::from_size_align(bytes, ALIGNMENT);
    let Ok(new_layout) = layout(new_bytes) else { return ptr::null_mut() };
    let used_bytes = shared.used_bytes.get() - old_bytes;
    let is_within = used_bytes.saturating_add(new_bytes) <= shared.limit_bytes.get();
    if new_bytes > old_bytes && !is_within && shared.rust_depth.get() == 0 {
        return ptr::null_mut();
    }
    // SAFETY: `old` came from here with a size of `old_bytes`, as Lua promises, and no layout of size
    // zero gets to the allocator.
    let new = unsafe {
        match (old_bytes, new_bytes) {
            (0, 0) => ptr::null_mut(),
            (0, _) => alloc(new_layout),
            (_, 0) => {
                dealloc(old.cast(), Layout::from_size_align_unchecked(old_bytes, ALIGNMENT));
                ptr::null_mut()
            }
            _ => {
                let old_layout = Layout::from_size_align_unchecked(old_bytes, ALIGNMENT);
                realloc(old.cast(), old_layout, new_bytes)
            }
        }
    };
    if new.is_null() && new_bytes != 0 {
        std::alloc::handle_alloc_error(new_layout);
    }
    shared.used_bytes.set(used_bytes + new_bytes);
    new.cast()
}

/// Called by Lua every so many instructions of a script, or before each once it was stopped.
unsafe extern "C-unwind" fn on_pace(raw: *mut ffi::lua_State, _: *mut ffi::lua_Debug) {
    // SAFETY: Lua passes a state that is alive.
    let mut stack = unsafe { Stack::new(raw) };
    let shared = stack.shared();
    shared.enter_rust();
    if shared.stopped.get().is_none()
        && let Some(Pace::Stop(why)) = shared.with_host(|host| host.pace())
    {
        shared.stopped.set(Some(why));
    }
    let stopped = shared.stopped.get();
    if let Some(why) = stopped {
        crate::sandbox::push_error(&mut stack, why.as_bytes());
    }
    stack.shared().leave_rust();
    if stopped.is_some() {
        // SAFETY: the state is alive; from here on each instruction leads here again, so that no
        // handler gets far. Nothing in this frame has a destructor.
        unsafe {
            ffi::lua_sethook(raw, Some(on_pace), ffi::LUA_MASKCOUNT, 1);
            ffi::lua_error(raw);
        }
    }
}

/// Stops the script that is running on this state, with an error that it cannot catch.
pub(super) fn stop(raw: *mut ffi::lua_State, shared: &Shared, why: &'static str) {
    shared.stopped.set(Some(why));
    // SAFETY: the state is alive, as its stack is in use.
    unsafe { ffi::lua_sethook(raw, Some(on_pace), ffi::LUA_MASKCOUNT, 1) };
}
