//! Stations and the flying time between them. Knows nothing of days or aircraft.

/// Mean flight, takeoff to landing: 8 flights make 11 hours.
pub(crate) const MEAN_FLIGHT_MINUTES: f64 = 82.5;

/// Climb, approach and manoeuvring, whatever the distance.
const FIXED_MINUTES: f64 = 21.0;

const EARTH_RADIUS_KM: f64 = 6371.0;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Station(pub(crate) u8);

struct Airport {
    code: &'static str,
    latitude: f64,
    longitude: f64,
}

const fn airport(code: &'static str, latitude: f64, longitude: f64) -> Airport {
    Airport { code, latitude, longitude }
}

/// The bases come first.
#[rustfmt::skip]
static AIRPORTS: [Airport; 24] = [
    airport("DUB", 53.42, -6.27), airport("MAN", 53.35, -2.27),
    airport("LHR", 51.47, -0.45), airport("EDI", 55.95, -3.37), airport("GLA", 55.87, -4.43), airport("BHX", 52.45, -1.75),
    airport("AMS", 52.31, 4.76), airport("CDG", 49.01, 2.55), airport("FRA", 50.03, 8.57), airport("MUC", 48.35, 11.79),
    airport("MAD", 40.47, -3.56), airport("BCN", 41.30, 2.08), airport("LIS", 38.78, -9.14), airport("GVA", 46.24, 6.11),
    airport("ZRH", 47.46, 8.55), airport("MXP", 45.63, 8.72), airport("CPH", 55.62, 12.66), airport("HAM", 53.63, 9.99),
    airport("BER", 52.36, 13.50), airport("NCE", 43.66, 7.22), airport("BOD", 44.83, -0.72), airport("LYS", 45.73, 5.08),
    airport("DUS", 51.29, 6.77), airport("BRU", 50.90, 4.48),
];

const BASES: usize = 2;

/// Flying times between the bases and every station.
pub(crate) struct Network {
    minutes: [[f64; AIRPORTS.len()]; BASES],
}

impl Station {
    pub(crate) fn code(self) -> &'static str {
        AIRPORTS[usize::from(self.0)].code
    }

    pub(crate) fn latitude(self) -> f64 {
        AIRPORTS[usize::from(self.0)].latitude
    }
}

impl Network {
    /// Times are scaled for each base so that their mean is `MEAN_FLIGHT_MINUTES`.
    pub(crate) fn new() -> Self {
        let mut minutes = [[0.0; AIRPORTS.len()]; BASES];
        for (base, row) in minutes.iter_mut().enumerate() {
            let distances: Vec<f64> = AIRPORTS.iter().map(|airport| distance_km(&AIRPORTS[base], airport)).collect();
            let mean = distances.iter().sum::<f64>() / (AIRPORTS.len() - 1) as f64;
            for (slot, distance) in row.iter_mut().zip(distances) {
                *slot = FIXED_MINUTES + (MEAN_FLIGHT_MINUTES - FIXED_MINUTES) * distance / mean;
            }
        }
        Self { minutes }
    }

    /// The base of an aircraft, by its index.
    pub(crate) fn base(aircraft: u32) -> Station {
        Station((aircraft as usize % BASES) as u8)
    }

    /// How many stations a base serves.
    pub(crate) fn served() -> usize {
        AIRPORTS.len() - 1
    }

    /// The `index`th station that `base` serves.
    pub(crate) fn destination(base: Station, index: usize) -> Station {
        let index = index % Self::served();
        Station(if index < usize::from(base.0) { index } else { index + 1 } as u8)
    }

    /// Flying time, one way or the other, between a base and a station.
    pub(crate) fn flight_minutes(&self, base: Station, other: Station) -> f64 {
        self.minutes[usize::from(base.0) % BASES][usize::from(other.0)]
    }

    /// The number under which a flight from or to `base` is sold.
    pub(crate) fn flight_number(base: Station, other: Station, outbound: bool) -> u32 {
        let pair = u32::from(base.0) * 100 + u32::from(other.0) * 2;
        100 + pair + u32::from(!outbound)
    }
}

/// Great-circle distance (haversine).
fn distance_km(from: &Airport, to: &Airport) -> f64 {
    let (from_latitude, to_latitude) = (from.latitude.to_radians(), to.latitude.to_radians());
    let across = (to.longitude - from.longitude).to_radians();
    let half = ((to_latitude - from_latitude) / 2.0).sin().powi(2)
        + from_latitude.cos() * to_latitude.cos() * (across / 2.0).sin().powi(2);
    2.0 * EARTH_RADIUS_KM * half.sqrt().asin()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_serves_every_other_station_at_the_mean_time() {
        let network = Network::new();
        for base in [Station(0), Station(1)] {
            let stations: Vec<Station> =
                (0..Network::served()).map(|index| Network::destination(base, index)).collect();
            assert!(!stations.contains(&base));
            let total: f64 = stations.iter().map(|other| network.flight_minutes(base, *other)).sum();
            assert!((total / stations.len() as f64 - MEAN_FLIGHT_MINUTES).abs() < 1e-9);
        }
    }
}
