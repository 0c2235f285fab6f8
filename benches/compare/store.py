"""An object store on this machine, MinIO as the tests have it, which counts the requests it gets and the bytes."""

import os
import re
import secrets
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from compare import measure
from compare.environment import ROOT, Problem, clean_variables, run_text

BUCKET = "fleet"
START_SECONDS = 60.0
STOP_SECONDS = 30.0
COUNTS_ARE_OLD_SECONDS = 11.0
"""The server tells counts that are up to ten seconds old."""


@dataclass(frozen=True)
class Counts:
    requests: dict[str, int]
    """By kind."""
    read_bytes: int
    written_bytes: int


@dataclass
class Store:
    port: int
    variables: dict[str, str]
    """By which clients find it."""
    told: Counts = Counts({}, 0, 0)
    """Since it began."""

    @property
    def url(self) -> str:
        return f"s3://{BUCKET}"

    def counts(self) -> Counts:
        """Since they were last asked for."""
        time.sleep(COUNTS_ARE_OLD_SECONDS)
        requests: dict[str, int] = {}
        traffic = {"received": 0, "sent": 0}
        for line in self.answer("/minio/v2/metrics/cluster").splitlines():
            if found := re.match(r'minio_s3_requests_total\{.*api="(\w+)".*\} (\S+)', line):
                requests[found[1]] = requests.get(found[1], 0) + int(float(found[2]))
            elif found := re.match(r"minio_s3_traffic_(received|sent)_bytes\S* (\S+)", line):
                traffic[found[1]] += int(float(found[2]))
        before, self.told = self.told, Counts(requests, traffic["sent"], traffic["received"])
        new = {kind: count - before.requests.get(kind, 0) for kind, count in sorted(requests.items())}
        return Counts(
            {kind: count for kind, count in new.items() if count},
            self.told.read_bytes - before.read_bytes,
            self.told.written_bytes - before.written_bytes,
        )

    def answer(self, path: str) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
            return answer.read().decode()


@contextmanager
def started(folder: Path) -> Iterator[Store]:
    """A server with an empty bucket, its files in `folder`; it ends with the block."""
    run_text([str(ROOT / "testing/install.sh"), "minio"], "testing/install.sh")
    program = Path(os.environ.get("TEST_SERVERS_DIR", ROOT / ".servers")) / "bin/minio"
    (folder / "objects" / BUCKET).mkdir(parents=True)
    port, keys = free_port(), (secrets.token_hex(10), secrets.token_hex(20))
    server_variables = {
        "HOME": str(folder), "MINIO_ROOT_USER": keys[0], "MINIO_ROOT_PASSWORD": keys[1], "MINIO_BROWSER": "off",
        "MINIO_UPDATE": "off", "MINIO_PROMETHEUS_AUTH_TYPE": "public",
    }
    command = [str(program), "server", "--address", f"127.0.0.1:{port}", str(folder / "objects")]
    with (folder / "minio.log").open("ab") as log:
        process = subprocess.Popen(
            command, stdout=log, stderr=log, env=clean_variables() | server_variables, start_new_session=True
        )
        try:
            store = Store(port, {
                "AWS_ACCESS_KEY_ID": keys[0], "AWS_SECRET_ACCESS_KEY": keys[1], "AWS_REGION": "us-east-1",
                "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}", "AWS_ALLOW_HTTP": "true",
            })
            wait_for(store, process, folder / "minio.log")
            yield store
        finally:
            measure.end(process, STOP_SECONDS)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(store: Store, process: "subprocess.Popen[bytes]", log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            store.answer("/minio/health/cluster")
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise Problem(f"minio: was not ready; look at {log}:\n{measure.tail(log)}")
