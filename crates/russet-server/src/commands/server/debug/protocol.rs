//! Replies of every type, for tests of clients.

use russet_resp::Protocol;

use crate::error::Error;
use crate::exec::Ctx;

pub fn error(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    ctx.out.error_bytes(ctx.args.get(2));
    Ok(())
}

/// What Redis' example of a double is; clients' tests expect just this.
#[allow(clippy::approx_constant)]
const EXAMPLE_DOUBLE: f64 = 3.141;

pub fn example(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let name = ctx.args.get(2).to_ascii_lowercase();
    let is_resp3 = ctx.out.protocol() == Protocol::Resp3;
    let out = &mut ctx.out;
    match &name[..] {
        b"string" => out.bulk(b"Hello World"),
        b"integer" => out.integer(12345),
        b"double" => out.double(EXAMPLE_DOUBLE),
        b"bignum" => out.big_number(b"1234567999999999999999999999999999999"),
        b"null" => out.null(),
        b"array" => {
            out.array(3);
            (0..3).for_each(|number| out.integer(number));
        }
        b"set" => {
            out.set(3);
            (0..3).for_each(|number| out.integer(number));
        }
        b"map" => {
            out.map(3);
            for number in 0..3 {
                out.integer(number);
                out.boolean(number == 1);
            }
        }
        b"attrib" => {
            if is_resp3 {
                out.attribute(1);
                out.bulk(b"key-popularity");
                out.array(2);
                out.bulk(b"key:123");
                out.integer(90);
            }
            out.bulk(b"Some real reply following the attribute");
        }
        b"push" if !is_resp3 => {
            return Err(Error::new("ERR RESP2 is not supported by this command"));
        }
        b"push" => {
            out.push(2);
            out.bulk(b"server-cpu-usage");
            out.integer(42);
            // A push is no reply, and every command has one.
            out.bulk(b"Some real reply following the push reply");
        }
        b"verbatim" => out.verbatim(b"txt", b"This is a verbatim\nstring"),
        b"true" => out.boolean(true),
        b"false" => out.boolean(false),
        _ => {
            return Err(Error::new(
                "ERR Wrong protocol type name. Please use one of the following: \
                 string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false",
            ));
        }
    }
    Ok(())
}
