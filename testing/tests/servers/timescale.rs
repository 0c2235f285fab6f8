use fleet_testing::Timescale;

#[test]
#[ignore = "needs a 530 MB root made by `testing/install.sh timescaledb`, and to be run as root"]
fn timescale_buckets_a_hypertable_and_survives_a_crash() {
    let mut server = Timescale::start().unwrap();
    server.create_database("readings").unwrap();
    server.psql("readings", "create extension timescaledb").unwrap();
    server
        .psql(
            "readings",
            "create table reading (at timestamptz not null, egt_celsius double precision);
             select create_hypertable('reading', by_range('at', interval '1 day'));
             insert into reading
             select '2024-01-01Z'::timestamptz + interval '1 hour' * hour, hour from generate_series(0, 71) hour;",
        )
        .unwrap();

    server.kill();
    server.restart().unwrap();

    let days = "select time_bucket('1 day', at)::date, count(*), max(egt_celsius) from reading group by 1 order by 1";
    assert_eq!(server.psql("readings", days).unwrap(), "2024-01-01|24|23\n2024-01-02|24|47\n2024-01-03|24|71");
    let chunks = "select count(*) from show_chunks('reading')";
    assert_eq!(server.psql("readings", chunks).unwrap(), "3");
}
