//! Protected tables. See [`super`].

use super::errors::ErrorStyle;
use crate::lua::{Kind, READONLY, Raised, Stack};

/// Puts protected tables in the places of all tables that are globals, and one in the place of the
/// globals themselves. The table behind the globals stays on top.
pub fn protect_all(stack: &mut Stack<'_>, globals: i32) {
    debug_assert_eq!(stack.top(), globals);
    let mut names = Vec::new();
    let collected: Result<(), ()> = stack.for_each(globals, |stack| {
        if stack.kind(-1) == Kind::Table && stack.bytes(-2) != Some(b"_G") {
            names.extend(stack.bytes(-2).map(<[u8]>::to_vec));
        }
        Ok(())
    });
    debug_assert!(collected.is_ok());
    for name in names {
        stack.raw_field(globals, &name);
        push_protected(stack);
        stack.push_bytes(&name);
        stack.insert(-2);
        stack.raw_set(globals);
    }
    // Strings reach their methods through a metatable of their own.
    stack.push_table(0, 1);
    stack.raw_field(globals, b"string");
    stack.raw_set_field(-2, "__index");
    push_protected(stack);
    // What scripts see as the metatable of the globals.
    stack.push_table(0, 1);
    stack.push_function(nonexistent);
    stack.raw_set_field(-2, "__index");
    push_protected(stack);
    stack.push_copy(globals);
    push_protected(stack);
    stack.push_copy(-1);
    stack.raw_set_field(globals, "_G");
    let shown = stack.top();
    // `getmetatable` finds all three in one table.
    stack.push_table(3, 0);
    for (index, from) in (1..).zip([shown - 2, shown - 1, shown]) {
        stack.push_copy(from);
        stack.raw_set_element(-2, index);
    }
    stack.push_function_with(getmetatable);
    stack.raw_set_field(globals, "getmetatable");
    // What is no global is looked for behind them last.
    stack.push_table(0, 1);
    stack.push_function(nonexistent);
    stack.raw_set_field(-2, "__index");
    stack.set_metatable(globals);
    stack.set_globals();
    stack.set_top(globals);
}

/// Replaces the table on top by a protected one that stands for it.
fn push_protected(stack: &mut Stack<'_>) {
    stack.push_table(0, 0);
    stack.push_table(0, 3);
    let (target, metatable) = (stack.top() - 2, stack.top());
    stack.push_copy(target);
    stack.raw_set_field(metatable, "__index");
    stack.push_function(refuse);
    stack.raw_set_field(metatable, "__newindex");
    stack.push_mark();
    stack.push_copy(target);
    stack.raw_set(metatable);
    stack.set_metatable(-2);
    stack.remove(target);
}

/// Whoever writes to a protected table gets this.
fn refuse(stack: &mut Stack<'_>) -> Result<usize, Raised> {
    if stack.shared().style.get() == ErrorStyle::Lines && stack.kind(1) == Kind::Table {
        // Before all tables were protected, only new globals were refused.
        stack.push_globals();
        if stack.is_same(1, -1) {
            let name = global_name(stack);
            return Err(stack.error(&quoted("Script attempted to create global variable", &name)));
        }
    }
    Err(stack.error(READONLY.as_bytes()))
}

/// Whoever reads a global that does not exist gets this.
fn nonexistent(stack: &mut Stack<'_>) -> Result<usize, Raised> {
    let name = global_name(stack);
    let text = stack.shared().style.get().choose(
        "Script attempted to access nonexistent global variable",
        "Script attempted to access unexisting global variable",
    );
    Err(stack.error(&quoted(text, &name)))
}

/// The name of the global that a metamethod is asked for.
fn global_name(stack: &mut Stack<'_>) -> Vec<u8> {
    match stack.text(2) {
        // As in C, the name ends at its first zero byte.
        Some(name) => name.split(|&byte| byte == 0).next().unwrap_or_default().to_vec(),
        None => b"(null)".to_vec(),
    }
}

fn quoted(text: &str, name: &[u8]) -> Vec<u8> {
    [text.as_bytes(), b" '", name, b"'"].concat()
}

/// `getmetatable(value)`; its upvalue is a list: the protected metatable of strings, that of the
/// globals, the globals.
fn getmetatable(stack: &mut Stack<'_>) -> Result<usize, Raised> {
    if stack.kind(1) == Kind::None {
        return Err(stack.argument_error(1, "value expected"));
    }
    stack.set_top(1);
    stack.push_upvalue();
    let shown = match stack.kind(1) {
        Kind::String => Some(1),
        Kind::Table if stack.is_protected(1) => {
            stack.raw_element(2, 3);
            if !stack.is_same(1, 3) {
                stack.push_nil();
                return Ok(1);
            }
            Some(2)
        }
        _ => None,
    };
    if let Some(index) = shown {
        stack.raw_element(2, index);
        return Ok(1);
    }
    if !stack.push_metatable(1) {
        stack.push_nil();
        return Ok(1);
    }
    stack.raw_field(-1, b"__metatable");
    if stack.kind(-1) == Kind::Nil {
        stack.pop(1);
    }
    Ok(1)
}
