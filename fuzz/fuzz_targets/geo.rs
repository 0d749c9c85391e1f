//! Places and areas from any numbers: scores may be any, coordinates and sizes what a client writes.
//!
//! An input is a score, two coordinates, two sizes and a unit, as floats.

#![no_main]

use libfuzzer_sys::fuzz_target;
use russet_data::geo::{Area, Place, Shape};

/// Scores of places are below this one.
const SCORES: f64 = (1_u64 << 52) as f64;

fuzz_target!(|input: &[u8]| {
    let (numbers, _) = input.as_chunks();
    let Some(&numbers) = numbers.first_chunk() else { return };
    let [score, longitude, latitude, width, height, unit_meters] = numbers.map(f64::from_le_bytes);
    let place = Place::of_score(score);
    assert_eq!(Place::new(place.longitude, place.latitude), Some(place), "it is on the map");
    assert!(place.geohash().is_ascii());
    if (0.0..SCORES).contains(&score) {
        assert_eq!(place.score(), score.trunc());
    }
    let Some(middle) = Place::new(longitude, latitude) else { return };
    // The eastern and the northern edge of the map are cells beyond the others.
    assert!((0.0..4.0 * SCORES).contains(&middle.score()));
    let distance = middle.distance_meters(place);
    assert!((0.0..=20_100_000.0).contains(&distance), "half around the earth: {distance}");
    // The command refuses others. What is no number is let through, as in Redis.
    if width < 0.0 || height < 0.0 || unit_meters < 0.0 {
        return;
    }
    for shape in [Shape::Circle { radius: width }, Shape::Box { width, height }] {
        let area = Area { middle, shape, unit_meters };
        let cells = area.cells();
        assert!((1..=9).contains(&cells.len()));
        assert!(cells.iter().all(|cell| cell.scores().start < cell.scores().end));
        if let Some(found) = area.distance_within_meters(place) {
            assert_eq!(found, distance);
        }
    }
});
