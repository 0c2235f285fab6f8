//! How often the bounds of the Weibull law contain the truth, on fleets drawn from it.
//!
//! A fleet has positions of one part. Each is watched for a window of time and always has a unit in it: a unit that
//! fails or is suspended is replaced by a new one. Some positions had a unit before the window, which is first seen at
//! the age that it has then; the window ends the last life of each position.

use std::ops::RangeInclusive;

use fleet_functions::estimation::life::{Bounds, Estimate, Fit, Law, Options, Outcome};
use fleet_functions::estimation::sample::Lives;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use rand_distr::{Distribution, Exp1, Weibull};

const SEED: u64 = 1951;
/// Four times what is required, which halves the error of a share: 0.34 percentage points at 95 %.
const FITS: usize = 4000;

/// The true scale; the other times are shares of it.
const SCALE_HOURS: f64 = 8000.0;
/// The mean of the exponential ages at which units are suspended for reasons of their own.
const SUSPENSION_HOURS: f64 = 4.0 * SCALE_HOURS;
/// How long before the window a position got its first unit, at most.
const INSTALLED_HOURS: f64 = 2.0 * SCALE_HOURS;

/// Between which shares of fits the truth is to be inside bounds of 95 %, with 30 or more failures.
const REQUIRED: RangeInclusive<f64> = 0.93..=0.97;

/// The cumulative hazard at the B10 life, −ln 0.9.
const B10_HAZARD: f64 = 0.105_360_515_657_826_3;

/// A new type of aircraft: half of the positions come into use while they are watched, which is for long.
const YOUNG: Fleet = Fleet { name: "young", window_hours: 1.5 * SCALE_HOURS, installed_share: 0.5 };

/// All positions have been in use before, and are watched for short: most lives are seen in part only.
const OLD: Fleet = Fleet { name: "old", window_hours: 0.5 * SCALE_HOURS, installed_share: 1.0 };

#[derive(Clone, Copy)]
struct Fleet {
    name: &'static str,
    window_hours: f64,
    /// Positions that had a unit before the window.
    installed_share: f64,
}

/// When a fleet's data are analysed.
#[derive(Clone, Copy)]
enum Stop {
    /// With the failure of this number, position after position: the likelihood is that of any other fleet.
    Failures(usize),
    /// After the window of this number of positions, whatever failed.
    Positions(usize),
}

#[derive(Clone, Copy)]
struct Design {
    fleet: Fleet,
    shape: f64,
    stop: Stop,
}

/// What the fits of one design came to.
#[derive(Default)]
struct Tally {
    fits: usize,
    failures: usize,
    lives: usize,
    late: usize,
    /// Profile bounds that the data do not determine; they exclude nothing.
    open: usize,
    profile: [Hits; 3],
    wald: [Hits; 3],
    /// Estimated over true shapes: the sum, and that of the squares.
    shapes: f64,
    squares: f64,
}

/// Of one figure's bounds.
#[derive(Clone, Copy, Default)]
struct Hits {
    inside: usize,
    /// The lower bound is above the truth.
    above: usize,
}

/// The likelihood ratio is chi-squared up to terms of the order of one over the failures (Lawley 1956): with 30 of them
/// the true share is near 95 %, and the required range is more than five errors of a share wide to either side.
#[test]
#[ignore = "takes minutes: make studies"]
fn profile_bounds_contain_the_truth_as_often_as_they_say() {
    let mut table = head();
    let (mut without, mut open) = (0, 0);
    let mut outside = Vec::new();
    for (place, design) in designs().into_iter().enumerate() {
        let tally = study(design, place as u64);
        table += &tally.row(design);
        without += FITS - tally.fits;
        open += tally.open;
        if !design.is_small() {
            assert_eq!(tally.fits, FITS, "{}: every sample of so many failures has a fit", design.name());
            for (figure, hits) in ["eta", "beta", "B10"].into_iter().zip(tally.profile) {
                let share = hits.inside as f64 / FITS as f64;
                if !REQUIRED.contains(&share) {
                    outside.push(format!("{} {figure}: {share}", design.name()));
                }
            }
        }
    }
    println!("{table}\nSamples without a fit: {without}; profile bounds not determined: {open}\n");
    assert!(outside.is_empty(), "{outside:?}");
}

fn designs() -> Vec<Design> {
    let stops = |fleet, shape, positions| {
        let failures = [5, 10, 20, 30, 50, 100].map(Stop::Failures);
        failures.into_iter().chain([Stop::Positions(positions)]).map(move |stop| Design { fleet, shape, stop })
    };
    let young = [2.0, 0.7, 1.0, 1.5, 3.0].into_iter().flat_map(|shape| stops(YOUNG, shape, 60));
    young.chain(stops(OLD, 2.0, 120)).collect()
}

impl Design {
    fn is_small(&self) -> bool {
        matches!(self.stop, Stop::Failures(..30))
    }

    fn name(&self) -> String {
        let stop = match self.stop {
            Stop::Failures(failures) => format!("{failures} failures"),
            Stop::Positions(positions) => format!("{positions} positions"),
        };
        format!("{} | {:.1} | {stop}", self.fleet.name, self.shape)
    }

    /// Eta, beta and B10.
    fn truth(&self) -> [f64; 3] {
        [SCALE_HOURS, self.shape, SCALE_HOURS * B10_HAZARD.powf(self.shape.recip())]
    }

    fn draw(&self, random: &mut ChaCha8Rng) -> Lives {
        let mut lives = Lives::default();
        let (failures, positions) = match self.stop {
            Stop::Failures(failures) => (failures, usize::MAX),
            Stop::Positions(positions) => (usize::MAX, positions),
        };
        let mut left = failures;
        for _ in 0..positions {
            left = self.watch(left, &mut lives, random);
            if left == 0 {
                break;
            }
        }
        lives
    }

    /// The lives of one position, up to the last failure that is asked for; how many are then left to ask for.
    fn watch(&self, failures: usize, lives: &mut Lives, random: &mut ChaCha8Rng) -> usize {
        let law = Weibull::new(SCALE_HOURS, self.shape).unwrap();
        let window = self.fleet.window_hours;
        let installed = random.random_bool(self.fleet.installed_share);
        let place: f64 = random.random();
        let mut start = if installed { -INSTALLED_HOURS * place } else { window * place };
        let mut left = failures;
        while start < window && left > 0 {
            let life: f64 = law.sample(random);
            let suspension = SUSPENSION_HOURS * random.sample::<f64, _>(Exp1);
            let end = start + life.min(suspension);
            let observed = life <= suspension && end <= window;
            if end > 0.0 {
                lives.exits.push(end.min(window) - start);
                lives.observed.push(observed);
                lives.entries.push((-start).max(0.0));
                left -= usize::from(observed);
            }
            start = end;
        }
        left
    }
}

fn study(design: Design, stream: u64) -> Tally {
    let mut random = ChaCha8Rng::seed_from_u64(SEED);
    random.set_stream(stream);
    let mut tally = Tally::default();
    let with = |bounds| Options { bounds, ..Options::default() };
    for _ in 0..FITS {
        let lives = design.draw(&mut random);
        let profile = Law::Weibull.fit(&lives, &with(Bounds::Profile));
        let wald = Law::Weibull.fit(&lives, &with(Bounds::Wald));
        tally.add(&lives, &profile, &wald, design.truth());
    }
    tally
}

impl Tally {
    fn add(&mut self, lives: &Lives, profile: &Fit, wald: &Fit, truth: [f64; 3]) {
        if profile.outcome != Outcome::Fitted {
            return;
        }
        self.fits += 1;
        self.failures += profile.failures;
        self.lives += lives.len();
        self.late += lives.entries.iter().filter(|entry| **entry > 0.0).count();
        let bounds = figures(profile).into_iter().flat_map(|figure| [figure.lower, figure.upper]);
        self.open += bounds.filter(Option::is_none).count();
        for (hits, fit) in [(&mut self.profile, profile), (&mut self.wald, wald)] {
            for ((hits, estimate), truth) in hits.iter_mut().zip(figures(fit)).zip(truth) {
                let above = estimate.lower.is_some_and(|lower| lower > truth);
                let below = estimate.upper.is_some_and(|upper| upper < truth);
                hits.inside += usize::from(!above && !below);
                hits.above += usize::from(above);
            }
        }
        let shape = profile.parameter("shape").unwrap_or(f64::NAN) / truth[1];
        self.shapes += shape;
        self.squares += shape * shape;
    }

    fn row(&self, design: Design) -> String {
        let fits = self.fits as f64;
        let percent = |count: usize| format!("{:.1}", 100.0 * count as f64 / fits);
        let inside = |hits: [Hits; 3]| hits.map(|hits| percent(hits.inside)).join(" | ");
        let above = [self.profile, self.wald].map(|hits| percent(hits[2].above)).join(" | ");
        let mean = self.shapes / fits;
        let error = ((self.squares / fits - mean * mean) / fits).sqrt();
        let (lives, late) = (self.lives as f64 / fits, 100.0 * self.late as f64 / self.lives as f64);
        format!(
            "| {} | {:.0} | {lives:.0} | {late:.0} | {} | {} | {above} | {:+.1} ± {:.1} |\n",
            design.name(),
            self.failures as f64 / fits,
            inside(self.profile),
            inside(self.wald),
            100.0 * (mean - 1.0),
            100.0 * error,
        )
    }
}

/// Eta, beta and B10 with their bounds.
fn figures(fit: &Fit) -> [Estimate; 3] {
    let parameter = |name| fit.parameters.iter().find(|parameter| parameter.name == name);
    let [scale, shape] =
        ["scale", "shape"].map(|name| parameter(name).map_or(Estimate::default(), |found| found.estimate));
    [scale, shape, fit.b10]
}

fn head() -> String {
    let columns = [
        "fleet",
        "beta",
        "analysed after",
        "failures",
        "lives",
        "late entries, %",
        "profile: eta",
        "beta",
        "B10",
        "Wald: eta",
        "beta",
        "B10",
        "B10 lower bound above the truth: profile",
        "Wald",
        "bias of beta, %",
    ];
    let title = format!("Bounds of 95 %: share of {FITS} fits whose bounds contain the truth, % (seed {SEED})");
    format!("\n{title}\n\n| {} |\n|{}\n", columns.join(" | "), "---|".repeat(columns.len()))
}
