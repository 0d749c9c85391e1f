//! Functions that scripts call and that raise errors of Lua's own, or call functions in C. They keep
//! nothing that would have to be dropped.

use std::ffi::c_int;

use mlua_sys as ffi;

use super::Stack;

impl Stack<'_> {
    /// Pushes `next`.
    pub fn push_step(&mut self) {
        self.push_native(step, 0);
    }

    /// Pushes `pcall`: an error that is a table with a field `err` is given to the script as the text
    /// in that field, as it was before errors were tables.
    pub fn push_protected_call(&mut self) {
        self.push_native(protected_call, 0);
    }

    /// Replaces the function on top, one in C, by one that refuses protected tables as its first
    /// argument and otherwise does the same.
    pub fn guard_function(&mut self) {
        self.push_native(guarded, 1);
    }

    /// Opens one of Lua's own libraries, whose globals appear.
    pub fn open(&mut self, library: Library) {
        let open = match library {
            Library::Base => ffi::luaopen_base,
            Library::Table => ffi::luaopen_table,
            Library::String => ffi::luaopen_string,
            Library::Math => ffi::luaopen_math,
        };
        let top = self.top();
        self.push_native(open, 0);
        let raw = self.raw();
        // SAFETY: the function on top is made for this; it registers functions in tables, for which
        // the allocator does not refuse memory. It is told its name, as when Lua opens it.
        unsafe {
            ffi::lua_pushlstring_(raw, library.name().as_ptr().cast(), library.name().len());
            ffi::lua_call(raw, 1, 0);
        }
        debug_assert_eq!(self.top(), top);
    }

    /// Replaces the protected table at a place, if it is one, by the table that it stands for.
    pub fn resolve(&mut self, at: i32) -> bool {
        let at = if at < 0 { self.top() + 1 + at } else { at };
        if !self.push_target(at) {
            return false;
        }
        let raw = self.raw();
        // SAFETY: the place exists, as `push_target` has seen, and there is a value on top.
        unsafe { ffi::lua_replace(raw, at) };
        true
    }

    /// Whether there is a protected table at a place.
    pub fn is_protected(&mut self, at: i32) -> bool {
        let is_protected = self.push_target(at);
        if is_protected {
            self.pop(1);
        }
        is_protected
    }

    /// Pushes what the protected table at a place stands for, if it is one.
    fn push_target(&mut self, at: i32) -> bool {
        if self.kind(at) != super::Kind::Table || !self.push_metatable(at) {
            return false;
        }
        self.push_mark();
        self.raw_get(-2);
        self.remove(-2);
        let found = self.kind(-1) == super::Kind::Table;
        if !found {
            self.pop(1);
        }
        found
    }
}

/// Lua's own libraries, as far as scripts get them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs)] // the names are Lua's own
pub enum Library {
    Base,
    Table,
    String,
    Math,
}

impl Library {
    fn name(self) -> &'static str {
        match self {
            Library::Base => "",
            Library::Table => "table",
            Library::String => "string",
            Library::Math => "math",
        }
    }
}

/// The next pair of a table, also of a protected one.
unsafe extern "C-unwind" fn step(raw: *mut ffi::lua_State) -> c_int {
    // SAFETY: Lua passes a state that is alive, with room for some values more. What raises errors
    // does so while nothing in this frame has a destructor.
    unsafe {
        ffi::luaL_checktype(raw, 1, ffi::LUA_TTABLE);
        ffi::lua_settop(raw, 2);
        Stack::new(raw).resolve(1);
        if ffi::lua_next(raw, 1) != 0 {
            2
        } else {
            ffi::lua_pushnil(raw);
            1
        }
    }
}

/// See [`Stack::push_protected_call`].
unsafe extern "C-unwind" fn protected_call(raw: *mut ffi::lua_State) -> c_int {
    // SAFETY: Lua passes a state that is alive, with room for some values more. Nothing here has a
    // destructor.
    unsafe {
        ffi::luaL_checkany(raw, 1);
        let arguments = ffi::lua_gettop(raw) - 1;
        let status = ffi::lua_pcall(raw, arguments, ffi::LUA_MULTRET, 0);
        if status == ffi::LUA_OK {
            // The results may have taken all the room that there is.
            if ffi::lua_checkstack(raw, 1) == 0 {
                ffi::lua_settop(raw, 0);
                ffi::lua_pushboolean(raw, 0);
                ffi::lua_pushlstring_(raw, c"stack overflow".as_ptr(), 14);
                return 2;
            }
        } else if ffi::lua_type(raw, -1) == ffi::LUA_TTABLE {
            ffi::lua_pushlstring_(raw, c"err".as_ptr(), 3);
            ffi::lua_rawget_(raw, -2);
            if ffi::lua_isstring(raw, -1) != 0 {
                ffi::lua_replace(raw, -2);
            } else {
                ffi::lua_settop(raw, -2);
            }
        }
        ffi::lua_pushboolean(raw, (status == ffi::LUA_OK).into());
        ffi::lua_insert(raw, 1);
        ffi::lua_gettop(raw)
    }
}

/// See [`Stack::guard_function`].
unsafe extern "C-unwind" fn guarded(raw: *mut ffi::lua_State) -> c_int {
    // SAFETY: Lua passes a state that is alive, with room for some values more; the upvalue is a
    // function in C, which sees its arguments as if it had been called. Nothing here has a destructor.
    unsafe {
        if Stack::new(raw).is_protected(1) {
            let text = super::READONLY;
            ffi::lua_pushlstring_(raw, text.as_ptr().cast(), text.len());
            ffi::lua_error(raw);
        }
        let original = ffi::lua_tocfunction(raw, ffi::lua_upvalueindex(1));
        original.expect("the upvalue is a function in C")(raw)
    }
}
