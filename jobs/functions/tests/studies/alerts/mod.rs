//! How often the rules of `reliability.ata_alert` raise false alerts, and how soon they find a change.

mod agreement;
mod change;
mod chapter;
mod rules;
mod steady;
mod theory;

use chapter::Chapter;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use rules::Rule;

const SEED: u64 = 1837;

/// How far a fleet's hours of a month are from their mean at most.
const HOURS_SPREAD: f64 = 0.1;

/// Coefficients of variation of the true rate between months.
const VARIATIONS: [f64; 2] = [0.0, 0.2];

fn chapters(hours_spread: f64, variation: f64) -> Vec<Chapter> {
    let rates = |aircraft| {
        [0.5, 2.0, 8.0].map(|rate_per_1000_fh| Chapter { aircraft, rate_per_1000_fh, hours_spread, variation })
    };
    [4, 10, 50, 200].into_iter().flat_map(rates).collect()
}

/// What is drawn for one chapter of one part of one study; streams of different places are independent.
fn stream(study: u64, part: usize, chapter: usize) -> ChaCha8Rng {
    let mut random = ChaCha8Rng::seed_from_u64(SEED);
    random.set_stream(10_000 * study + 100 * part as u64 + chapter as u64);
    random
}

fn percent(share: f64) -> String {
    format!("{:.1}", 100.0 * share)
}

fn rule_names() -> Vec<String> {
    Rule::ALL.map(|rule| rule.name().to_string()).to_vec()
}

/// Title and head of a table in Markdown.
fn head(title: &str, columns: &[String]) -> String {
    format!("\n{title}\n\n| {} |\n|{}\n", columns.join(" | "), "---|".repeat(columns.len()))
}

fn head_of_chapters(title: &str, columns: &[String]) -> String {
    let chapter = ["aircraft", "reports/1000 FH", "reports a month"].map(str::to_string);
    head(title, &[&chapter, columns].concat())
}

fn row(chapter: &Chapter, cells: &[String]) -> String {
    let mean = chapter.mean();
    format!("| {} | {} | {mean:.1} | {} |\n", chapter.aircraft, chapter.rate_per_1000_fh, cells.join(" | "))
}
