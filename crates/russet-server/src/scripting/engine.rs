//! A worker's interpreter, with the scripts that it has compiled.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use russet_script::sandbox::{ErrorStyle, Identity};
use russet_script::{Compiled, Interpreter};

use super::cache::{Digest, Script, Scripts};
use crate::config::{Compatibility, Config};

/// Compiled scripts beyond those that the server knows, before the forgotten ones are looked for.
const FORGOTTEN_KEPT: usize = 64;

/// Digests as their own hashes: nobody can make up scripts of which 64 bits of the digests agree.
#[derive(Default)]
struct DigestHash(u64);

impl Hasher for DigestHash {
    fn write(&mut self, bytes: &[u8]) {
        if let Some((head, tail)) = bytes
            .split_first_chunk()
            .zip(bytes.last_chunk())
            .map(|((head, _), tail)| (u64::from_le_bytes(*head), u64::from_le_bytes(*tail)))
        {
            // Of a hexadecimal digit four bits count, which the product spreads.
            self.0 = (head ^ tail.rotate_left(4)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        }
    }

    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 32)
    }
}

/// See the module's documentation.
pub struct Engine {
    interpreter: Interpreter,
    compiled: HashMap<Digest, (Arc<Script>, Compiled), BuildHasherDefault<DigestHash>>,
    /// The scripts' generation that it belongs to.
    generation: u64,
}

impl Engine {
    /// An engine that has compiled nothing yet.
    pub fn new(config: &Config, scripts: &Scripts) -> Self {
        let compatibility = config.compatibility;
        let errors = match compatibility {
            Compatibility::V4_0 => ErrorStyle::Lines,
            Compatibility::V7_2 => ErrorStyle::Tables,
        };
        let identity = Identity { version: compatibility.redis_version().to_owned(), errors };
        Engine {
            interpreter: Interpreter::new(&identity),
            compiled: HashMap::default(),
            generation: scripts.generation(),
        }
    }

    /// Whether all scripts were forgotten since this was made: another one is to take its place.
    pub fn is_outdated(&self, scripts: &Scripts) -> bool {
        self.generation != scripts.generation()
    }

    /// The interpreter, to run what was compiled.
    pub fn interpreter(&mut self) -> &mut Interpreter {
        &mut self.interpreter
    }

    /// Bytes in use.
    pub fn used_bytes(&self) -> usize {
        self.interpreter.used_bytes()
    }

    /// A script of this digest that has been compiled here and is known still.
    #[inline]
    pub fn find(&self, digest: &Digest) -> Option<(&Script, Compiled)> {
        let (script, compiled) = self.compiled.get(digest)?;
        (!script.is_forgotten()).then_some((script, *compiled))
    }

    /// Compiles a script.
    ///
    /// # Errors
    ///
    /// What is wrong with it, in Lua's words.
    pub fn compile(
        &mut self,
        script: &Arc<Script>,
        scripts: &Scripts,
    ) -> Result<Compiled, Vec<u8>> {
        if let Some((_, compiled)) = self.find(&script.digest) {
            return Ok(compiled);
        }
        if self.compiled.len() > scripts.len() + FORGOTTEN_KEPT {
            self.sweep();
        }
        let compiled = script.with_code(|code| self.interpreter.compile(code))?;
        if let Some((_, old)) = self.compiled.insert(script.digest, (script.clone(), compiled)) {
            self.interpreter.forget(old);
        }
        Ok(compiled)
    }

    /// Forgets what the server has forgotten.
    fn sweep(&mut self) {
        let interpreter = &mut self.interpreter;
        self.compiled.retain(|_, (script, compiled)| {
            let is_kept = !script.is_forgotten();
            if !is_kept {
                interpreter.forget(*compiled);
            }
            is_kept
        });
    }
}
