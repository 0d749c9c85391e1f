//! Functions written in Rust that scripts can call.

use std::ffi::c_int;
use std::ptr::NonNull;

use mlua_sys as ffi;

use super::Stack;

/// The error to be raised is on top of the stack.
#[derive(Debug)]
pub struct Raised;

/// A function that scripts can call: it finds its arguments on the stack, alone, and returns how many
/// of the topmost values are its results.
pub trait Function: Fn(&mut Stack<'_>) -> Result<usize, Raised> + Copy + 'static {}

impl<F: Fn(&mut Stack<'_>) -> Result<usize, Raised> + Copy + 'static> Function for F {}

/// What Lua calls for a Rust function of type `F`.
///
/// # Safety
///
/// To be called by Lua only, with the state that it calls from.
pub(super) unsafe extern "C-unwind" fn enter<F: Function>(state: *mut ffi::lua_State) -> c_int {
    const { assert!(size_of::<F>() == 0, "a function, not a closure with captures") };
    // SAFETY: a value of a type without bytes is read, from an address that is aligned; `F` is `Copy`,
    // so another one may exist.
    let function = unsafe { NonNull::<F>::dangling().read() };
    // SAFETY: Lua passes a state that is alive.
    let mut stack = unsafe { Stack::new(state) };
    stack.shared().enter_rust();
    let result = function(&mut stack);
    stack.shared().leave_rust();
    match result {
        Ok(results) => results as c_int,
        // SAFETY: the error is on the stack, and no value with a destructor is left in this frame.
        Err(Raised) => unsafe { ffi::lua_error(state) },
    }
}
