//! Chance that repeats.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

/// What is being made; each has a stream of its own, so that the stores can be
/// filled at the same time and in any order.
#[derive(Clone, Copy, Debug)]
pub(super) enum Stream {
    Cliente = 1,
    /// Where a client lives, which both the telephone and the addresses know.
    Lar = 2,
    Endereco = 3,
    Produto = 4,
    Compra = 5,
}

/// The chance that goes into one row. It depends on the seed, the stream and
/// the row's number alone, so that any row can be made without the ones before
/// it: a purchase asks for its product's price this way.
///
/// Only whole numbers, multiplication and square roots come out of it, which
/// are the same on every machine; the distributions of the crate `rand` may
/// change with its version.
#[derive(Debug)]
pub(super) struct Dice(ChaCha8Rng);

/// Room for one row's throws, in words of the stream.
const WORDS_PER_ROW: u128 = 256;

impl Dice {
    pub(super) fn new(seed: u64, stream: Stream, row: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(stream as u64);
        rng.set_word_pos(u128::from(row) * WORDS_PER_ROW);
        Self(rng)
    }

    /// A number from 0 up to but not including `bound`, which is at least 1.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        // The upper half of the product fits, since it is below `bound`.
        ((u128::from(self.0.next_u64()) * u128::from(bound)) >> 64) as u64
    }

    /// A number from `from` to `to`, both included.
    pub(super) fn between(&mut self, from: u64, to: u64) -> u64 {
        from + self.below(to - from + 1)
    }

    /// True so many times in a hundred.
    pub(super) fn percent(&mut self, times: u64) -> bool {
        self.below(100) < times
    }

    /// From 0 up to but not including 1.
    pub(super) fn fraction(&mut self) -> f64 {
        // 53 bits are what the type holds exactly.
        (self.0.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// One of `choices`, each as likely as the next. Lists are never empty.
    pub(super) fn pick<'a, T: ?Sized>(&mut self, choices: &[&'a T]) -> &'a T {
        choices[self.below(choices.len() as u64) as usize]
    }

    /// The position of one of `weights`, a heavy one more often.
    pub(super) fn weighted(&mut self, weights: impl Iterator<Item = u32> + Clone) -> usize {
        let total: u64 = weights.clone().map(u64::from).sum();
        let mut left = self.below(total);
        for (position, weight) in weights.enumerate() {
            match left.checked_sub(u64::from(weight)) {
                Some(rest) => left = rest,
                None => return position,
            }
        }
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_row_throws_the_same_and_another_row_does_not() {
        let throws = |seed, stream, row| {
            let mut dice = Dice::new(seed, stream, row);
            [(); 8].map(|()| dice.below(1_000_000))
        };
        // Written out: a new version of the generator must not change the data.
        assert_eq!(throws(1, Stream::Compra, 7), EXPECTED);
        assert_ne!(throws(1, Stream::Compra, 8), EXPECTED);
        assert_ne!(throws(2, Stream::Compra, 7), EXPECTED);
        assert_ne!(throws(1, Stream::Produto, 7), EXPECTED);
    }

    const EXPECTED: [u64; 8] = [96_738, 943_389, 704_184, 165_417, 781_936, 546_512, 229_516, 872_941];

    #[test]
    fn stays_within_its_bounds() {
        for row in 0..2_000 {
            let mut dice = Dice::new(3, Stream::Cliente, row);
            assert!((5..=7).contains(&dice.between(5, 7)));
            assert_eq!(dice.below(1), 0);
            assert!((0.0..1.0).contains(&dice.fraction()));
            assert_ne!(dice.weighted([4, 0, 1].into_iter()), 1);
        }
    }
}
