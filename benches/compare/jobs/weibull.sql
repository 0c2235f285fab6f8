select
    unit,
    fit['eta'] as eta,
    fit['beta'] as beta,
    fit['failures'] as failures,
    fit['log_likelihood'] as log_likelihood
from (
    select
        unit,
        weibull_fit(duration, failed) as fit
    from lives
    group by unit
) as fits
