//! How long a fleet takes and how much memory it holds; run by hand:
//! `FLEET_AIRCRAFT=100 FLEET_DAYS=365 /usr/bin/time -v cargo test -p fleet-generator measure -- --ignored --nocapture`

use crate::Fleet;
use fleet_generator::Options;

#[test]
#[ignore = "a measurement, not a check"]
fn measure() {
    let setting = |name: &str, default: u32| std::env::var(name).map_or(default, |value| value.parse().unwrap());
    let options =
        Options { aircraft: setting("FLEET_AIRCRAFT", 10), days: setting("FLEET_DAYS", 90), ..Options::default() };
    let start = std::time::Instant::now();
    let fleet = Fleet::generate(&options);
    println!("{:.2?} for {:?}", start.elapsed(), fleet.summary);
    if std::env::var_os("FLEET_KEEP").is_some() {
        println!("{}", fleet.folder.keep().display());
    }
}
