"""Whether failures come more or less often as hours go by: `reliability.repair_trend`.

Crow's power-law process over several systems, time truncated (Crow 1974; MIL-HDBK-189C, 2011).
"""

import math
from collections import defaultdict

import numpy as np
from scipy.optimize import brentq
from scipy.stats import chi2, norm

from months import chapter, start_of

SIGNIFICANCE = 0.05
# Below these the figures would be drawn from nothing: of the power law, and of the word for the trend.
FEWEST_FAILURES_OF_SHAPE = 3
FEWEST_FAILURES_OF_TREND = 4
SIDES = (0.025, 0.975)

POWER_LAW = ("beta", "beta_lower", "beta_upper", "lambda", "mtbf_instantaneous_hours")
TESTS = ("laplace_u", "laplace_p", "mil_hdbk_189_chi2", "mil_hdbk_189_p", "trend")


def repair_trends(removals, flown, as_of):
    end = start_of(as_of)
    hours = {tail: flown.until_day(tail, as_of) for tail in flown.tails()}
    hours = {tail: total for tail, total in hours.items() if total > 0}
    failures = defaultdict(lambda: defaultdict(list))  # chapter -> tail -> hours at each failure
    for removal in removals:
        if removal.confirmed_failure and removal.occurred_at < end and removal.tail in hours and removal.ata:
            at = min(flown.until(removal.tail, removal.occurred_at), hours[removal.tail])
            failures[chapter(removal.ata)][removal.tail].append(at)

    for ata, by_tail in failures.items():
        scopes = [("fleet", None, [(hours[tail], by_tail.get(tail, [])) for tail in hours])]
        scopes += [("tail", tail, [(hours[tail], at)]) for tail, at in by_tail.items()]
        for scope, tail, systems in scopes:
            yield {"as_of": as_of.isoformat(), "scope": scope, "tail": tail, "ata": ata, **trend(systems)}


def trend(systems):
    """Systems are (hours observed, hours at each failure)."""
    count = sum(len(at) for _, at in systems)
    result = {"failures": count, "hours": math.fsum(total for total, _ in systems)}
    aged = [(at, total) for total, failed in systems for at in failed]
    if any(at <= 0 for at, _ in aged) or all(at >= total for at, total in aged):
        # The logarithms have no value at hour 0, and nothing lies before failures that are all at the end.
        return result | dict.fromkeys(POWER_LAW + TESTS)
    result |= power_law(systems, count)

    laplace = math.fsum(at - total / 2 for total, failed in systems for at in failed) / math.sqrt(
        math.fsum(len(failed) * total**2 for total, failed in systems) / 12
    )
    statistic = departure(systems)
    below, above = float(chi2.cdf(statistic, 2 * count)), float(chi2.sf(statistic, 2 * count))
    probability = min(2 * min(below, above), 1.0)
    if count < FEWEST_FAILURES_OF_TREND:
        found = None
    elif probability >= SIGNIFICANCE:
        found = "stable"
    else:
        # Failures late in the hours observed leave little of the statistic.
        found = "deteriorating" if below < above else "improving"
    return result | {
        "laplace_u": laplace,
        "laplace_p": 2 * float(norm.sf(abs(laplace))),
        "mil_hdbk_189_chi2": statistic,
        "mil_hdbk_189_p": probability,
        "trend": found,
    }


def departure(systems):
    """Chi-squared with two degrees of freedom a failure, where there is no trend."""
    return 2 * math.fsum(math.log(total / at) for total, failed in systems for at in failed)


def power_law(systems, count):
    if count < FEWEST_FAILURES_OF_SHAPE:
        return dict.fromkeys(POWER_LAW)
    beta = shape(systems)
    totals = np.array([total for total, _ in systems])
    # The fleet's oldest aircraft stands for the date, since the younger ones will come to that age. In units of its
    # hours no power overflows.
    oldest = float(totals.max())
    by_then = count / float(np.sum((totals / oldest) ** beta))
    scale = by_then * math.exp(-beta * math.log(oldest))
    mtbf = oldest / by_then / beta
    return dict(zip(POWER_LAW, (beta, *shape_bounds(systems, count, beta), scale, mtbf), strict=True))


def shape_bounds(systems, count, beta):
    """Exact for one age (Crow 1974, section 5), else from the Fisher information of the logarithm of beta."""
    logs = np.log([total for total, _ in systems])
    if len(set(logs)) == 1:
        return [float(chi2.ppf(side, 2 * count)) / departure(systems) for side in SIDES]
    weights = np.exp(beta * (logs - logs.max()))
    weights /= weights.sum()
    variance = weights @ logs**2 - (weights @ logs) ** 2
    spread = float(norm.ppf(SIDES[1])) / math.sqrt(count * (1 + beta**2 * variance))
    return [beta * math.exp(-spread), beta * math.exp(spread)]


def shape(systems):
    """The beta at which the likelihood is greatest; aircraft of different ages leave no closed form."""
    totals = np.log([total for total, _ in systems])
    failed = np.log([at for _, held in systems for at in held])

    def slope(beta):
        weights = np.exp(beta * (totals - totals.max()))
        return len(failed) / beta + failed.sum() - len(failed) * (weights @ totals) / weights.sum()

    return float(brentq(slope, 1e-6, 1e6, xtol=1e-15, rtol=1e-14))
