//! Data that scripts give to `cjson`, `cmsgpack` and `struct`: whatever it is, it is decoded or
//! refused, and what was decoded can be encoded. Decoding that gives the same values, where the format
//! promises it: numbers of JSON have 14 digits, MessagePack ends at 16 tables inside one another, and
//! `struct` has integers that no number of Lua's holds.
//!
//! The first byte of an input says which library the rest is for. For `struct`, that begins with the
//! format, up to the first line end.

#![no_main]

use libfuzzer_sys::fuzz_target;
use russet_fuzz::run_script;

/// Whether two values are the same all the way down, but for what a table has under other tables.
const SAME: &str = "
    local function same(one, other)
        if type(one) ~= 'table' or type(other) ~= 'table' then
            return one == other or (one ~= one and other ~= other)
        end
        for key, value in pairs(one) do
            if type(key) ~= 'table' and not same(value, other[key]) then return false end
        end
        for key in pairs(other) do
            if type(key) ~= 'table' and one[key] == nil then return false end
        end
        return true
    end
    local function again(decode, data)
        local is_fine, value = pcall(decode, data)
        if is_fine or string.find(value, 'not enough memory', 1, true) then return value end
        return nil, value
    end
";

/// What is done with the data of each library. A reply that is a string says what is wrong.
const READERS: [&str; 3] = [
    "local text = cjson.encode(cjson.decode(ARGV[1]))
     local value, wrong = again(cjson.decode, text)
     if wrong then return wrong end
     if same(value, cjson.decode(cjson.encode(value))) then return true end
     return 'the JSON means something else'",
    "cmsgpack.pack(cmsgpack.unpack(ARGV[1]))
     local function decode(data)
         local _, value = cmsgpack.unpack_one(data)
         return value
     end
     local packed = cmsgpack.pack(decode(ARGV[1]))
     local value, wrong = again(decode, packed)
     if wrong then return wrong end
     if same(value, decode(cmsgpack.pack(value))) then return true end
     return 'the MessagePack means something else'",
    "local format, data = string.match(ARGV[1], '^([^\\n]*)\\n(.*)$')
     local size = pcall(struct.size, format)
     local values = {struct.unpack(format, data)}
     local packed = struct.pack(format, unpack(values))
     for _, value in pairs(values) do
         if type(value) == 'number' and math.abs(value) >= 2 ^ 53 then return true end
     end
     if string.find(format, 'c0', 1, true) then return true end
     if same(values, {struct.unpack(format, packed)}) then return true end
     return 'the structure has other values'",
];

fuzz_target!(|input: &[u8]| {
    let Some((kind, data)) = input.split_first() else { return };
    let reader = READERS[usize::from(*kind) % READERS.len()];
    let reply = run_script(format!("{SAME} {reader}").as_bytes(), data);
    assert!(
        reply.as_ref().is_none_or(|reply| reply == b":1\r\n"),
        "{}",
        reply.unwrap_or_default().escape_ascii()
    );
});
