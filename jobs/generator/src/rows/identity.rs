//! Identifiers as small values, turned into text only when written.

use crate::calendar::Day;
use crate::catalog::PARTS;
use crate::text::{AsText, push_padded};

/// A registration: `EI-` and three letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tail(pub(crate) u32);

/// One flight of one aircraft on one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FlightId {
    pub(crate) aircraft: u32,
    pub(crate) day: Day,
    pub(crate) sequence: u8,
}

/// An identifier made of a prefix, an aircraft, a day and a number within the day.
pub(crate) struct DayNumber {
    pub(crate) prefix: &'static str,
    pub(crate) aircraft: u32,
    pub(crate) day: Day,
    pub(crate) number: u32,
}

/// One unit of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Serial {
    pub(crate) part: u16,
    pub(crate) number: u32,
}

/// Where a unit sits: chapter, part and which of several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) part: u16,
    pub(crate) unit: u8,
}

impl AsText for Tail {
    fn push_to(&self, out: &mut Vec<u8>) {
        // 7919 is coprime to 26³: neighbours get unlike letters, and no two aircraft the same.
        let letters = (self.0 * 7919 + 8191) % 17_576;
        out.extend_from_slice(b"EI-");
        for divisor in [676, 26, 1] {
            out.push(b'A' + (letters / divisor % 26) as u8);
        }
    }
}

impl AsText for FlightId {
    fn push_to(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"MC");
        push_padded(out, i64::from(self.aircraft) + 1, 3);
        out.push(b'-');
        self.day.push_compact(out);
        out.push(b'-');
        push_padded(out, i64::from(self.sequence), 2);
    }
}

impl AsText for DayNumber {
    fn push_to(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.prefix.as_bytes());
        push_padded(out, i64::from(self.aircraft) + 1, 3);
        out.push(b'-');
        self.day.push_compact(out);
        out.push(b'-');
        push_padded(out, i64::from(self.number), 2);
    }
}

impl AsText for Serial {
    fn push_to(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(PARTS[usize::from(self.part)].code.as_bytes());
        out.push(b'-');
        push_padded(out, i64::from(self.number), 5);
    }
}

impl AsText for Position {
    fn push_to(&self, out: &mut Vec<u8>) {
        let part = &PARTS[usize::from(self.part)];
        push_padded(out, i64::from(part.ata.chapter), 2);
        out.push(b'-');
        out.extend_from_slice(part.code.as_bytes());
        out.push(b'-');
        push_padded(out, i64::from(self.unit), 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::text_of;

    #[test]
    fn registrations_are_unique_over_the_largest_fleet() {
        let mut tails: Vec<String> = (0..10_000).map(|index| text_of(&Tail(index))).collect();
        tails.sort();
        tails.dedup();
        assert_eq!(tails.len(), 10_000);
        assert!(tails.iter().all(|tail| tail.len() == 6));
    }

    #[test]
    fn flights_are_named_after_aircraft_day_and_sequence() {
        let flight = FlightId { aircraft: 0, day: Day(20_458), sequence: 3 };
        assert_eq!(text_of(&flight), "MC001-20260105-03");
    }
}
