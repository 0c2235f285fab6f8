//! The same options give the same bytes; another seed gives others.

use sha2::{Digest, Sha256};

use crate::landing::Landing;
use crate::{Fleet, clean};
use fleet_generator::{Options, Telemetry};

fn fingerprint(options: &Options, threads: usize) -> Vec<u8> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    let fleet = pool.install(|| Fleet::generate(options));
    let root = fleet.folder.path();
    let mut hash = Sha256::new();
    for file in Landing(root).files("") {
        hash.update(file.strip_prefix(root).unwrap().to_str().unwrap());
        hash.update(std::fs::read(&file).unwrap());
    }
    hash.finalize().to_vec()
}

fn varied() -> Options {
    Options {
        aircraft: 60,
        days: 4,
        damaged_share: 0.01,
        late_share: 0.05,
        duplicate_share: 0.1,
        telemetry: Some(Telemetry { sample_rate_hz: 0.01, ..Telemetry::default() }),
        ..Options::default()
    }
}

#[test]
fn the_number_of_threads_changes_nothing() {
    assert_eq!(fingerprint(&varied(), 1), fingerprint(&varied(), 4));
}

#[test]
fn another_seed_is_another_fleet() {
    let other = Options { seed: 43, ..clean(2, 3) };
    assert_ne!(fingerprint(&clean(2, 3), 1), fingerprint(&other, 1));
}

#[test]
fn telemetry_changes_no_other_source() {
    let with = Fleet::generate(&Options {
        telemetry: Some(Telemetry { sample_rate_hz: 0.01, ..Telemetry::default() }),
        ..clean(2, 3)
    });
    let without = Fleet::generate(&clean(2, 3));
    assert_eq!(with.landing().csv("flights"), without.landing().csv("flights"));
    assert_eq!(with.landing().json("events"), without.landing().json("events"));
}
