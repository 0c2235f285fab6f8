//! What outlives a round: the delivered files, object storage, and the database server.

use std::fs;
use std::net::{Ipv4Addr, TcpStream};

use fleet_testing::Postgres;

use crate::kit::{Place, S3, made_fleet};

/// With one month's end in it.
const OPTIONS: [&str; 8] = ["--aircraft", "4", "--days", "30", "--first-day", "2026-01-15", "--seed", "7"];

/// The job that fires while a round goes on.
pub const EVERY_MINUTE: &str = "every_minute";
const JOB: &str = "name: every_minute\ndescription: Fires in every round.\nmodels: [chaos.tick]\n\
                   default_interval: day\nschedule:\n  cron: \"* * * * *\"\n  catch_up: all\n";
const MODEL: &str = "/*\ndescription: What the firing job computes.\ngrain: one row\nkey: [number]\n\
                     materialized: whole\ncolumns:\n  - name: number\n    description: A number.\n*/\n\
                     select cast(1 as bigint) as number\n";

pub struct Airline {
    pub postgres: Postgres,
    pub s3: S3,
}

/// One round's own: where its processes run, and its databases.
pub struct Ground {
    pub place: Place,
    /// Where the tables are in the bucket.
    pub warehouse: String,
    /// Names of databases.
    pub ledger: String,
    pub published: String,
}

impl Airline {
    pub fn start() -> Self {
        let (postgres, s3, files) = (Postgres::start().unwrap(), S3::start(), made_fleet(&OPTIONS));
        for part in ["landing", "reference"] {
            s3.upload(&files.data_folder().join(part), &format!("fleet/{part}"));
        }
        Self { postgres, s3 }
    }

    /// Brings back what a round that failed left down.
    pub fn mend(&mut self) {
        if self.postgres.psql("postgres", "select 1;").is_err() {
            self.postgres.restart().unwrap();
        }
        let port = self.s3.server.endpoint().rsplit(':').next().and_then(|port| port.parse().ok()).unwrap();
        if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            self.s3.server.restart().unwrap();
        }
    }

    /// All files delivered, nothing ingested.
    pub fn ground(&self, name: &str) -> Ground {
        let [ledger, published] = ["ledger", "published"].map(|database| format!("{name}_{database}"));
        for database in [&ledger, &published] {
            self.postgres.create_database(database).unwrap();
        }
        let plain = ("NO_COLOR".to_owned(), "1".to_owned());
        let place = Place::new().with_data("s3://airline/fleet").with_variables(self.s3.server.env());
        let place = place.with_variables(vec![plain]).with_option("--warehouse", &format!("s3://airline/{name}"));
        let catalog = place.folder().join("catalog");
        for (file, text) in [("jobs/every_minute.yaml", JOB), ("chaos/tick.sql", MODEL)] {
            let path = catalog.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let place = place.with_option("--catalog", catalog.to_str().unwrap());
        Ground { place, warehouse: name.to_owned(), ledger, published }
    }

    /// What a query of a database gives: a line a row, columns parted by `|`.
    pub fn ask(&self, database: &str, sql: &str) -> String {
        self.postgres.psql(database, sql).unwrap()
    }
}
