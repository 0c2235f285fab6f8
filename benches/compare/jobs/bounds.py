"""Exact Poisson bounds of removal rates, with the χ² quantiles of scipy."""

from __future__ import annotations

import numpy
import pandas
from scipy.stats import chi2

WINDOWS = ("", "_3m", "_12m")
CONFIDENCE = 0.95
MTBUR_CONFIDENCE = 0.90


def bounds(count: numpy.ndarray, hours: numpy.ndarray) -> tuple[numpy.ndarray, numpy.ndarray, numpy.ndarray]:
    """Of removals in unit hours: the rate's bounds in 1000 unit hours (Garwood 1936), and the MTBUR that is exceeded
    with 90 % confidence, 2T/χ²(0.90; 2k+2). NaN without hours."""
    hours = numpy.where(hours > 0, hours, numpy.nan)
    tail = (1 - CONFIDENCE) / 2
    # With no removal the lower quantile has no degrees of freedom; the bound is zero.
    lower = numpy.where(count > 0, chi2.ppf(tail, 2 * numpy.maximum(count, 1)), 0.0) / 2
    upper = chi2.ppf(1 - tail, 2 * count + 2) / 2
    mtbur = 2 * hours / chi2.ppf(MTBUR_CONFIDENCE, 2 * count + 2)
    return 1000 * lower / hours, 1000 * upper / hours, mtbur


def bounds_frame(count: pandas.Series, hours: pandas.Series) -> pandas.DataFrame:
    """The same as columns `lower`, `upper` and `mtbur`."""
    lower, upper, mtbur = bounds(count.to_numpy(float), hours.to_numpy(float))
    return pandas.DataFrame({"lower": lower, "upper": upper, "mtbur": mtbur})
