"""The two-parameter Weibull law by maximum likelihood, with suspensions (Lawless 2003, section 5.2)."""

from __future__ import annotations

import math

import numpy
import pandas
from scipy.optimize import brentq

NO_FIT = (math.nan, math.nan, math.nan)


def weibull(duration: numpy.ndarray, failed: numpy.ndarray) -> tuple[float, float, float]:
    """η, β and the log-likelihood; NaN unless two failures have different ages.

    With η eliminated, β is the one zero of a rising function, and its reciprocal lies close to the spread of the
    failures' logarithms.
    """
    log = numpy.log(duration)
    unit = log.max()
    log -= unit  # Ages in units of the largest: no power overflows.
    failures = log[failed]
    if len(failures) < 2 or failures.max() == failures.min():
        return NO_FIT
    mean = failures.mean()

    def score(beta: float) -> float:
        powers = numpy.exp(beta * log)
        return powers @ log / powers.sum() - 1 / beta - mean

    low = high = 1.2825 / failures.std()
    while score(low) > 0:
        low /= 2
    while score(high) < 0:
        high *= 2
    beta = low if low == high else brentq(score, low, high, xtol=1e-13, rtol=1e-13)
    scale = math.log(numpy.exp(beta * log).sum() / len(failures)) / beta
    log_likelihood = len(failures) * (math.log(beta) - unit - beta * scale + (beta - 1) * mean - 1)
    return math.exp(unit + scale), beta, log_likelihood


def weibull_frame(durations: pandas.Series, failed: pandas.Series) -> pandas.DataFrame:
    """A fit of each pair of lists, as columns `eta`, `beta`, `failures` and `log_likelihood`."""
    failed = [numpy.asarray(flags, bool) for flags in failed]
    fits = [weibull(numpy.asarray(lives, float), flags) for lives, flags in zip(durations, failed)]
    eta, beta, log_likelihood = numpy.array(fits).reshape(-1, 3).T
    failures = [flags.sum() for flags in failed]
    return pandas.DataFrame({"eta": eta, "beta": beta, "failures": failures, "log_likelihood": log_likelihood})
