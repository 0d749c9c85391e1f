//! What is searched: circles and boxes, and the cells that cover them.

use super::cell::Cell;
use super::{EARTH_RADIUS_METERS, MAX_STEPS, Place, degrees, latitude_distance_meters, radians};

/// What is to be within an area, in a unit of the client's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shape {
    /// Everything up to this distance.
    Circle {
        /// From the middle.
        radius: f64,
    },
    /// A box along the meridians.
    Box {
        /// From west to east.
        width: f64,
        /// From north to south.
        height: f64,
    },
}

/// A shape around a place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Area {
    /// The middle.
    pub middle: Place,
    /// What lies around it.
    pub shape: Shape,
    /// Metres in the unit of the shape.
    pub unit_meters: f64,
}

/// From where to where an area reaches, in degrees.
struct Bounds {
    longitude: (f64, f64),
    latitude: (f64, f64),
}

/// Neighbours in the order in which they are searched, which is that of results without another
/// order: to the east and to the north.
const NEIGHBOURS: [(i32, i32); 8] =
    [(0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (-1, 1), (1, -1), (-1, -1)];

impl Area {
    /// The distance of a place from the middle in metres, if the area includes it.
    #[must_use]
    pub fn distance_within_meters(&self, place: Place) -> Option<f64> {
        match self.shape {
            Shape::Circle { radius } => {
                let distance = self.middle.distance_meters(place);
                (distance <= radius * self.unit_meters).then_some(distance)
            }
            Shape::Box { width, height } => {
                let (width, height) = (width * self.unit_meters, height * self.unit_meters);
                // The cheaper one first.
                if latitude_distance_meters(place.latitude, self.middle.latitude) > height / 2.0 {
                    return None;
                }
                let beside = Place { longitude: self.middle.longitude, ..place };
                if place.distance_meters(beside) > width / 2.0 {
                    return None;
                }
                Some(self.middle.distance_meters(place))
            }
        }
    }

    /// The cells in which places of the area may lie. A huge area may have some cells twice, and the
    /// results in them, as in Redis.
    #[must_use]
    pub fn cells(&self) -> Vec<Cell> {
        let bounds = self.bounds();
        let mut steps = self.steps();
        let mut middle = Cell::around(self.middle, steps);
        if steps > 1 && !reaches(middle, &bounds) {
            steps -= 1;
            middle = Cell::around(self.middle, steps);
        }
        let (longitude, latitude) = middle.extent();
        let is_useful = |(east, north): (i32, i32)| {
            // In a map of four cells, all are.
            steps < 2
                || !(north < 0 && latitude.0 < bounds.latitude.0
                    || north > 0 && latitude.1 > bounds.latitude.1
                    || east < 0 && longitude.0 < bounds.longitude.0
                    || east > 0 && longitude.1 > bounds.longitude.1)
        };
        let mut cells = vec![middle];
        for (east, north) in NEIGHBOURS.into_iter().filter(|towards| is_useful(*towards)) {
            let cell = middle.neighbour(east, north);
            // The cell in the middle is not compared with.
            if cells.len() == 1 || cells.last() != Some(&cell) {
                cells.push(cell);
            }
        }
        cells
    }

    /// How small cells may be so that the one in the middle and those around it cover the area, for a
    /// start.
    fn steps(&self) -> u32 {
        /// Half the equator in the map's projection.
        const MERCATOR_MAX: f64 = 20_037_726.37;
        let reach = match self.shape {
            Shape::Circle { radius } => radius,
            Shape::Box { width, height } => {
                (width / 2.0 * (width / 2.0) + height / 2.0 * (height / 2.0)).sqrt()
            }
        };
        let mut reach = reach * self.unit_meters;
        if reach == 0.0 {
            return MAX_STEPS;
        }
        let mut steps = 1;
        while reach < MERCATOR_MAX {
            reach *= 2.0;
            steps += 1;
        }
        steps -= 2;
        // Meridians come closer towards the poles.
        let latitude = self.middle.latitude.abs();
        steps -= i32::from(latitude > 66.0) + i32::from(latitude > 80.0);
        steps.clamp(1, MAX_STEPS as i32) as u32
    }

    fn bounds(&self) -> Bounds {
        let (width, height) = match self.shape {
            Shape::Circle { radius } => (radius, radius),
            Shape::Box { width, height } => (width / 2.0, height / 2.0),
        };
        let (width, height) = (self.unit_meters * width, self.unit_meters * height);
        let Place { longitude, latitude } = self.middle;
        let up = degrees(height / EARTH_RADIUS_METERS);
        // The edge that is nearer to a pole spans more degrees.
        let edge = if latitude < 0.0 { latitude - up } else { latitude + up };
        let across = degrees(width / EARTH_RADIUS_METERS / radians(edge).cos());
        Bounds {
            longitude: (longitude - across, longitude + across),
            latitude: (latitude - up, latitude + up),
        }
    }
}

/// Whether a cell with its neighbours reaches as far as an area does.
fn reaches(middle: Cell, bounds: &Bounds) -> bool {
    let (_, north) = middle.neighbour(0, 1).extent();
    let (_, south) = middle.neighbour(0, -1).extent();
    let (east, _) = middle.neighbour(1, 0).extent();
    let (west, _) = middle.neighbour(-1, 0).extent();
    north.1 >= bounds.latitude.1
        && south.0 <= bounds.latitude.0
        && east.1 >= bounds.longitude.1
        && west.0 <= bounds.longitude.0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::tests::any_place;
    use super::*;

    /// Away from the poles and the edges of the map, where Redis' cells are known to miss places.
    fn central_place() -> impl Strategy<Value = Place> {
        (-90.0..90.0, -55.0..55.0).prop_map(|(longitude, latitude)| Place { longitude, latitude })
    }

    proptest! {
        #[test]
        fn what_an_area_includes_is_in_its_cells(
            middle in central_place(), radius in 1.0..1e6, longitude in -1.0..1.0, latitude in -1.0..1.0,
            is_box: bool,
        ) {
            let shape = if is_box {
                Shape::Box { width: radius, height: radius / 3.0 }
            } else {
                Shape::Circle { radius }
            };
            let area = Area { middle, shape, unit_meters: 1.0 };
            let reach = degrees(radius / EARTH_RADIUS_METERS) * 1.5;
            let place = Place {
                longitude: middle.longitude + longitude * reach,
                latitude: middle.latitude + latitude * reach,
            };
            let score = place.score();
            let place = Place::of_score(score);
            if area.distance_within_meters(place).is_some() {
                let cells = area.cells();
                prop_assert!(cells.iter().any(|cell| cell.scores().contains(&score)));
            }
        }

        #[test]
        fn any_area_has_cells(middle in any_place(), radius in 0.0..1e9) {
            let area = Area { middle, shape: Shape::Circle { radius }, unit_meters: 1.0 };
            let cells = area.cells();
            prop_assert!((1..=9).contains(&cells.len()));
            prop_assert!(area.distance_within_meters(middle).is_some());
        }
    }

    #[test]
    fn a_box_is_measured_along_its_sides() {
        let middle = Place { longitude: 15.0, latitude: 37.0 };
        let area = |width, height| Area {
            middle,
            shape: Shape::Box { width, height },
            unit_meters: 1000.0,
        };
        let east = Place { longitude: 16.0, latitude: 37.0 };
        assert!(area(180.0, 1.0).distance_within_meters(east).is_some());
        assert!(area(170.0, 1.0).distance_within_meters(east).is_none());
        let north = Place { longitude: 15.0, latitude: 38.0 };
        assert!(area(1.0, 223.0).distance_within_meters(north).is_some());
        assert!(area(1.0, 222.0).distance_within_meters(north).is_none());
    }
}
