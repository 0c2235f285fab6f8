//! What is refused, and that a refusal leaves no trace.

use fleet_generator::{Error, Options, generate};

use crate::clean;

#[test]
fn a_folder_that_holds_a_fleet_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    generate(&clean(1, 1), folder.path(), &|_| ()).unwrap();
    let refused = generate(&clean(1, 1), folder.path(), &|_| ()).unwrap_err();
    assert!(matches!(refused, Error::OutputNotEmpty { .. }));
    assert!(refused.to_string().contains("landing is not empty"), "{refused}");
}

#[test]
fn an_option_out_of_range_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { aircraft: 10_001, ..clean(1, 1) };
    let refused = generate(&options, folder.path(), &|_| ()).unwrap_err();
    assert_eq!(refused.to_string(), "option aircraft is 10001, expected 1 to 10000");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn nothing_temporary_is_left() {
    let folder = tempfile::tempdir().unwrap();
    generate(&clean(1, 1), folder.path(), &|_| ()).unwrap();
    let mut names: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["landing", "reference", "truth"]);
}
