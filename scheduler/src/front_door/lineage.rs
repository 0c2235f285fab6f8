//! GetLineage: checks what is asked, and pages what is answered.

use fleet_proto::v1;
use tonic::Status;

use super::convert::{table_version, timestamp};
use super::job_service::{digest, interval, invalid, run_id};
use crate::service::{LineageNode, LineageRequest, Made, Service, SourceFile};

const PAGE_SIZE: u32 = 500;
const PAGE_SIZE_MAX: u32 = 5_000;

pub(super) async fn answer(
    service: &Service,
    request: v1::GetLineageRequest,
) -> Result<v1::GetLineageResponse, Status> {
    let (page, first) = page(&request)?;
    let lineage = service
        .lineage(&LineageRequest {
            table: request
                .table
                .parse()
                .map_err(|_| invalid("table", format!("`{}` is not schema.table", request.table)))?,
            run: if request.run_id.is_empty() { None } else { Some(run_id(&request.run_id)?) },
            days: interval(&request.interval)?,
            depth_max: request.depth_max,
        })
        .await?;
    let files_total = lineage.files.len();
    let size = if request.page_size == 0 { PAGE_SIZE } else { request.page_size.min(PAGE_SIZE_MAX) } as usize;
    let after = first.saturating_add(size);
    Ok(v1::GetLineageResponse {
        nodes: if first == 0 { lineage.nodes.iter().map(node).collect() } else { Vec::new() },
        files: lineage.files.iter().skip(first).take(size).map(file).collect(),
        files_total: files_total as u64,
        next_page_token: if after < files_total { format!("{page}-{after}") } else { String::new() },
    })
}

/// What a page token of this request begins with, and the file that the page begins with.
fn page(request: &v1::GetLineageRequest) -> Result<(String, usize), Status> {
    let digest = digest(&(&request.table, &request.run_id, &request.interval, request.depth_max));
    if request.page_token.is_empty() {
        return Ok((digest, 0));
    }
    match request.page_token.split_once('-').map(|(of, first)| (of == digest, first.parse())) {
        Some((true, Ok(first))) => Ok((digest, first)),
        _ => Err(invalid("page_token", "is not of this request; begin without one")),
    }
}

fn node(node: &LineageNode) -> v1::LineageNode {
    v1::LineageNode {
        table: Some(table_version(&node.version)),
        productions: node.productions.iter().map(production).collect(),
    }
}

fn production(made: &Made) -> v1::Production {
    v1::Production {
        run_id: made.run.to_string(),
        step: made.step.clone(),
        version: made.version,
        committed_at: Some(timestamp(made.committed_at)),
        partitions: made.partitions.clone(),
        rows: made.rows,
        inputs: made.inputs.iter().map(table_version).collect(),
        files: made.files,
    }
}

fn file(file: &SourceFile) -> v1::SourceFile {
    v1::SourceFile {
        file: file.url.clone(),
        sha256: file.sha256.clone(),
        source: file.source.clone(),
        delivered_on: file.delivered_on.clone(),
        ingested_at: file.ingested_at.map(timestamp),
        size_bytes: file.size_bytes,
        rows_kept: file.rows_kept,
        rows_quarantined: file.rows_quarantined,
        run_id: file.run.map(|run| run.to_string()).unwrap_or_default(),
    }
}
