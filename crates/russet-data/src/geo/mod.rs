//! Places on Earth as numbers: geohashes of 52 bits, which are scores of sorted sets.
//!
//! The globe, as a map in longitude and latitude, is halved again and again, 26 times in each
//! direction. The bits that say which halves a place is in are interleaved, latitude in the even ones:
//!
//! ```text
//!  51  50  49  48              1   0
//! ┌───┬───┬───┬───┬─ ─ ─ ─ ─┬───┬───┐
//! │lon│lat│lon│lat│         │lon│lat│       first halves first
//! └───┴───┴───┴───┴─ ─ ─ ─ ─┴───┴───┘
//! ```
//!
//! All places that share their first bits lie in one *cell* of the map (`cell.rs`), so a cell is a range
//! of scores, and a search around a place is one in the few cells that cover it (`area.rs`). 52 bits
//! fit the precision of a float, and a cell of so many is 60 centimetres wide.
//!
//! The map ends at 85.05 degrees north and south, as that of web maps does (EPSG:3857). All arithmetic
//! follows Redis', operation by operation: a rounding error would be another reply.

mod area;
mod cell;

pub use area::{Area, Shape};
pub use cell::Cell;

/// The mean radius of the Earth (the quadratic mean of WGS 84) that distances are computed with.
const EARTH_RADIUS_METERS: f64 = 6_372_797.560_856;
/// How often a place's cell is halved in each direction.
const MAX_STEPS: u32 = 26;
const STANDARD_LATITUDE: Axis = Axis { min: -90.0, max: 90.0 };

/// What the map covers in one direction, in degrees.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Axis {
    min: f64,
    max: f64,
}

const LONGITUDE: Axis = Axis { min: -180.0, max: 180.0 };
const LATITUDE: Axis = Axis { min: -85.051_128_78, max: 85.051_128_78 };

impl Axis {
    fn contains(self, degrees: f64) -> bool {
        (self.min..=self.max).contains(&degrees)
    }

    /// Which of `2^steps` parts holds a coordinate; the end of the axis is a part of its own.
    fn part(self, degrees: f64, steps: u32) -> u32 {
        ((degrees - self.min) / (self.max - self.min) * (1_u64 << steps) as f64) as u32
    }

    /// Where part `part` of `2^steps` begins.
    fn start_of(self, part: u32, steps: u32) -> f64 {
        self.min + f64::from(part) / (1_u64 << steps) as f64 * (self.max - self.min)
    }
}

/// A place, in degrees.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    /// East of Greenwich, from -180 to 180.
    pub longitude: f64,
    /// North of the equator, from -85.05112878 to 85.05112878.
    pub latitude: f64,
}

impl Place {
    /// The place, if the map has it.
    #[must_use]
    pub fn new(longitude: f64, latitude: f64) -> Option<Self> {
        let is_on_map = LONGITUDE.contains(longitude) && LATITUDE.contains(latitude);
        is_on_map.then_some(Place { longitude, latitude })
    }

    /// The score that stands for the place.
    #[must_use]
    pub fn score(self) -> f64 {
        Cell::around(self, MAX_STEPS).bits() as f64
    }

    /// The place that a score stands for: the middle of its cell. Scores that stand for none, as any
    /// number may be a score, are read as if they did.
    #[must_use]
    pub fn of_score(score: f64) -> Self {
        let (longitude, latitude) = Cell::from_bits(to_bits(score), MAX_STEPS).extent();
        let middle = |(min, max): (f64, f64), axis: Axis| {
            f64::midpoint(min, max).min(axis.max).max(axis.min)
        };
        Place { longitude: middle(longitude, LONGITUDE), latitude: middle(latitude, LATITUDE) }
    }

    /// The distance to another place in metres, along a great circle (the haversine formula).
    #[must_use]
    pub fn distance_meters(self, other: Place) -> f64 {
        let (longitude, other_longitude) = (radians(self.longitude), radians(other.longitude));
        let v = ((other_longitude - longitude) / 2.0).sin();
        if v == 0.0 {
            return latitude_distance_meters(self.latitude, other.latitude);
        }
        let (latitude, other_latitude) = (radians(self.latitude), radians(other.latitude));
        let u = ((other_latitude - latitude) / 2.0).sin();
        let a = u * u + latitude.cos() * other_latitude.cos() * v * v;
        2.0 * EARTH_RADIUS_METERS * a.sqrt().asin()
    }

    /// The geohash as others write it (geohash.org): in base 32, eleven characters, with latitudes from
    /// pole to pole.
    #[must_use]
    pub fn geohash(self) -> [u8; 11] {
        const ALPHABET: &[u8; 32] = b"0123456789bcdefghjkmnpqrstuvwxyz";
        let x = LONGITUDE.part(self.longitude, MAX_STEPS);
        let y = STANDARD_LATITUDE.part(self.latitude, MAX_STEPS);
        let bits = cell::interleave(y, x);
        std::array::from_fn(|at| {
            // Of the 55 bits that eleven characters have, 52 are known; Redis takes the last five to
            // be zero.
            let digit = if at == 10 { 0 } else { bits >> (47 - 5 * at) & 0x1f };
            ALPHABET[digit as usize]
        })
    }
}

/// The distance in metres between two places of the same longitude.
fn latitude_distance_meters(one: f64, other: f64) -> f64 {
    EARTH_RADIUS_METERS * (radians(other) - radians(one)).abs()
}

const RADIANS_PER_DEGREE: f64 = std::f64::consts::PI / 180.0;

fn radians(degrees: f64) -> f64 {
    degrees * RADIANS_PER_DEGREE
}

fn degrees(radians: f64) -> f64 {
    radians / RADIANS_PER_DEGREE
}

/// The bits of a score, for numbers that are no geohash what C programs get on x86-64.
fn to_bits(score: f64) -> u64 {
    const TWO_TO_63: f64 = (1_u64 << 63) as f64;
    if score < TWO_TO_63 {
        score as i64 as u64
    } else if score < 2.0 * TWO_TO_63 {
        score as u64
    } else {
        0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn place(longitude: f64, latitude: f64) -> Place {
        Place::new(longitude, latitude).expect("on the map")
    }

    pub(super) fn any_place() -> impl Strategy<Value = Place> {
        (LONGITUDE.min..=LONGITUDE.max, LATITUDE.min..=LATITUDE.max)
            .prop_map(|(longitude, latitude)| Place { longitude, latitude })
    }

    /// Against GEOADD, GEOHASH and GEODIST of Redis 7.0.
    #[test]
    fn scores_hashes_and_distances_are_those_of_redis() {
        let palermo = place(13.361389, 38.115556);
        let catania = place(15.087269, 37.502669);
        assert_eq!(palermo.score(), 3_479_099_956_230_698.0);
        assert_eq!(catania.score(), 3_479_447_370_796_909.0);
        let read = Place::of_score(palermo.score());
        assert_eq!(format!("{:.17}", read.longitude), "13.36138933897018433");
        assert_eq!(format!("{:.17}", read.latitude), "38.11555639549629859");
        assert_eq!(&read.geohash(), b"sqc8b49rny0");
        let distance = read.distance_meters(Place::of_score(catania.score()));
        assert_eq!(format!("{distance:.4}"), "166274.1516");
    }

    #[test]
    fn what_is_not_on_the_map_is_refused() {
        assert!(Place::new(180.0, 85.051_128_78).is_some());
        for (longitude, latitude) in [(180.1, 0.0), (0.0, 85.06), (-181.0, 0.0), (f64::NAN, 0.0)] {
            assert_eq!(Place::new(longitude, latitude), None);
        }
    }

    #[test]
    fn any_score_is_some_place() {
        for score in [-1.0, f64::INFINITY, f64::NEG_INFINITY, 1e18, 1e19, 1e300, 0.5, -1e300] {
            let place = Place::of_score(score);
            assert!(Place::new(place.longitude, place.latitude).is_some(), "{score}");
        }
    }

    proptest! {
        #[test]
        fn a_place_is_in_its_own_cell(place in any_place()) {
            let read = Place::of_score(place.score());
            prop_assert!(place.distance_meters(read) < 1.0);
            // Reading and writing again may move by a rounding error, but not by a cell.
            prop_assert!(read.distance_meters(Place::of_score(read.score())) < 1.0);
        }

        #[test]
        fn distances_are_symmetric_and_bounded(one in any_place(), other in any_place()) {
            let there = one.distance_meters(other);
            prop_assert!((there - other.distance_meters(one)).abs() < 1e-3);
            prop_assert!((0.0..=std::f64::consts::PI * EARTH_RADIUS_METERS + 1.0).contains(&there));
        }
    }
}
