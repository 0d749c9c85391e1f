//! What tests of several structures share.

use std::collections::BTreeMap;

/// Numbers that are as good as random, from a counter; the same for the same seed.
pub fn random(seed: u64) -> impl FnMut() -> u64 {
    let mut state = seed;
    move || {
        // SplitMix64.
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

/// What was drawn, and how often each.
pub struct Draws(BTreeMap<Vec<u8>, u32>);

impl Draws {
    pub const fn new() -> Self {
        Draws(BTreeMap::new())
    }

    pub fn count(&mut self, drawn: Vec<u8>) {
        *self.0.entry(drawn).or_default() += 1;
    }

    /// Asserts that a choice among a hundred things was uniform: with 99 degrees of freedom the
    /// statistic of a chi-square test exceeds 161 once in 10,000 runs. In tests elements always have the
    /// same hashes, so that these runs are always the same.
    pub fn assert_uniform_among_100(&self, what: &str) {
        let draws: u32 = self.0.values().sum();
        let expected = f64::from(draws) / 100.0;
        let missing = (100 - self.0.len()) as f64 * expected;
        let excess = |n: &u32| (f64::from(*n) - expected).powi(2) / expected;
        let statistic = missing + self.0.values().map(excess).sum::<f64>();
        assert!(statistic < 161.0, "{what}: {statistic}");
    }
}
