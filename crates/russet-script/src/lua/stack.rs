//! The stack of a Lua state: values by their places.

use std::ffi::{CStr, c_int};
use std::marker::PhantomData;

use mlua_sys as ffi;

use super::function::{Function, Raised, enter};
use super::state::{Shared, stop};

/// Values that fit into one more place at least, before [`Stack::reserve`] has to be asked.
const ROOM: &str = "whoever nests has reserved room";

/// What a value is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs)] // the names are Lua's own
pub enum Kind {
    None,
    Nil,
    Boolean,
    LightUserdata,
    Number,
    String,
    Table,
    Function,
    Userdata,
    Thread,
}

impl Kind {
    /// What Lua calls it in errors.
    pub fn name(self) -> &'static str {
        match self {
            Kind::None => "no value",
            Kind::Nil => "nil",
            Kind::Boolean => "boolean",
            Kind::LightUserdata | Kind::Userdata => "userdata",
            Kind::Number => "number",
            Kind::String => "string",
            Kind::Table => "table",
            Kind::Function => "function",
            Kind::Thread => "thread",
        }
    }
}

/// A value that is kept until it is released.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reference(c_int);

/// A function on the call stack.
#[derive(Debug)]
pub struct Frame {
    /// Not written in Lua.
    pub is_native: bool,
    /// The name of its chunk, with the sign in front that says what kind of name it is.
    pub source: Vec<u8>,
    /// Where it is in its source, or -1.
    pub line: i32,
}

/// See the module's documentation.
///
/// Places are counted from 1 at the bottom, or from -1 at the top.
pub struct Stack<'a> {
    raw: *mut ffi::lua_State,
    /// Up to here there is room whatever the limit of the stack: Lua gives every function some.
    guaranteed: i32,
    state: PhantomData<&'a mut ()>,
}

/// Values that fit on the stack beside the arguments of a function, less two for Lua itself.
const GUARANTEED: i32 = ffi::LUA_MINSTACK - 2;

/// A light userdata by which functions of ours know what scripts cannot make.
static MARK: u8 = 0;

impl<'a> Stack<'a> {
    /// The stack of a state, or of a thread of it.
    ///
    /// # Safety
    ///
    /// The state must be one that [`super::State`] has made, be alive as long as this is used, and
    /// not be used by others meanwhile.
    pub(super) unsafe fn new(raw: *mut ffi::lua_State) -> Self {
        // SAFETY: the state is alive.
        let guaranteed = unsafe { ffi::lua_gettop(raw) } + GUARANTEED;
        Stack { raw, guaranteed, state: PhantomData }
    }

    pub(super) fn raw(&mut self) -> *mut ffi::lua_State {
        self.raw
    }

    /// What all functions of the state share.
    #[inline]
    pub(crate) fn shared(&self) -> &'a Shared {
        let mut shared = std::ptr::null_mut();
        // SAFETY: the state is alive (`Stack::new`), its allocator's data is a `Shared`, and that
        // outlives the state. It is only ever borrowed shared, and nobody keeps it.
        unsafe {
            ffi::lua_getallocf(self.raw, &mut shared);
            &*shared.cast::<Shared>()
        }
    }

    /// Number of values.
    #[inline]
    pub fn top(&self) -> i32 {
        // SAFETY: the state is alive (`Stack::new`).
        unsafe { ffi::lua_gettop(self.raw) }
    }

    /// The place, counted from the bottom.
    ///
    /// # Panics
    ///
    /// If there is no such place.
    #[inline]
    fn place(&self, at: i32) -> i32 {
        let top = self.top();
        let place = if at < 0 { top + 1 + at } else { at };
        assert!(place >= 1 && place <= top, "there are {top} values, not {at}");
        place
    }

    /// Drops all values above this number, or fills up with nil.
    pub fn set_top(&mut self, top: i32) {
        assert!(top >= 0, "a number of values");
        assert!(self.reserve(top - self.top()), "{ROOM}");
        // SAFETY: the number is not negative, and there is room.
        unsafe { ffi::lua_settop(self.raw, top) }
    }

    /// Drops so many values.
    #[inline]
    pub fn pop(&mut self, values: i32) {
        assert!(values <= self.top(), "only what is there can be dropped");
        // SAFETY: there are as many.
        unsafe { ffi::lua_settop(self.raw, -values - 1) }
    }

    /// Makes sure that so many more values fit. Lua's stack has a limit of some thousand.
    #[inline]
    pub fn reserve(&mut self, values: i32) -> bool {
        // SAFETY: the state is alive; the allocator does not refuse in Rust code.
        values <= 0 || unsafe { ffi::lua_checkstack(self.raw, values) != 0 }
    }

    #[inline]
    fn make_room(&mut self) {
        assert!(self.top() < self.guaranteed || self.reserve(1), "{ROOM}");
    }

    /// A place that Lua may be asked about: one counted from the bottom, which Lua compares with the
    /// top before it looks there, or one that exists.
    #[inline]
    fn place_to_look_at(&self, at: i32) -> i32 {
        if at > 0 { at } else { self.place(at) }
    }

    /// What a value is; `None` where there is no value.
    #[inline]
    pub fn kind(&self, at: i32) -> Kind {
        // SAFETY: Lua may be asked about the place.
        match unsafe { ffi::lua_type(self.raw, self.place_to_look_at(at)) } {
            ffi::LUA_TNONE => Kind::None,
            ffi::LUA_TNIL => Kind::Nil,
            ffi::LUA_TBOOLEAN => Kind::Boolean,
            ffi::LUA_TLIGHTUSERDATA => Kind::LightUserdata,
            ffi::LUA_TNUMBER => Kind::Number,
            ffi::LUA_TSTRING => Kind::String,
            ffi::LUA_TTABLE => Kind::Table,
            ffi::LUA_TFUNCTION => Kind::Function,
            ffi::LUA_TTHREAD => Kind::Thread,
            _ => Kind::Userdata,
        }
    }

    /// The bytes of a string.
    #[inline]
    pub fn bytes(&self, at: i32) -> Option<&[u8]> {
        if self.kind(at) != Kind::String {
            return None;
        }
        let mut len = 0;
        // SAFETY: it is a string, which is on the stack as long as this is borrowed and so cannot be
        // collected; nothing is converted.
        unsafe {
            let bytes = ffi::lua_tolstring(self.raw, self.place_to_look_at(at), &mut len);
            Some(std::slice::from_raw_parts(bytes.cast(), len))
        }
    }

    /// The bytes of a string, or of a number, which becomes a string where it is.
    pub fn text(&mut self, at: i32) -> Option<&[u8]> {
        if self.kind(at) == Kind::Number {
            // SAFETY: the place exists; a number can be converted.
            unsafe { ffi::lua_tolstring(self.raw, self.place(at), std::ptr::null_mut()) };
        }
        self.bytes(at)
    }

    /// A number, or a string that can be read as one.
    #[inline]
    pub fn number(&self, at: i32) -> Option<f64> {
        if !matches!(self.kind(at), Kind::Number | Kind::String) {
            return None;
        }
        let at = self.place(at);
        // SAFETY: the place exists, and what is there is not changed.
        unsafe { (ffi::lua_isnumber(self.raw, at) != 0).then(|| ffi::lua_tonumber(self.raw, at)) }
    }

    /// Everything but nil and false is true.
    #[inline]
    pub fn is_true(&self, at: i32) -> bool {
        // SAFETY: the place exists.
        at <= self.top() && unsafe { ffi::lua_toboolean(self.raw, self.place(at)) != 0 }
    }

    /// Whether a value is the light userdata for nothing.
    pub fn is_null(&self, at: i32) -> bool {
        self.kind(at) == Kind::LightUserdata
            // SAFETY: the place exists.
            && unsafe { ffi::lua_touserdata(self.raw, self.place(at)).is_null() }
    }

    /// The length of a table's array.
    pub fn raw_len(&self, at: i32) -> usize {
        assert_eq!(self.kind(at), Kind::Table);
        // SAFETY: the place holds a table.
        unsafe { ffi::lua_objlen(self.raw, self.place(at)) }
    }

    /// Pushes nil.
    #[inline]
    pub fn push_nil(&mut self) {
        self.make_room();
        // SAFETY: there is room.
        unsafe { ffi::lua_pushnil(self.raw) }
    }

    /// Pushes a truth value.
    #[inline]
    pub fn push_boolean(&mut self, value: bool) {
        self.make_room();
        // SAFETY: there is room.
        unsafe { ffi::lua_pushboolean(self.raw, value.into()) }
    }

    /// Pushes a number.
    #[inline]
    pub fn push_number(&mut self, value: f64) {
        self.make_room();
        // SAFETY: there is room.
        unsafe { ffi::lua_pushnumber(self.raw, value) }
    }

    /// Pushes a string.
    #[inline]
    pub fn push_bytes(&mut self, bytes: &[u8]) {
        self.make_room();
        // SAFETY: there is room, and the bytes are copied; the allocator does not refuse.
        unsafe { ffi::lua_pushlstring_(self.raw, bytes.as_ptr().cast(), bytes.len()) }
    }

    /// Pushes the light userdata for nothing.
    pub fn push_null(&mut self) {
        self.make_room();
        // SAFETY: there is room.
        unsafe { ffi::lua_pushlightuserdata(self.raw, std::ptr::null_mut()) }
    }

    /// Pushes a value that no script can make.
    pub fn push_mark(&mut self) {
        self.make_room();
        // SAFETY: there is room; the address is never read from.
        unsafe { ffi::lua_pushlightuserdata(self.raw, (&raw const MARK).cast_mut().cast()) }
    }

    /// Pushes a copy of a value.
    #[inline]
    pub fn push_copy(&mut self, at: i32) {
        let at = self.place(at);
        self.make_room();
        // SAFETY: the place exists, and there is room.
        unsafe { ffi::lua_pushvalue(self.raw, at) }
    }

    /// Pushes an empty table with room for elements and for fields.
    #[inline]
    pub fn push_table(&mut self, elements: usize, fields: usize) {
        /// More room than this has to be grown into.
        const ROOM_MAX: usize = 1 << 16;
        self.make_room();
        let (elements, fields) = (elements.min(ROOM_MAX), fields.min(ROOM_MAX));
        // SAFETY: there is room, and the sizes are small; the allocator does not refuse.
        unsafe { ffi::lua_createtable(self.raw, elements as c_int, fields as c_int) }
    }

    /// Pushes a function written in Rust.
    pub fn push_function<F: Function>(&mut self, _function: F) {
        self.make_room();
        // SAFETY: there is room, and `enter` is what Lua may call.
        unsafe { ffi::lua_pushcclosure(self.raw, enter::<F>, 0) }
    }

    /// Pushes a function, whose first upvalue is the value on top, which it takes.
    pub fn push_function_with<F: Function>(&mut self, _function: F) {
        assert!(self.top() > 0, "there is a value for the upvalue");
        // SAFETY: there is a value, and `enter` is what Lua may call.
        unsafe { ffi::lua_pushcclosure(self.raw, enter::<F>, 1) }
    }

    /// Pushes a function in C, with so many of the topmost values as upvalues, which it takes.
    pub(super) fn push_native(&mut self, function: ffi::lua_CFunction, upvalues: i32) {
        assert!(upvalues <= self.top(), "there are values for the upvalues");
        self.make_room();
        // SAFETY: there are values and room.
        unsafe { ffi::lua_pushcclosure(self.raw, function, upvalues) }
    }

    /// Pushes the first upvalue of the function that is running.
    pub fn push_upvalue(&mut self) {
        self.make_room();
        // SAFETY: pushing an upvalue that is not there pushes nil.
        unsafe { ffi::lua_pushvalue(self.raw, ffi::lua_upvalueindex(1)) }
    }

    /// Pushes the globals of the state.
    pub fn push_globals(&mut self) {
        self.make_room();
        // SAFETY: there is room.
        unsafe { ffi::lua_pushvalue(self.raw, ffi::LUA_GLOBALSINDEX) }
    }

    /// Makes the table on top, which it takes, the globals of the state.
    pub fn set_globals(&mut self) {
        assert_eq!(self.kind(-1), Kind::Table);
        // SAFETY: there is a table on top.
        unsafe { ffi::lua_replace(self.raw, ffi::LUA_GLOBALSINDEX) }
    }

    /// Moves the topmost value to a place, and what is above that up.
    pub fn insert(&mut self, at: i32) {
        let at = self.place(at);
        // SAFETY: the place exists.
        unsafe { ffi::lua_insert(self.raw, at) }
    }

    /// Removes a value, and moves what is above it down.
    pub fn remove(&mut self, at: i32) {
        let at = self.place(at);
        // SAFETY: the place exists.
        unsafe { ffi::lua_remove(self.raw, at) }
    }

    #[inline]
    fn table(&self, at: i32) -> i32 {
        let place = self.place_to_look_at(at);
        assert_eq!(self.kind(place), Kind::Table);
        place
    }

    /// Replaces the key on top by what a table has under it, leaving metatables alone.
    #[inline]
    pub fn raw_get(&mut self, table: i32) {
        let table = self.table(table);
        assert!(self.top() > 0, "there is a key");
        // SAFETY: the place holds a table, and there is a key.
        unsafe { ffi::lua_rawget_(self.raw, table) }
    }

    /// Pushes what a table has under a name.
    #[inline]
    pub fn raw_field(&mut self, table: i32, name: &[u8]) {
        let table = self.table(table);
        self.push_bytes(name);
        self.raw_get(table);
    }

    /// Pushes an element of a table.
    #[inline]
    pub fn raw_element(&mut self, table: i32, index: i32) {
        let table = self.table(table);
        self.make_room();
        // SAFETY: the place holds a table, and there is room.
        unsafe { ffi::lua_rawgeti_(self.raw, table, index) }
    }

    /// Puts the value on top into a table, under the key below it; takes both. Nothing happens if the
    /// key is one that tables cannot have.
    #[inline]
    pub fn raw_set(&mut self, table: i32) {
        let table = self.table(table);
        assert!(self.top() > 1, "there are a key and a value");
        let is_nan = self.kind(-2) == Kind::Number && self.number(-2).is_some_and(f64::is_nan);
        if self.kind(-2) == Kind::Nil || is_nan {
            self.pop(2);
            return;
        }
        // SAFETY: the place holds a table, and the key is one that Lua takes.
        unsafe { ffi::lua_rawset(self.raw, table) }
    }

    /// Puts the value on top, which it takes, into a table under a name.
    pub fn raw_set_field(&mut self, table: i32, name: &str) {
        let table = self.table(table);
        assert!(self.top() > 0, "there is a value");
        self.push_bytes(name.as_bytes());
        self.insert(-2);
        // SAFETY: the place holds a table, and below the value is a string.
        unsafe { ffi::lua_rawset(self.raw, table) }
    }

    /// Puts the value on top, which it takes, into a table as its element.
    #[inline]
    pub fn raw_set_element(&mut self, table: i32, index: i32) {
        let table = self.table(table);
        assert!(self.top() > 0, "there is a value");
        // SAFETY: the place holds a table, and there is a value.
        unsafe { ffi::lua_rawseti_(self.raw, table, index) }
    }

    /// Replaces the key on top, or nil to begin, by the next key of a table and its value; or, after
    /// the last, takes it. The key must be one that the table has had since it got its last new one.
    pub fn next(&mut self, table: i32) -> bool {
        let table = self.table(table);
        assert!(self.top() > 0, "there is a key");
        self.make_room();
        // SAFETY: the place holds a table, there is room for a value beside the key, and the key is
        // nil or one that the table knows.
        unsafe { ffi::lua_next(self.raw, table) != 0 }
    }

    /// Shows all pairs of a table: `look` finds a key and a value on top, and leaves them there. The
    /// table must not get new keys meanwhile.
    ///
    /// # Errors
    ///
    /// What `look` returns; the values it leaves stay where they are.
    pub fn for_each<E>(
        &mut self,
        table: i32,
        mut look: impl FnMut(&mut Self) -> Result<(), E>,
    ) -> Result<(), E> {
        let table = self.table(table);
        self.push_nil();
        let top = self.top();
        while self.next(table) {
            look(self)?;
            assert_eq!(self.top(), top + 1, "key and value are left there");
            self.pop(1);
        }
        Ok(())
    }

    /// Gives the value at a place the metatable on top, which it takes.
    pub fn set_metatable(&mut self, at: i32) {
        let at = self.place(at);
        assert_eq!(self.kind(-1), Kind::Table);
        // SAFETY: the place exists and there is a table on top.
        unsafe { ffi::lua_setmetatable(self.raw, at) };
    }

    /// Takes the metatable of a table away.
    pub fn clear_metatable(&mut self, at: i32) {
        let at = self.table(at);
        self.push_nil();
        // SAFETY: the place exists and there is nil on top.
        unsafe { ffi::lua_setmetatable(self.raw, at) };
    }

    /// Whether two places hold the same value.
    pub fn is_same(&self, one: i32, other: i32) -> bool {
        // SAFETY: both places exist.
        unsafe { ffi::lua_rawequal(self.raw, self.place(one), self.place(other)) != 0 }
    }

    /// Where a table, function, thread or userdata is in memory.
    pub fn address(&self, at: i32) -> *const u8 {
        // SAFETY: the place exists; the pointer is only looked at.
        unsafe { ffi::lua_topointer(self.raw, self.place(at)).cast() }
    }

    /// Pushes the metatable of a value, if it has one.
    #[inline]
    pub fn push_metatable(&mut self, at: i32) -> bool {
        let at = self.place(at);
        self.make_room();
        // SAFETY: the place exists and there is room.
        unsafe { ffi::lua_getmetatable(self.raw, at) != 0 }
    }

    /// Takes the value on top and keeps it.
    pub fn keep(&mut self) -> Reference {
        assert!(self.top() > 0, "there is a value");
        // SAFETY: there is a value on top.
        Reference(unsafe { ffi::luaL_ref(self.raw, ffi::LUA_REGISTRYINDEX) })
    }

    /// Pushes a value that was kept.
    #[inline]
    pub fn push_kept(&mut self, reference: Reference) {
        self.make_room();
        // SAFETY: there is room; the registry is a table.
        unsafe { ffi::lua_rawgeti_(self.raw, ffi::LUA_REGISTRYINDEX, reference.0) }
    }

    /// Keeps a value no longer.
    pub fn release(&mut self, reference: Reference) {
        // SAFETY: the registry is a table with this reference.
        unsafe { ffi::luaL_unref(self.raw, ffi::LUA_REGISTRYINDEX, reference.0) }
    }

    /// Compiles a script and pushes it as a function; or what is wrong with it, as a string.
    ///
    /// `name` says where errors are, in Lua's notation.
    pub fn compile(&mut self, source: &[u8], name: &CStr) -> bool {
        // Kept on the stack meanwhile: Lua's parser does not hold on to its string.
        self.push_bytes(name.to_bytes());
        self.make_room();
        let spaced;
        let source = match source {
            // What begins like this is compiled code to Lua, which it trusts; as text it is wrong.
            [0x1b, ..] => {
                spaced = [b" ", source].concat();
                &spaced
            }
            source => source,
        };
        // SAFETY: the source and the name live long enough, and there is room. Errors are caught.
        let status = unsafe {
            ffi::luaL_loadbuffer(self.raw, source.as_ptr().cast(), source.len(), name.as_ptr())
        };
        self.remove(-2);
        status == ffi::LUA_OK
    }

    /// Calls the function below `arguments` values, with a function at a place to handle errors.
    /// Returns whether it went well; then its one result is on top, otherwise the error is.
    pub fn call(&mut self, arguments: i32, handler: i32) -> bool {
        let handler = self.place(handler);
        assert!(arguments < self.top(), "there is a function below its arguments");
        let depth = self.shared().leave_rust_for_lua();
        // SAFETY: function and handler are where they are said to be. Errors are caught.
        let status = unsafe { ffi::lua_pcall(self.raw, arguments, 1, handler) };
        self.shared().return_to_rust(depth);
        status == ffi::LUA_OK
    }

    /// As [`Stack::call`], without a function to handle errors and with all results, which lie where
    /// the function was.
    pub fn call_plain(&mut self, arguments: i32) -> bool {
        assert!(arguments < self.top(), "there is a function below its arguments");
        let depth = self.shared().leave_rust_for_lua();
        // SAFETY: the function is where it is said to be. Errors are caught.
        let status = unsafe { ffi::lua_pcall(self.raw, arguments, ffi::LUA_MULTRET, 0) };
        self.shared().return_to_rust(depth);
        status == ffi::LUA_OK
    }

    /// The function so many levels up the call stack; 0 is the one that is running.
    pub fn frame(&self, level: i32) -> Option<Frame> {
        // SAFETY: a `lua_Debug` is integers and pointers, which zeros are valid for.
        let mut record: ffi::lua_Debug = unsafe { std::mem::zeroed() };
        // SAFETY: the state is alive and the record is what Lua fills in. The source is a C string
        // that lives as long as its function, which is on the call stack.
        unsafe {
            if ffi::lua_getstack(self.raw, level, &mut record) == 0 {
                return None;
            }
            ffi::lua_getinfo(self.raw, c"Sl".as_ptr(), &mut record);
            Some(Frame {
                is_native: *record.what.cast::<u8>() == b'C',
                source: CStr::from_ptr(record.source).to_bytes().to_vec(),
                line: record.currentline,
            })
        }
    }

    /// An error with this text, behind the place in the script that has called the running function.
    pub fn error(&mut self, text: &[u8]) -> Raised {
        if !self.reserve(3) {
            // The function ends here, so what it has on the stack is not needed any more.
            self.pop(self.top());
        }
        self.push_place();
        self.push_bytes(text);
        self.concat_two();
        Raised
    }

    /// An error about an argument, in Lua's words.
    pub fn argument_error(&mut self, argument: i32, text: &str) -> Raised {
        // SAFETY: as in `frame`.
        let mut record: ffi::lua_Debug = unsafe { std::mem::zeroed() };
        // SAFETY: the state is alive; level 0 is the function that is running. Names are C strings
        // that live as long as the function that calls it.
        let (name, is_method) = unsafe {
            if ffi::lua_getstack(self.raw, 0, &mut record) == 0 {
                return self.error(format!("bad argument #{argument} ({text})").as_bytes());
            }
            ffi::lua_getinfo(self.raw, c"n".as_ptr(), &mut record);
            let name = record.name;
            let name =
                if name.is_null() { "?".into() } else { CStr::from_ptr(name).to_string_lossy() };
            (name, CStr::from_ptr(record.namewhat) == c"method")
        };
        let argument = argument - i32::from(is_method);
        let text = match argument {
            0 if is_method => format!("calling '{name}' on bad self ({text})"),
            _ => format!("bad argument #{argument} to '{name}' ({text})"),
        };
        self.error(text.as_bytes())
    }

    /// An error about the type of an argument.
    pub fn type_error(&mut self, argument: i32, expected: &str) -> Raised {
        let found = self.kind(argument).name();
        self.argument_error(argument, &format!("{expected} expected, got {found}"))
    }

    /// Raises the value on top.
    pub fn raise(&mut self) -> Raised {
        assert!(self.top() > 0, "there is an error to raise");
        Raised
    }

    /// Has the script end with an error that it cannot catch.
    pub fn stop(&mut self, why: &'static str) {
        stop(self.raw, self.shared(), why);
    }

    /// Pushes where the caller of the running function is, or nothing if that is not known.
    fn push_place(&mut self) {
        self.make_room();
        // SAFETY: there is room for the string and what it is made of.
        unsafe { ffi::luaL_where(self.raw, 1) }
    }

    fn concat_two(&mut self) {
        // SAFETY: two strings are on top, for which no metamethod is asked.
        unsafe { ffi::lua_concat(self.raw, 2) }
    }
}
