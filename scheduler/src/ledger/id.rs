//! What runs and backfills are called.

use chrono::{DateTime, Utc};
use uuid::{NoContext, Timestamp, Uuid};

macro_rules! ids {
    ($($(#[$meta:meta])* $name:ident => $what:literal,)+) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            pub fn new(now: DateTime<Utc>) -> Self {
                Self(ordered(now))
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(formatter)
            }
        }

        impl std::str::FromStr for $name {
            type Err = super::Error;

            fn from_str(text: &str) -> super::Result<Self> {
                let what = || format!(concat!($what, " id {:?}"), text);
                let problem = "expected a UUID, 36 characters such as 019cfd2f-a680-7c3e-b3a4-2f6d0d0f7a11";
                Uuid::try_parse(text).map(Self).map_err(|_| super::Error::invalid(what(), problem))
            }
        }
    )+};
}

ids! {
    /// Ordered by the time of submission, to the millisecond; within a backfill, by interval.
    RunId => "run",
    BackfillId => "backfill",
}

fn ordered(now: DateTime<Utc>) -> Uuid {
    let seconds = u64::try_from(now.timestamp()).unwrap_or_default();
    Uuid::new_v7(Timestamp::from_unix(NoContext, seconds, now.timestamp_subsec_nanos()))
}
