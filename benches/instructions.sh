#!/usr/bin/env bash
# Holds the hot paths to a number of instructions, counted by Callgrind on fixed inputs: time would tell nothing on a
# machine that others share. A path that is made dearer on purpose has its limit raised, and the commit says why.
#
#   benches/instructions.sh        counts all cases; ends with 1 where one is over its limit
#
# Counts are of the development profile, the limits a tenth above what was counted when they were set.
set -euo pipefail
cd "$(dirname "$0")/.."

limits="
csv 27500000
ndjson 32000000
weibull_fit 19700000
summary_statistics 9900000
planning 7300000
"

program=$("${CARGO:-cargo}" bench --profile dev --workspace --bench instructions --no-run --message-format json |
    sed -nE 's/.*"executable":"([^"]*\/instructions-[^"]*)".*/\1/p')
counts=$(mktemp -d)
trap 'rm -rf "$counts"' EXIT
failed=0
while read -r case limit; do
    [ -n "$case" ] || continue
    valgrind --tool=callgrind --toggle-collect='*instructions::counted_*' --callgrind-out-file="$counts/$case" \
        "$program" "$case" >"$counts/$case.log" 2>&1 || { cat "$counts/$case.log" >&2; exit 1; }
    counted=$(sed -nE 's/^(totals|summary): ([0-9]+).*/\2/p' "$counts/$case" | tail -1)
    verdict=ok
    [ "${counted:-0}" -gt 0 ] || { echo "$case: nothing was counted" >&2; exit 1; }
    if [ "$counted" -gt "$limit" ]; then
        verdict="over its limit"
        failed=1
    fi
    printf '%-20s %12d of %12d instructions: %s\n' "$case" "$counted" "$limit" "$verdict"
done <<<"$limits"
exit "$failed"
