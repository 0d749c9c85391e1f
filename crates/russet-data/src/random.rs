//! Uniform random numbers, and some that are known before they are used.
//!
//! Whoever takes elements at random out of a large table waits for the memory of each: which one it is
//! depends on nothing but a number that nobody has drawn yet. So [`Foresight`] draws numbers some time
//! before they are used. A table can then begin to fetch what they will choose. It is the number that is
//! known and not the choice: whatever happens to the table meanwhile, every element is equally likely,
//! because the number does not depend on it.

/// A source of uniform 64-bit numbers.
pub trait RandomNumbers {
    /// The next number.
    fn next(&mut self) -> u64;

    /// Some of those that come later, if they are known.
    fn foreseen(&self) -> Option<Foreseen> {
        None
    }
}

impl<F: FnMut() -> u64 + ?Sized> RandomNumbers for F {
    fn next(&mut self) -> u64 {
        self()
    }
}

/// A borrowed source.
pub type Random<'a> = &'a mut dyn RandomNumbers;

/// A number below `bound`, every one being equally likely as far as 64 bits go.
#[inline]
#[must_use]
pub fn random_below(random: Random<'_>, bound: usize) -> usize {
    ((u128::from(random.next()) * bound as u128) >> u64::BITS) as usize
}

/// Two numbers that will be used. Every number is the later one once, and the sooner one some uses after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Foreseen {
    /// It comes after about as many others as are used while something is fetched from memory.
    pub sooner: u64,
    /// It comes after twice as many.
    pub later: u64,
}

/// How many numbers are known.
const KNOWN: usize = 16;
/// After how many others the sooner one of [`Foreseen`] comes.
const SOONER: usize = KNOWN / 2;

/// Numbers that have been drawn and not been used.
#[derive(Debug)]
pub struct Foresight {
    numbers: [u64; KNOWN],
    /// Where the next one is, and after use the one that is drawn for it.
    next: usize,
}

impl Foresight {
    /// Draws the first ones.
    pub fn new(mut draw: impl FnMut() -> u64) -> Self {
        Foresight { numbers: std::array::from_fn(|_| draw()), next: 0 }
    }

    /// The numbers as a source, which goes on with `draw`.
    pub fn with<F: FnMut() -> u64>(&mut self, draw: F) -> impl RandomNumbers {
        Ahead { known: self, draw }
    }
}

struct Ahead<'a, F> {
    known: &'a mut Foresight,
    draw: F,
}

impl<F: FnMut() -> u64> RandomNumbers for Ahead<'_, F> {
    #[inline]
    fn next(&mut self) -> u64 {
        let Foresight { numbers, next } = &mut *self.known;
        let number = std::mem::replace(&mut numbers[*next], (self.draw)());
        *next = (*next + 1) % KNOWN;
        number
    }

    #[inline]
    fn foreseen(&self) -> Option<Foreseen> {
        let Foresight { numbers, next } = &*self.known;
        let at = |distance| numbers[(next + distance) % KNOWN];
        Some(Foreseen { sooner: at(SOONER), later: at(KNOWN - 1) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_in_their_order_and_as_foreseen() {
        let mut numbers = 0..;
        let mut draw = || numbers.next().expect("they do not end");
        let mut foresight = Foresight::new(&mut draw);
        for expected in 0..100 {
            let mut source = foresight.with(&mut draw);
            assert_eq!(source.next(), expected);
            let first = expected + 1;
            let (sooner, later) = (first + SOONER as u64, first + KNOWN as u64 - 1);
            assert_eq!(source.foreseen(), Some(Foreseen { sooner, later }));
        }
    }
}
