//! The contract itself: `proto/check.sh` on it, and on copies that break their clients.

use std::fs;
use std::path::{Path, PathBuf};

use fleet_testing::buf;

use super::tool;
use crate::kit::{Place, Ran, copy_folder};

fn proto() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../proto").canonicalize().unwrap()
}

fn check(place: &Place, proto: &Path) -> Ran {
    let buf = buf().unwrap();
    tool::run(place, &proto.join("check.sh"), &[], &[("BUF", buf.to_str().unwrap())])
}

/// Checks a copy in which one text of one file is another.
fn check_changed(file: &str, from: &str, to: &str) -> Ran {
    let place = Place::new();
    copy_folder(&proto(), place.folder());
    let proto = place.folder().join("proto");
    let path = proto.join("fleet/v1").join(file);
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(text.matches(from).count(), 1, "`{from}` in {file}");
    fs::write(&path, text.replace(from, to)).unwrap();
    check(&place, &proto)
}

#[test]
fn the_contract_is_well_formed_and_breaks_no_client_of_the_last_release() {
    let ran = check(&Place::new(), &proto());
    assert_eq!(ran.code, Some(0), "`make proto` says:\n{}{}", ran.stdout, ran.stderr);
}

#[test]
fn a_change_that_breaks_a_client_is_found() {
    for (file, from, to, problem) in [
        (
            "run.proto",
            "  // The scheduler that led it, as in GetClusterInfo.\n  string instance_id = 6;\n",
            "",
            "field \"6\" with name \"instance_id\"",
        ),
        ("run.proto", "int32 priority = 7;", "int64 priority = 7;", "Field \"7\""),
        ("job.proto", "OVERLAP_POLICY_FORBID = 2;", "OVERLAP_POLICY_SKIP = 2;", "OVERLAP_POLICY_FORBID"),
        ("job_service.proto", "  rpc GetRun(GetRunRequest) returns (GetRunResponse);\n", "", "RPC \"GetRun\""),
    ] {
        let ran = check_changed(file, from, to);
        assert_ne!(ran.code, Some(0), "{file}: {from}");
        assert!(ran.stdout.contains(problem), "{file}: {from}:\n{}{}", ran.stdout, ran.stderr);
    }
}

#[test]
fn a_change_that_was_not_taken_into_the_release_is_found() {
    let ran = check_changed(
        "cluster_service.proto",
        "  string reason = 3;\n}",
        "  string reason = 3;\n  // Who.\n  string by = 4;\n}",
    );
    assert_ne!(ran.code, Some(0), "{ran:?}");
    assert!(ran.stderr.contains("proto/check.sh --release"), "{ran:?}");
}

#[test]
fn a_field_without_a_comment_is_found() {
    let ran = check_changed("job_service.proto", "  // The job, with its next firings.\n", "");
    assert_ne!(ran.code, Some(0), "{ran:?}");
    assert!(ran.stdout.contains("non-empty comment"), "{ran:?}");
}
