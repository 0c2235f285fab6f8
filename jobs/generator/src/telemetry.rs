//! Rows of `telemetry`: the sampled parameters of one flight, drawn while they are written so that they are never all
//! in memory. A flight that would make an over-long line is told in several rows, each with its own start.

use crate::calendar::Timestamp;
use crate::options::Telemetry;
use crate::random::{Purpose, Stream};
use crate::rows::{Flight, FlightId, Row, Tail};
use crate::source::Source;
use crate::text::{AsText, Fixed, JsonLine, push_array};
use crate::world::World;

/// Lines stay below this, and so below the length at which a reader may give up.
const LONGEST_LINE_BYTES: f64 = 900_000.0;

/// A sample and its comma.
const SAMPLE_BYTES: f64 = 9.0;

const MISSING_SHARE: f64 = 0.002;

/// A stretch of one flight.
pub(crate) struct Recording<'a> {
    flight: FlightId,
    started_at: Timestamp,
    /// Share of the flight gone by at the first sample, and with each sample.
    progress: f64,
    progress_per_sample: f64,
    samples: usize,
    seed: u64,
    settings: &'a Telemetry,
}

/// How a parameter reads on the ground run, at altitude and on approach.
struct Profile {
    climb: f64,
    cruise: f64,
    descent: f64,
    noise: f64,
}

/// The recordings of the flights flown; none if telemetry was not asked for.
pub(crate) fn recordings<'a>(world: &'a World, flights: &[Flight]) -> Vec<Recording<'a>> {
    let Some(settings) = &world.options.telemetry else {
        return Vec::new();
    };
    let names: usize = settings.parameters.iter().map(String::len).sum();
    let sample_bytes = SAMPLE_BYTES * settings.parameters.len() as f64;
    let longest = ((LONGEST_LINE_BYTES - names as f64) / sample_bytes) as usize;
    // Rows of one flight start on whole seconds, so that their starts are exact.
    let step = settings.sample_rate_hz;
    let longest = (((longest as f64 / step).floor() * step).floor() as usize).max(1);
    let mut recordings = Vec::new();
    for flight in flights {
        let Some(flown) = &flight.flown else { continue };
        let seconds = (flown.landing.0 - flown.takeoff.0) as f64;
        let total = ((seconds * step) as usize).max(1);
        for first in (0..total).step_by(longest) {
            recordings.push(Recording {
                flight: flight.id,
                started_at: Timestamp(flown.takeoff.0 + (first as f64 / step).round() as i64),
                progress: first as f64 / total as f64,
                progress_per_sample: 1.0 / total as f64,
                samples: longest.min(total - first),
                seed: world.options.seed,
                settings,
            });
        }
    }
    recordings
}

impl Recording<'_> {
    fn write_parameter(&self, index: usize, name: &str, out: &mut Vec<u8>) {
        let flight = u64::from(self.flight.aircraft) << 32 | u64::from(self.flight.day.0 as u32);
        let part = (self.started_at.0 as u64) << 8 | index as u64;
        let mut stream = Stream::new(self.seed, Purpose::Telemetry, flight, part);
        let profile = profile(name);
        let mut wander = 0.0;
        push_array(out, 0..self.samples, |out, sample| {
            wander = 0.98 * wander + 0.2 * stream.standard_normal();
            if stream.chance(MISSING_SHARE) {
                out.extend_from_slice(b"null");
            } else {
                let progress = self.progress + self.progress_per_sample * sample as f64;
                Fixed(profile.at(progress) + profile.noise * wander, 2).push_to(out);
            }
        });
    }
}

impl Profile {
    /// The expected value when a share of the flight has gone by.
    fn at(&self, progress: f64) -> f64 {
        let between = |from: f64, to: f64, share: f64| from + (to - from) * share.clamp(0.0, 1.0);
        if progress < 0.7 {
            between(self.climb, self.cruise, (progress - 0.15) / 0.1)
        } else {
            between(self.cruise, self.descent, (progress - 0.7) / 0.1)
        }
    }
}

impl Row for Recording<'_> {
    const SOURCE: Source = Source::Telemetry;

    fn write(&self, out: &mut Vec<u8>) {
        JsonLine::new(out)
            .string("flight_id", &self.flight)
            .string("started_at", &self.started_at)
            .string("tail", &Tail(self.flight.aircraft))
            .bare("sample_rate_hz", &Fixed(self.settings.sample_rate_hz, 3))
            .nested("parameters", |out| {
                out.push(b'{');
                for (index, name) in self.settings.parameters.iter().enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    out.push(b'"');
                    out.extend_from_slice(name.as_bytes());
                    out.extend_from_slice(b"\":");
                    self.write_parameter(index, name, out);
                }
                out.push(b'}');
            })
            .finish();
    }
}

fn profile(name: &str) -> Profile {
    let (climb, cruise, descent, noise) = match name {
        "n1_pct" => (90.0, 84.0, 45.0, 0.5),
        "n2_pct" => (94.5, 90.0, 70.0, 0.4),
        "egt_c" => (810.0, 680.0, 480.0, 5.0),
        "fuel_flow_kg_h" => (2900.0, 1260.0, 420.0, 25.0),
        "oil_pressure_psi" => (52.0, 47.5, 38.0, 0.8),
        "oil_temp_c" => (96.0, 92.0, 84.0, 0.8),
        "vibration_ips" => (0.62, 0.5, 0.35, 0.04),
        "altitude_ft" => (14_000.0, 34_500.0, 9000.0, 60.0),
        "mach" => (0.55, 0.775, 0.45, 0.004),
        _ => (60.0, 50.0, 40.0, 1.0),
    };
    Profile { climb, cruise, descent, noise }
}
