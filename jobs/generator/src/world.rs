//! What all aircraft share and none changes: the options and the tables derived from them once.

use crate::Options;
use crate::calendar::Day;
use crate::catalog::Catalog;
use crate::network::Network;

pub(crate) struct World {
    pub(crate) options: Options,
    pub(crate) catalog: Catalog,
    pub(crate) network: Network,
    pub(crate) first_day: Day,
    pub(crate) last_day: Day,
}

impl World {
    pub(crate) fn new(options: &Options) -> Self {
        let first_day = Day::from_date(options.first_day);
        Self {
            options: options.clone(),
            catalog: Catalog::new(),
            network: Network::new(),
            first_day,
            last_day: first_day.plus(options.days.saturating_sub(1) as i32),
        }
    }
}
