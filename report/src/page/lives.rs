//! How units of the worst parts live: survival and Weibull plots, with what they mean.

use maud::{Markup, html};

use super::Findings;
use super::figure::{figure, too_little};
use crate::chart::{Curve, HALF, Size, Step, count, fixed, grouped, probability, survival};
use crate::findings::lives::{FEW_FAILURES, PartLives, Pattern, curve, law_name, worse_by};
use crate::gather::Figures;
use crate::gather::lives::{FAILURES_MIN, Law};

const SIZE: Size = Size { width: HALF, height: 205.0 };

/// Correlations of probability plots below this: the law does not describe the points.
const CORRELATION_MIN: f64 = 0.95;

pub fn section(figures: &Figures, findings: &Findings<'_>) -> Markup {
    let counts = figures.lives.counts.rows.first();
    html! {
        @if findings.lives.is_empty() {
            (too_little(figures, &match counts.filter(|counts| counts.parts > 0) {
                Some(counts) => format!(
                    "No law can be drawn yet: of {} parts with lives under observation, the one with most failures has {}, and a law needs {FAILURES_MIN}.",
                    counts.parts, counts.most_failures.unwrap_or(0)
                ),
                None => "No part has lives under observation: configurations or removals are missing.".to_owned(),
            }, &[("", &figures.lives.counts.source)]))
        } @else {
            p {
                "The " (findings.lives.len()) " parts with most unscheduled removals in 12 months among those with at least " (FAILURES_MIN)
                " failures. A life is one installation, in flight hours since it; failures end it, planned removals, removals without fault and units still installed are suspensions, and units first seen at some age count from that age."
            }
            @for part in &findings.lives { (one(figures, part)) }
        }
    }
}

fn one(figures: &Figures, part: &PartLives<'_>) -> Markup {
    let best = part.best.and_then(|law| Some((law_name(law), curve(law)?)));
    let weibull = part.weibull.and_then(curve);
    let title = format!("{} {}", part.part_number, part.description);
    let steps: Vec<Step> = part
        .steps
        .iter()
        .map(|step| (step.hours, step.survival, step.survival_lower.zip(step.survival_upper)))
        .collect();
    let points: Vec<(f64, f64)> = part.points.iter().map(|point| (point.age, point.failed)).collect();
    let bounds: Vec<(f64, f64, f64)> = steps
        .iter()
        .filter_map(|(hours, _, bounds)| bounds.map(|(lower, upper)| (*hours, 1.0 - upper, 1.0 - lower)))
        .collect();
    let best_survival = best.map(|(name, curve)| (name, move |hours: f64| curve.survival(hours)));
    let best_law = best_survival.as_ref().map(|(name, survival)| -> Curve<'_> { (name, survival) });
    let weibull_survival = weibull.map(|curve| move |hours: f64| curve.survival(hours));
    let weibull_law = weibull_survival.as_ref().map(|survival| -> Curve<'_> { ("Weibull", survival) });
    let charts = html! {
        div class="pair" {
            div { h4 { "Survival" } (survival(&format!("Survival of {title}"), &steps, best_law, part.until, SIZE)) }
            div { h4 { "Weibull plot" } (probability(&format!("Weibull plot of {title}"), &points, &bounds, weibull_law, SIZE)) }
        }
    };
    let at_risk = part.steps.iter().map(|step| step.at_risk).max().unwrap_or(0);
    let lives = &figures.lives;
    let caption = html! {
        (count(part.failures)) " failures, " (count(part.suspensions)) " suspensions; at most " (count(at_risk))
        " units at risk at one age; " (count(part.removals)) " unscheduled removals in 12 months. Bounds of 95 % are of Kaplan and Meier's estimate, point by point."
    };
    let sources = [("Laws", &lives.laws.source), ("Survival", &lives.curves.source), ("Lives", &lives.lives.source)];
    html! {
        div class="card" {
            h3 { (title) }
            (meaning(part))
            (figure(figures, caption, charts, &sources))
        }
    }
}

fn meaning(part: &PartLives<'_>) -> Markup {
    let Some(weibull) = part.weibull else {
        let outcome = "No Weibull law fits these lives; only their survival is shown.";
        return html! { p { (outcome) } };
    };
    html! {
        p {
            "Weibull: β " (fixed(weibull.beta, 2)) " (" (fixed(weibull.beta_lower, 2)) " to " (fixed(weibull.beta_upper, 2)) "), η "
            (grouped(weibull.eta_hours)) " h (" (grouped(weibull.eta_hours_lower)) " to " (grouped(weibull.eta_hours_upper)) "), B10 "
            (grouped(weibull.b10_hours)) " h (" (grouped(weibull.b10_hours_lower)) " to " (grouped(weibull.b10_hours_upper)) "), mean " (grouped(weibull.mean_hours)) " h. "
            (pattern_text(part.pattern))
            (doubts(part, weibull))
        }
    }
}

fn pattern_text(pattern: Pattern) -> &'static str {
    match pattern {
        Pattern::WearsOut => "The bounds of β lie above 1: units wear out, and replacing them by age can pay.",
        Pattern::FailsEarly => {
            "The bounds of β lie below 1: units fail early, and replacing them by age makes it worse; look at installation, handling and shop work."
        }
        Pattern::NoAge => {
            "The bounds of β hold 1: age does not tell when a unit fails, and replacing units by age would not help."
        }
        Pattern::Unknown => "The bounds of β are not determined.",
    }
}

/// Why the law may not be trusted.
fn doubts(part: &PartLives<'_>, weibull: &Law) -> Markup {
    html! {
        @if part.failures < FEW_FAILURES { " With " (count(part.failures)) " failures the bounds are wide." }
        @if let (Some(difference), Some(best)) = (worse_by(part), part.best) {
            " The " (law_name(best)) " law describes them better (AIC lower by " (fixed(difference, 1)) ") and is drawn over the survival."
        }
        @if let Some(correlation) = weibull.correlation {
            @if correlation < CORRELATION_MIN { " The points do not follow a line (correlation " (fixed(correlation, 2)) "): do not rely on the law; the lives may be of several kinds." }
        }
    }
}
