//! `optimal_replacement`.

use crate::estimation::replacement::{AgePolicy, age_replacement, minimal_repair_replacement};
use crate::sql::{Argument, Figure, Formula, Kind, Row};

const BETA: Argument = Argument::required("beta", Kind::Number, "Shape of the Weibull law of lives.");
const ETA: Argument = Argument::required("eta", Kind::Number, "Its scale, in hours or another unit of time.");
const COST_PREVENTIVE: Argument = Argument::required("cost_preventive", Kind::Number, "Cost of a planned replacement.");
const COST_CORRECTIVE: Argument = Argument::required(
    "cost_corrective",
    Kind::Number,
    "Cost of a failure: of the replacement it forces, or of a minimal repair.",
);

#[derive(Debug)]
pub(crate) struct OptimalReplacement;

impl Formula for OptimalReplacement {
    const NAME: &'static str = "optimal_replacement";
    const ARGUMENTS: &'static [Argument] = &[BETA, ETA, COST_PREVENTIVE, COST_CORRECTIVE];
    const ABOUT: &'static str = "\
The age at which to replace a unit whose lives follow a Weibull law, at the least cost per unit of time. `age`, `cost_rate` and \
`run_to_failure_cost_rate` are of age replacement, where a failure renews the unit (Barlow and Hunter 1960, policy I); \
`minimal_repair_age` and `minimal_repair_cost_rate` of periodic replacement, where a repair leaves it as old as it was (policy II). \
The outcomes are `ok`, or why there is no age: `no_wear_out` (beta at most 1), `failure_not_dearer`, `optimum_beyond_life`, \
`invalid_law`, `invalid_cost` or `out_of_range`.";
    const EXAMPLE: &'static str = "select optimal_replacement(2.5, 1000, 1, 5)['age'] -- 493.05 hours";
    const FIGURES: &'static [Figure] = &[
        Figure::Text("outcome"),
        Figure::Number("age"),
        Figure::Number("cost_rate"),
        Figure::Number("run_to_failure_cost_rate"),
        Figure::Text("minimal_repair_outcome"),
        Figure::Number("minimal_repair_age"),
        Figure::Number("minimal_repair_cost_rate"),
    ];

    fn compute(numbers: &[Option<f64>]) -> Row {
        let &[Some(beta), Some(eta), Some(cost_preventive), Some(cost_corrective)] = numbers else { return Row::new() };
        let policy = AgePolicy { beta, eta, cost_preventive, cost_corrective };
        let mut row = Row::new();
        let replacement = age_replacement(&policy);
        if let Ok(replacement) = &replacement {
            row.push(("run_to_failure_cost_rate", replacement.run_to_failure_cost_rate.into()));
        }
        match replacement.and_then(|replacement| replacement.optimum) {
            Ok(optimum) => row.extend([
                ("outcome", "ok".into()),
                ("age", optimum.age.into()),
                ("cost_rate", optimum.cost_rate.into()),
            ]),
            Err(flaw) => row.push(("outcome", flaw.name().into())),
        }
        match minimal_repair_replacement(&policy) {
            Ok(optimum) => row.extend([
                ("minimal_repair_outcome", "ok".into()),
                ("minimal_repair_age", optimum.age.into()),
                ("minimal_repair_cost_rate", optimum.cost_rate.into()),
            ]),
            Err(flaw) => row.push(("minimal_repair_outcome", flaw.name().into())),
        }
        row
    }
}
