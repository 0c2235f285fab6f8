"""Survival of the units of each part (Kaplan and Meier 1958): `reliability.survival_curve`."""

import math

from scipy.stats import norm

from lives import by_part

TWO_SIDED_95 = float(norm.ppf(0.975))


def survival_curves(lives, as_of):
    for part, held in by_part(lives).items():
        survival, variance_sum, hazard = 1.0, 0.0, 0.0
        for hours in sorted({life.duration_hours for life in held if life.observed}):
            # A unit enters the risk set after the age at which it was first seen.
            at_risk = sum(life.entry_hours < hours <= life.duration_hours for life in held)
            failures = sum(life.observed and life.duration_hours == hours for life in held)
            survival *= (at_risk - failures) / at_risk
            hazard += failures / at_risk
            if at_risk > failures:
                variance_sum += failures / (at_risk * (at_risk - failures))
            lower, upper = bounds(survival, variance_sum)
            yield {
                "as_of": as_of.isoformat(),
                "part_number": part,
                "hours": hours,
                "at_risk": at_risk,
                "failures": failures,
                "survival": survival,
                "survival_lower": lower,
                "survival_upper": upper,
                "standard_error": survival * math.sqrt(variance_sum) if survival > 0 else None,
                "cumulative_hazard": hazard,
            }


def bounds(survival, variance_sum):
    """On the scale of log(-log), which no bound leaves (Kalbfleisch and Prentice 1980); none once no unit survives."""
    if survival <= 0:
        return None, None
    spread = TWO_SIDED_95 * math.sqrt(variance_sum) / abs(math.log(survival))
    return survival ** math.exp(spread), survival ** math.exp(-spread)
