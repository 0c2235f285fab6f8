//! What the words mean, and which methods stand behind the figures.

use maud::{Markup, html};

use crate::gather::Figures;

pub fn section(figures: &Figures) -> Markup {
    let facts = [
        (
            "Dispatch reliability",
            "100·(1 − (technical delays + technical cancellations) / scheduled departures). A technical delay leaves more than 15 minutes late with an IATA code of 41 to 48; flights of one aircraft hit on one UTC day by the same chapter count once. Bounds of shares: Wilson (1927).",
        ),
        (
            "Alert rules",
            "Each judges a month by the 12 before it. Mean + 2 SD: the month's rate above the mean of the 12 monthly rates plus two sample standard deviations. 1.3 × mean: the rate of three months above 1.3 times the mean of the 12 such rates. Poisson 95 %: the month's count above the 95 % quantile of a Poisson law with the 12 months' rate; its level is drawn as a rate of the month's hours.",
        ),
        (
            "What stands out",
            "An aircraft by its share of the flight hours, a section or part by its own 12 months before: the exact conditional test of two Poisson rates (Przyborowski and Wilenski 1940), times the number compared (Bonferroni), below 5 %. Where an alert is of three months, the two before its first month count in it.",
        ),
        (
            "MTBUR",
            "Unit hours (flight hours of the fleet times units on each aircraft) by unscheduled removals, removals without fault found included; bounds are the exact Poisson bounds of 95 % (Garwood 1936).",
        ),
        (
            "Lives",
            "Survival by Kaplan and Meier (1958) with bounds on the scale of log(−log); laws by maximum likelihood with suspensions and late entries, bounds of their parameters by profile likelihood; plotting positions halfway up each step (Meeker and Escobar 1998).",
        ),
        (
            "Trends",
            "The power-law process of Crow (AMSAA), aircraft being copies of one process watched to the date; the test of MIL-HDBK-189; the points are the mean cumulative function (Nelson 1988) with the robust variance of Lawless and Nadeau (1995).",
        ),
        (
            "Rogue units",
            "A unit's removals against the share of its part's hours that it flew, by the same conditional test. Its hours are all that were watched, more than those of 12 months where it was watched longer: the test errs towards chance.",
        ),
    ];
    html! {
        dl class="facts" { @for (word, meaning) in facts { dt { (word) } dd { (meaning) } } }
        p {
            "Times are UTC. A week counts what happened before Monday " (figures.week.as_of()) "; a month is a calendar month. "
            "Every query shown here runs as it is with " code { "fleet query" } " and gives the same rows as long as its tables have the versions named."
        }
    }
}
