//! `fleet lineage`: from a table back to its files.

use std::collections::{BTreeMap, BTreeSet};

use fleet_proto::v1::{GetLineageRequest, GetLineageResponse, LineageNode, Production, SourceFile, TableVersion};

use super::connect::Client;
use super::error::Error;
use super::json;
use super::options::Lineage;
use super::text::{self, Tree};
use crate::display::{grouped, say};

/// More steps of one table than this are counted: a table by day has one for each.
const PRODUCTIONS: usize = 3;
const PARTITIONS: usize = 3;

pub async fn lineage(client: &mut Client, options: &Lineage, json: bool) -> Result<(), Error> {
    let mut request = GetLineageRequest {
        table: options.table.clone(),
        run_id: options.run.clone().unwrap_or_default(),
        interval: options.interval.clone().unwrap_or_default(),
        depth_max: options.depth.unwrap_or(0),
        // Without the files their number alone is of interest.
        page_size: if options.files { 0 } else { 1 },
        page_token: String::new(),
    };
    let first = page(client, &request).await?;
    match (json, options.files) {
        (true, true) => say(json::lineage(&first)),
        (true, false) => say(json::lineage_summary(&first)),
        (false, _) => in_full(&first).iter().for_each(say),
    }
    if !options.files {
        return Ok(());
    }
    let mut page_of_files = first;
    loop {
        if !json {
            table(&page_of_files.files).iter().for_each(say);
        }
        if page_of_files.next_page_token.is_empty() || page_of_files.files.is_empty() {
            return Ok(());
        }
        request.page_token = page_of_files.next_page_token;
        page_of_files = page(client, &request).await?;
        if json {
            say(json::lineage(&page_of_files));
        }
    }
}

async fn page(client: &mut Client, request: &GetLineageRequest) -> Result<GetLineageResponse, Error> {
    let response = client.call(format!("lineage of {}", request.table), |mut services| {
        let request = request.clone();
        async move { services.jobs.get_lineage(request).await }
    });
    response.await
}

fn in_full(response: &GetLineageResponse) -> Vec<String> {
    let mut lines = match response.nodes.first().and_then(|node| node.table.as_ref()) {
        Some(table) => branch(&Branch::of(table), &response.nodes, &mut BTreeSet::new()).lines(),
        None => Vec::new(),
    };
    lines.push(format!("from {}", text::counted(response.files_total, "delivered file")));
    lines
}

/// A table that something reads, in its latest version and those before it that are read as well.
struct Branch {
    table: String,
    version: u64,
    before: Vec<u64>,
}

impl Branch {
    fn of(table: &TableVersion) -> Self {
        Self { table: table.table.clone(), version: table.version, before: Vec::new() }
    }
}

fn branch(branch_of: &Branch, nodes: &[LineageNode], shown: &mut BTreeSet<String>) -> Tree {
    let title = title(branch_of);
    let is = |node: &&LineageNode| {
        node.table.as_ref().is_some_and(|table| table.table == branch_of.table && table.version == branch_of.version)
    };
    let Some(node) = nodes.iter().find(is) else { return Tree::new(title) };
    if !shown.insert(format!("{}@{}", branch_of.table, branch_of.version)) {
        return Tree::new(format!("{title} (above)"));
    }
    let mut tree = Tree::new(title);
    node.productions.iter().take(PRODUCTIONS).for_each(|production| tree.leaf(production_line(production)));
    if let Some(more) = node.productions.get(PRODUCTIONS..).filter(|more| !more.is_empty()) {
        let rows = text::rows(more.iter().map(|production| production.rows).sum());
        tree.leaf(format!("{} earlier: {rows} (all of them with --json)", text::counted(more.len() as u64, "step")));
    }
    inputs(node).iter().for_each(|input| tree.push(branch(input, nodes, shown)));
    tree
}

fn title(branch: &Branch) -> String {
    let before = match branch.before.as_slice() {
        [] => String::new(),
        [one] => format!(", and {one} before"),
        [last, .., first] => format!(", and {} before, {first} to {last}", branch.before.len()),
    };
    format!("{} version {}{before}", branch.table, branch.version)
}

/// What the steps of a table read, by table.
fn inputs(node: &LineageNode) -> Vec<Branch> {
    let mut tables: BTreeMap<&str, BTreeSet<u64>> = BTreeMap::new();
    for input in node.productions.iter().flat_map(|production| &production.inputs) {
        tables.entry(&input.table).or_default().insert(input.version);
    }
    let branch = |(table, mut versions): (&str, BTreeSet<u64>)| Branch {
        table: table.to_owned(),
        version: versions.pop_last().unwrap_or_default(),
        before: versions.into_iter().rev().collect(),
    };
    tables.into_iter().map(branch).collect()
}

fn production_line(production: &Production) -> String {
    let mut line = format!(
        "version {} by run {}, {}: {}",
        production.version,
        production.run_id,
        text::instant(production.committed_at.as_ref()),
        text::rows(production.rows)
    );
    if production.files > 0 {
        line.push_str(&format!(" from {}", text::counted(production.files, "file")));
    }
    match production.partitions.as_slice() {
        [] => {}
        [first, .., last] if production.partitions.len() > PARTITIONS => {
            line.push_str(&format!(" in {} partitions, {first} to {last}", production.partitions.len()));
        }
        partitions => line.push_str(&format!(" in {}", partitions.join(", "))),
    }
    line
}

fn table(files: &[SourceFile]) -> Vec<String> {
    let headings = ["source", "delivered", ">rows", ">quarantined", ">size", "sha256", "file"];
    let mut table = text::Table::new(&headings);
    for file in files {
        table.row([
            file.source.clone(),
            file.delivered_on.clone(),
            grouped(file.rows_kept),
            grouped(file.rows_quarantined),
            text::bytes(file.size_bytes),
            file.sha256.chars().take(12).collect(),
            file.file.clone(),
        ]);
    }
    table.lines()
}

#[cfg(test)]
mod tests {
    use prost_types::Timestamp;

    use super::*;

    fn version(table: &str, version: u64) -> TableVersion {
        TableVersion { table: table.to_owned(), version }
    }

    fn production(run: &str, version_of: u64, inputs: &[(&str, u64)], partitions: &[&str]) -> Production {
        Production {
            run_id: run.to_owned(),
            version: version_of,
            committed_at: Some(Timestamp { seconds: 1_773_014_400, nanos: 0 }),
            partitions: partitions.iter().map(|&partition| partition.to_owned()).collect(),
            rows: 10,
            inputs: inputs.iter().map(|&(table, number)| version(table, number)).collect(),
            ..Production::default()
        }
    }

    fn node(table: &str, number: u64, productions: Vec<Production>) -> LineageNode {
        LineageNode { table: Some(version(table, number)), productions }
    }

    #[test]
    fn a_table_is_followed_to_its_files() {
        let mut ingested = production("r1", 2, &[], &["d1", "d2", "d3", "d4"]);
        ingested.files = 1;
        let days = ["m5", "m4", "m3", "m2", "m1"];
        let by_month = days.iter().zip((3..8).rev()).map(|(day, number)| {
            production("r2", number, &[("source.events", number - 1), ("source.events", 2)], &[day])
        });
        let response = GetLineageResponse {
            nodes: vec![
                node("a.trend", 7, by_month.collect()),
                node("source.events", 6, vec![ingested]),
                node("source.events", 2, Vec::new()),
            ],
            files_total: 1,
            ..GetLineageResponse::default()
        };
        assert_eq!(
            in_full(&response).join("\n"),
            "\
a.trend version 7
├─ version 7 by run r2, 2026-03-09T00:00:00Z: 10 rows in m5
├─ version 6 by run r2, 2026-03-09T00:00:00Z: 10 rows in m4
├─ version 5 by run r2, 2026-03-09T00:00:00Z: 10 rows in m3
├─ 2 steps earlier: 20 rows (all of them with --json)
└─ source.events version 6, and 4 before, 2 to 5
   └─ version 2 by run r1, 2026-03-09T00:00:00Z: 10 rows from 1 file in 4 partitions, d1 to d4
from 1 delivered file"
        );
    }

    #[test]
    fn a_table_read_twice_is_shown_once() {
        let reads = |table: &str| production("r", 1, &[(table, 1)], &[]);
        let nodes = vec![
            node("a.top", 1, vec![production("r", 1, &[("a.left", 1), ("a.right", 1)], &[])]),
            node("a.left", 1, vec![reads("a.base")]),
            node("a.right", 1, vec![reads("a.base")]),
            node("a.base", 1, Vec::new()),
        ];
        let lines = in_full(&GetLineageResponse { nodes, ..GetLineageResponse::default() });
        assert_eq!(lines.iter().filter(|line| line.ends_with("a.base version 1")).count(), 1);
        assert_eq!(lines.iter().filter(|line| line.ends_with("a.base version 1 (above)")).count(), 1);
        assert_eq!(lines.last().unwrap(), "from 0 delivered files");
    }

    #[test]
    fn files_are_a_table() {
        let file = SourceFile {
            file: "s3://airline/landing/events/2026-03-05/a.csv".to_owned(),
            sha256: "0123456789abcdef".to_owned(),
            source: "events".to_owned(),
            delivered_on: "2026-03-05".to_owned(),
            size_bytes: 2048,
            rows_kept: 1019,
            rows_quarantined: 3,
            ..SourceFile::default()
        };
        assert_eq!(
            table(&[file]),
            [
                "source  delivered    rows  quarantined     size  sha256        file",
                "events  2026-03-05  1 019            3  2.0 KiB  0123456789ab  s3://airline/landing/events/2026-03-05/a.csv",
            ]
        );
    }
}
