/*
description: >-
  Life distributions of each part by flight hours since installation, fitted by maximum likelihood to complete lives,
  suspensions and late entries, with likelihood-ratio bounds of 95 % (of the mean, from the normal approximation, but for
  the exponential law). Four laws side by side; `best` has the least AIC.
  A law that the lives do not determine has no figures, and `outcome` says why.
grain: one row a part and distribution
key: [as_of, part_number, distribution]
materialized: partition
partition: as_of
unit: week
label: end
publish: true
columns:
  - name: as_of
    description: The date, which ends the week; its own events are not counted.
    not_null: true
  - name: part_number
    description: The part.
    not_null: true
  - name: distribution
    description: The law.
    not_null: true
    values: [weibull2, weibull3, lognormal, exponential]
  - name: failures
    description: Lives that a confirmed failure ended, a count.
    not_null: true
    min: 0
  - name: suspensions
    description: Lives that something else ended or that go on, a count.
    not_null: true
    min: 0
  - name: outcome
    description: "`fitted`, or why there are no figures."
    not_null: true
    values: [fitted, no_data, invalid_duration, failure_at_zero, no_failures, one_failure, all_equal, no_maximum, not_converged]
  - name: eta_hours
    description: Scale of a Weibull law, hours.
    min: 0
  - name: eta_hours_lower
    description: Bound below it, hours.
    min: 0
  - name: eta_hours_upper
    description: Bound above it, hours.
    min: 0
  - name: beta
    description: Shape of a Weibull law; above 1 a unit wears out.
    min: 0
  - name: beta_lower
    description: Bound below it.
    min: 0
  - name: beta_upper
    description: Bound above it.
    min: 0
  - name: gamma_hours
    description: Location of the three-parameter Weibull law, hours before which none fails.
    min: 0
  - name: gamma_hours_lower
    description: Bound below it, hours.
    min: 0
  - name: gamma_hours_upper
    description: Bound above it, hours.
    min: 0
  - name: mu
    description: Mean of the logarithm of hours, of the lognormal law.
  - name: mu_lower
    description: Bound below it.
  - name: mu_upper
    description: Bound above it.
  - name: sigma
    description: Standard deviation of the logarithm of hours, of the lognormal law.
    min: 0
  - name: sigma_lower
    description: Bound below it.
    min: 0
  - name: sigma_upper
    description: Bound above it.
    min: 0
  - name: rate_per_hour
    description: Rate of the exponential law, failures in an hour of a unit; 0 without failures.
    min: 0
  - name: rate_per_hour_lower
    description: Bound below it.
    min: 0
  - name: rate_per_hour_upper
    description: Bound above it; one-sided without failures.
    min: 0
  - name: log_likelihood
    description: Logarithm of the likelihood at its maximum.
  - name: aic
    description: Akaike's criterion; less is better, and differences below 2 say little.
  - name: bic
    description: Schwarz's criterion; less is better.
  - name: best
    description: Whether no law of the part has less of Akaike's criterion.
    not_null: true
  - name: b10_hours
    description: Hours by which a tenth of units has failed, hours.
    min: 0
  - name: b10_hours_lower
    description: Bound below it, hours; one-sided without failures.
    min: 0
  - name: b10_hours_upper
    description: Bound above it, hours.
    min: 0
  - name: mean_hours
    description: Mean life, hours.
    min: 0
  - name: mean_hours_lower
    description: Bound below it, hours; one-sided without failures.
    min: 0
  - name: mean_hours_upper
    description: Bound above it, hours.
    min: 0
  - name: correlation
    description: Correlation of the law's probability plot; 1 for points on its line.
    max: 1
*/
with fits as (
    select
        as_of,
        part_number,
        unnest(life_fit(duration_hours, observed, entry_hours, 'profile')) as fit
    from reliability.int_life
    where as_of = cast($interval_end as date)
    group by
        as_of,
        part_number
)

select
    as_of,
    part_number,
    fit['distribution'] as distribution,
    fit['failures'] as failures,
    fit['suspensions'] as suspensions,
    fit['outcome'] as outcome,
    fit['eta'] as eta_hours,
    fit['eta_lower'] as eta_hours_lower,
    fit['eta_upper'] as eta_hours_upper,
    fit['beta'] as beta,
    fit['beta_lower'] as beta_lower,
    fit['beta_upper'] as beta_upper,
    fit['gamma'] as gamma_hours,
    fit['gamma_lower'] as gamma_hours_lower,
    fit['gamma_upper'] as gamma_hours_upper,
    fit['mu'] as mu,
    fit['mu_lower'] as mu_lower,
    fit['mu_upper'] as mu_upper,
    fit['sigma'] as sigma,
    fit['sigma_lower'] as sigma_lower,
    fit['sigma_upper'] as sigma_upper,
    fit['rate'] as rate_per_hour,
    fit['rate_lower'] as rate_per_hour_lower,
    fit['rate_upper'] as rate_per_hour_upper,
    fit['log_likelihood'] as log_likelihood,
    fit['aic'] as aic,
    fit['bic'] as bic,
    fit['best'] as best,
    fit['b10'] as b10_hours,
    fit['b10_lower'] as b10_hours_lower,
    fit['b10_upper'] as b10_hours_upper,
    fit['mean'] as mean_hours,
    fit['mean_lower'] as mean_hours_lower,
    fit['mean_upper'] as mean_hours_upper,
    fit['correlation'] as correlation
from fits
