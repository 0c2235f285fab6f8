use std::process::Command;

#[test]
fn duckdb_computes_in_python() {
    let script = "import duckdb; print(duckdb.sql('select sum(n) from range(101) numbers(n)').fetchone()[0])";
    let output = Command::new(fleet_testing::python().unwrap()).args(["-c", script]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "5050", "{output:?}");
}
