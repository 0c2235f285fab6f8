//! Where tables came from.

use fleet_proto::v1::{GetLineageResponse, LineageNode, Production, SourceFile};
use serde_json::{Value, json};

use super::run::table_version;
use super::{instant, list, optional};

/// One page, whole.
pub fn lineage(response: &GetLineageResponse) -> Value {
    json!({
        "nodes": list(&response.nodes, node),
        "files": list(&response.files, file),
        "files_total": response.files_total,
        "next_page_token": response.next_page_token,
    })
}

/// A page without its files, of which only the number was asked for.
pub fn lineage_summary(response: &GetLineageResponse) -> Value {
    json!({ "nodes": list(&response.nodes, node), "files_total": response.files_total })
}

fn node(node: &LineageNode) -> Value {
    json!({
        "table": optional(node.table.as_ref(), table_version),
        "productions": list(&node.productions, production),
    })
}

fn production(production: &Production) -> Value {
    json!({
        "run_id": production.run_id,
        "step": production.step,
        "version": production.version,
        "committed_at": instant(production.committed_at.as_ref()),
        "partitions": production.partitions,
        "rows": production.rows,
        "inputs": list(&production.inputs, table_version),
        "files": production.files,
    })
}

fn file(file: &SourceFile) -> Value {
    json!({
        "file": file.file,
        "sha256": file.sha256,
        "source": file.source,
        "delivered_on": file.delivered_on,
        "ingested_at": instant(file.ingested_at.as_ref()),
        "size_bytes": file.size_bytes,
        "rows_kept": file.rows_kept,
        "rows_quarantined": file.rows_quarantined,
        "run_id": file.run_id,
    })
}
