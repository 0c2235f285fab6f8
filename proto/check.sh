#!/usr/bin/env bash
# Checks the contract: lint, format, and no change that breaks a client of the last version, which is kept in
# `released.binpb`. With `--release`, takes a change that breaks nothing into that file.
# BUF names the program: npm's @bufbuild/buf, of the version that testing/install.sh pins.
set -euo pipefail
cd "$(dirname "$0")"
buf=${BUF:-buf}

"$buf" lint
"$buf" format --diff --exit-code
"$buf" breaking --against released.binpb

present=$(mktemp --suffix=.binpb)
former=$(mktemp --suffix=.binpb)
trap 'rm -f "$present" "$former"' EXIT
"$buf" build --exclude-source-info -o "$present"
if [ "${1:-}" = --release ]; then
    cp "$present" released.binpb
elif ! cmp -s "$present" released.binpb; then
    echo "proto/released.binpb is not of these .proto files; run proto/check.sh --release and commit it" >&2
    exit 1
fi

# The file itself may have been replaced by hand: it must not break the version before it, where history is at hand.
changed=$(git log -1 --format=%H -- released.binpb 2>/dev/null || true)
if [ -n "$changed" ] && git show "$changed^:./released.binpb" >"$former" 2>/dev/null; then
    "$buf" breaking --against "$former"
fi
