//! What happens to the rows and files of one delivery, drawn once for each batch.

use crate::Options;
use crate::output::Encoding;
use crate::random::Stream;

/// Late rows come in bundles: this times their share is the share of batches that hold any back.
const BUNDLING: f64 = 10.0;

/// Corrected rows for each late one.
const CORRECTIONS_PER_LATE_ROW: f64 = 0.5;

/// Share of files compressed, each way.
const GZIP_SHARE: f64 = 0.125;
const ZSTD_SHARE: f64 = 0.125;

pub(super) struct Plan {
    pub(super) damaged_share: f64,
    pub(super) late_share: f64,
    pub(super) corrected_share: f64,
    pub(super) late_after_days: i32,
    pub(super) corrected_after_days: i32,
    pub(super) duplicate_after_days: Option<i32>,
    pub(super) encoding: Encoding,
}

impl Plan {
    pub(super) fn draw(options: &Options, stream: &mut Stream) -> Self {
        let late_share = bundled(options.late_share, stream);
        let corrected_share = bundled(options.late_share * CORRECTIONS_PER_LATE_ROW, stream);
        let late_after_days = stream.integer(1, 9) as i32;
        let corrected_after_days = stream.integer(1, 9) as i32;
        let duplicated = stream.chance(options.duplicate_share);
        let duplicate_after_days = stream.integer(1, 9) as i32;
        Self {
            damaged_share: options.damaged_share,
            late_share,
            corrected_share,
            late_after_days,
            corrected_after_days,
            duplicate_after_days: duplicated.then_some(duplicate_after_days),
            encoding: encoding(stream),
        }
    }
}

/// The share of rows within one batch: mostly none, and the given share over all batches.
fn bundled(share: f64, stream: &mut Stream) -> f64 {
    let batches = (BUNDLING * share).min(1.0);
    if stream.chance(batches) { share / batches } else { 0.0 }
}

fn encoding(stream: &mut Stream) -> Encoding {
    match stream.unit() {
        draw if draw < GZIP_SHARE => Encoding::Gzip,
        draw if draw < GZIP_SHARE + ZSTD_SHARE => Encoding::Zstd,
        _ => Encoding::Plain,
    }
}
