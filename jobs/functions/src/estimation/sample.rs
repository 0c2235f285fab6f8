//! Lives of units: durations, each ended by a failure or by a suspension, some of them watched only from some age on.

/// Lives, one a row, in any order. Times are in one unit, mostly flight hours.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lives {
    /// Age at which each life was last seen.
    pub exits: Vec<f64>,
    /// Whether a failure was what ended it; a suspension (right censoring) otherwise.
    pub observed: Vec<bool>,
    /// Age at which each was first seen (left truncation); empty where all were seen from age 0.
    pub entries: Vec<f64>,
}

/// Why a sample gives no figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// There is no life at all.
    Empty,
    /// A duration is negative, infinite or not a number, or an entry is not below its exit.
    Invalid,
    /// A failure at age zero, which no continuous life law has.
    ZeroFailure,
}

impl Flaw {
    /// The word that SQL results use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Empty => "no_data",
            Self::Invalid => "invalid_duration",
            Self::ZeroFailure => "failure_at_zero",
        }
    }
}

impl Lives {
    /// From durations that were all watched from age 0.
    pub fn new(exits: Vec<f64>, observed: Vec<bool>) -> Self {
        Self { exits, observed, entries: Vec::new() }
    }

    pub fn len(&self) -> usize {
        self.exits.len()
    }

    pub fn is_empty(&self) -> bool {
        self.exits.is_empty()
    }

    /// The age at which life `index` was first seen.
    pub fn entry(&self, index: usize) -> f64 {
        self.entries.get(index).copied().unwrap_or(0.0)
    }

    /// Exit, whether observed, entry: of each life.
    pub fn iter(&self) -> impl Iterator<Item = (f64, bool, f64)> + '_ {
        let rows = self.exits.iter().zip(&self.observed).enumerate();
        rows.map(|(index, (&exit, &observed))| (exit, observed, self.entry(index)))
    }

    pub fn failures(&self) -> usize {
        self.observed.iter().filter(|observed| **observed).count()
    }

    /// What makes the sample unfit for any estimate, if anything. A suspension at age 0 says nothing and is harmless.
    pub fn flaw(&self) -> Option<Flaw> {
        if self.is_empty() {
            return Some(Flaw::Empty);
        }
        let invalid = |(exit, _, entry): (f64, bool, f64)| {
            !exit.is_finite() || exit < 0.0 || !entry.is_finite() || entry < 0.0 || (entry > 0.0 && entry >= exit)
        };
        self.iter().any(invalid).then_some(Flaw::Invalid)
    }
}
