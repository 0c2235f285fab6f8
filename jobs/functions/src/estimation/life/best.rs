//! The laws side by side, and the choice among them.
//!
//! It owns the comparison only: each law is fitted in its own file.

use super::{Fit, Law, Options};
use crate::estimation::sample::Lives;

/// Fits every law, in the order of [`Law::ALL`].
pub fn all(lives: &Lives, options: &Options) -> Vec<Fit> {
    Law::ALL.into_iter().map(|law| law.fit(lives, options)).collect()
}

/// The place, among `fits` of one sample, of the one with the least of Akaike's criterion (Burnham & Anderson 2002,
/// section 2.2), the first of them where several have it; `None` where no law could be fitted.
///
/// A difference below two or so does not tell laws apart. The criterion of a three-parameter Weibull law with a shape
/// below two flatters it, since the theory behind does not hold there.
pub fn choice(fits: &[Fit]) -> Option<usize> {
    let criteria = fits.iter().enumerate().filter_map(|(place, fit)| fit.aic.map(|aic| (place, aic)));
    criteria.min_by(|(_, one), (_, other)| one.total_cmp(other)).map(|(place, _)| place)
}

/// The fit of the law that [`choice`] prefers. Where no law could be fitted it is the exponential one, which says why,
/// and still bounds the mean life of a sample without failures.
pub fn fit(lives: &Lives, options: &Options) -> Fit {
    // Bounds and the plot are left to the law that is chosen.
    let cheap = Options { bounds: super::Bounds::Wald, correlation: false, ..*options };
    let fits = all(lives, &cheap);
    let law = choice(&fits).map_or(Law::Exponential, |place| fits[place].law);
    law.fit(lives, options)
}
