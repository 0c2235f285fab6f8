"""Life distributions fitted to lives by maximum likelihood: `reliability.life_model`, without its `weibull3`.

Weibull and lognormal are one family: the logarithm of hours is u + b·Z, with Z of a fixed law (Meeker and
Escobar 1998, chapter 4). A failure adds the density to the likelihood, a suspension the survival, and a late
entry divides by the survival at its age.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq, minimize, minimize_scalar, root
from scipy.special import gammaln, log_ndtr
from scipy.stats import chi2, norm

from lives import by_part

# Half of it is how far the logarithm of the likelihood falls from its maximum to a bound.
LIKELIHOOD_RATIO_95 = float(chi2.ppf(0.95, 1))
# Without failures there is only one side to be wrong on, and the probability of no failure is plain.
NO_FAILURE_95 = -math.log(0.05)

FAILED_BY_B10 = 0.10

# How far from the maximum a bound of log hours, or of the logarithm of the spread, is looked for.
FARTHEST = 60.0

# How level the likelihood is at what passes for its maximum, of each life.
LEVEL = 1e-8

NO_LIKELIHOOD = -1e100


class SmallestExtremeValue:
    """Z of the Weibull law."""

    quantile_b10 = math.log(-math.log1p(-FAILED_BY_B10))

    @staticmethod
    def log_density(z):
        return z - np.exp(z)

    @staticmethod
    def log_density_slope(z):
        return 1 - np.exp(z)

    @staticmethod
    def log_survival(z):
        return -np.exp(z)

    @staticmethod
    def log_survival_slope(z):
        return -np.exp(z)

    @staticmethod
    def log_mean_above_location(spread):
        return float(gammaln(1 + spread))


class StandardNormal:
    """Z of the lognormal law."""

    quantile_b10 = float(norm.ppf(FAILED_BY_B10))

    @staticmethod
    def log_density(z):
        return -z * z / 2 - math.log(2 * math.pi) / 2

    @staticmethod
    def log_density_slope(z):
        return -z

    @staticmethod
    def log_survival(z):
        return log_ndtr(-z)

    @staticmethod
    def log_survival_slope(z):
        return -np.exp(StandardNormal.log_density(z) - log_ndtr(-z))

    @staticmethod
    def log_mean_above_location(spread):
        return spread**2 / 2


class Likelihood:
    """Logarithm of the likelihood of lives at a location u and the logarithm of a spread b."""

    def __init__(self, law, lives):
        self.law = law
        self.failed = np.log([life.duration_hours for life in lives if life.observed])
        self.suspended = np.log([life.duration_hours for life in lives if not life.observed])
        self.entered = np.log([life.entry_hours for life in lives if life.entry_hours > 0])

    def __call__(self, location, log_spread):
        spread = math.exp(log_spread)
        with np.errstate(over="ignore", invalid="ignore"):
            total = np.sum(self.law.log_density((self.failed - location) / spread) - log_spread - self.failed)
            total += np.sum(self.law.log_survival((self.suspended - location) / spread))
            total -= np.sum(self.law.log_survival((self.entered - location) / spread))
        # Far off, powers overflow; no life is anywhere near likely there.
        return float(total) if np.isfinite(total) else NO_LIKELIHOOD

    def gradient(self, location, log_spread):
        """By location and by the logarithm of the spread."""
        spread = math.exp(log_spread)
        by_location, by_log_spread = 0.0, -float(len(self.failed))
        with np.errstate(over="ignore", invalid="ignore"):
            for sign, logs, slope in (
                (1, self.failed, self.law.log_density_slope),
                (1, self.suspended, self.law.log_survival_slope),
                (-1, self.entered, self.law.log_survival_slope),
            ):
                z = (logs - location) / spread
                slopes = sign * slope(z)
                by_location -= float(np.sum(slopes)) / spread
                by_log_spread -= float(np.sum(slopes * z))
        return np.array([by_location, by_log_spread])


@dataclass(frozen=True)
class Fit:
    likelihood: Likelihood
    location: float
    log_spread: float
    maximum: float

    def profile_of_spread(self, log_spread):
        return greatest(lambda location: self.likelihood(location, log_spread), self.location)

    def profile_of(self, value, above_location):
        """The likelihood where u + above_location(b) is held at a value."""

        def at(log_spread):
            return self.likelihood(value - above_location(math.exp(log_spread)), log_spread)

        return greatest(at, self.log_spread)

    def bounds(self, profile, best):
        """Where the profile has fallen as far as the likelihood ratio allows; None where it never does."""
        floor = self.maximum - LIKELIHOOD_RATIO_95 / 2
        return [crossing(lambda at: profile(at) - floor, best, direction) for direction in (-1, 1)]


def greatest(function, near):
    """The greatest value of a function of one peak near a point."""
    found = minimize_scalar(lambda at: -function(at), bracket=(near - 0.1, near + 0.1), options={"xtol": 1e-12})
    return -found.fun


def crossing(function, start, direction):
    """Where a function above 0 at the start falls to 0."""
    step, inner = 0.05, start
    while abs(inner - start) < FARTHEST:
        outer = inner + direction * step
        if function(outer) < 0:
            return float(brentq(function, inner, outer, xtol=1e-13, rtol=1e-13))
        inner, step = outer, step * 1.6
    return None


def fit(law, lives):
    """The maximum of the likelihood, or None where it has none within reason."""
    likelihood = Likelihood(law, lives)
    start = np.array([float(np.mean(likelihood.failed)) + 0.5, math.log(float(np.std(likelihood.failed)) + 0.05)])
    # A search without slopes comes near from anywhere; the slopes then give the place to the last digits.
    simplex = start + np.array([[0.0, 0.0], [0.5, 0.0], [0.0, 0.5]])
    with np.errstate(all="ignore"):
        near = minimize(lambda at: -likelihood(*at), start, method="Nelder-Mead", options={"initial_simplex": simplex})
        at_rest = root(lambda at: likelihood.gradient(*at), near.x, tol=1e-13)
    top = at_rest.x
    steepest = np.max(np.abs(likelihood.gradient(*top)))
    if not steepest < LEVEL * len(lives) or likelihood(*top) < -near.fun - LEVEL:
        return None
    return Fit(likelihood, float(top[0]), float(top[1]), likelihood(*top))


def life_models(lives, as_of):
    for part, units in by_part(lives).items():
        rows = [model(name, units) for name in MODELS]
        least = min((row["aic"] for row in rows if row["aic"] is not None), default=None)
        for row in rows:
            best = row["aic"] is not None and row["aic"] == least
            yield {"as_of": as_of.isoformat(), "part_number": part, **row, "best": best}


def model(name, lives):
    failures = sum(life.observed for life in lives)
    outcome, figures, parameters = MODELS[name](lives, failures)
    row = {"distribution": name, "failures": failures, "suspensions": len(lives) - failures, "outcome": outcome}
    row |= {column: figures.get(column) for column in FIGURES}
    maximum = figures.get("log_likelihood")
    row["aic"] = None if maximum is None else 2 * parameters - 2 * maximum
    row["bic"] = None if maximum is None else parameters * math.log(len(lives)) - 2 * maximum
    return row


def weibull2(lives, failures):
    return located("eta_hours", "beta", SmallestExtremeValue, lives, failures)


def lognormal(lives, failures):
    return located("mu", "sigma", StandardNormal, lives, failures)


def located(location_name, spread_name, law, lives, failures):
    outcome = what_forbids(lives, failures)
    found = None if outcome else fit(law, lives)
    if found is None:
        return outcome or "no_maximum", {}, 2
    figures = {"log_likelihood": found.maximum}
    location = bounded(found.location, found.bounds(lambda at: found.profile_of(at, lambda _: 0.0), found.location))
    spread = bounded(found.log_spread, found.bounds(found.profile_of_spread, found.log_spread))
    if law is SmallestExtremeValue:
        figures |= named(location_name, exponentials(location))
        # beta = 1/b: the greater the spread, the less the shape.
        figures |= named(spread_name, exponentials((negated(spread[0]), negated(spread[2]), negated(spread[1]))))
    else:
        figures |= named(location_name, location)
        figures |= named(spread_name, exponentials(spread))
    spread = math.exp(found.log_spread)
    b10 = found.location + law.quantile_b10 * spread
    bounds = found.bounds(lambda at: found.profile_of(at, lambda spread: law.quantile_b10 * spread), b10)
    figures |= named("b10_hours", exponentials(bounded(b10, bounds)))
    figures["mean_hours"] = math.exp(found.location + law.log_mean_above_location(spread))
    return "fitted", figures, 2


def exponential(lives, failures):
    if not lives:
        return "no_data", {}, 1
    hours = math.fsum(life.duration_hours - life.entry_hours for life in lives)
    per_tenth = -math.log1p(-FAILED_BY_B10)
    if failures == 0:
        rate = 0.0, 0.0, NO_FAILURE_95 / hours
        b10 = None, per_tenth / rate[2], None
        return "no_failures", named("rate_per_hour", rate) | named("b10_hours", b10), 1
    best = failures / hours
    maximum = failures * math.log(best) - failures
    fallen = maximum - LIKELIHOOD_RATIO_95 / 2

    def above(log_rate):
        return failures * log_rate - math.exp(log_rate) * hours - fallen

    rate = best, *(math.exp(crossing(above, math.log(best), direction)) for direction in (-1, 1))
    b10 = tuple(per_tenth / rate[position] for position in (0, 2, 1))
    figures = {"log_likelihood": maximum, "mean_hours": 1 / best}
    return "fitted", figures | named("rate_per_hour", rate) | named("b10_hours", b10), 1


def what_forbids(lives, failures):
    """Why two parameters have no maximum, if that is plain before any search."""
    if not lives:
        return "no_data"
    if failures == 0:
        return "no_failures"
    if failures == 1:
        return "one_failure"
    if len({life.duration_hours for life in lives if life.observed}) == 1:
        return "all_equal"
    return None


def bounded(best, bounds):
    return best, *bounds


def negated(value):
    return None if value is None else -value


def exponentials(values):
    return tuple(None if value is None else math.exp(value) for value in values)


def named(name, values):
    return dict(zip((name, name + "_lower", name + "_upper"), values, strict=True))


MODELS = {"weibull2": weibull2, "lognormal": lognormal, "exponential": exponential}

FIGURES = ("log_likelihood", "mean_hours") + tuple(
    name + bound
    for name in ("eta_hours", "beta", "mu", "sigma", "rate_per_hour", "b10_hours")
    for bound in ("", "_lower", "_upper")
)
