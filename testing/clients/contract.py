"""The classes of the contract, generated from `proto/` alone, as another project would do it."""

import sys
import tempfile
from pathlib import Path

import grpc_tools
from grpc_tools import protoc

PROTO = Path(__file__).resolve().parents[2] / "proto"
WELL_KNOWN = Path(grpc_tools.__file__).parent / "_proto"

# Removed when the process ends.
_GENERATED = tempfile.TemporaryDirectory(prefix="fleet-clients-")


def _generate() -> None:
    files = sorted(str(file) for file in (PROTO / "fleet").rglob("*.proto"))
    to = _GENERATED.name
    status = protoc.main(
        ["protoc", f"-I{PROTO}", f"-I{WELL_KNOWN}", f"--python_out={to}", f"--grpc_python_out={to}", *files]
    )
    if status != 0:
        raise SystemExit(f"protoc ended with {status}")
    sys.path.insert(0, to)


_generate()

from fleet.v1 import (  # noqa: E402
    cluster_service_pb2,
    cluster_service_pb2_grpc,
    job_pb2,
    job_service_pb2,
    job_service_pb2_grpc,
    run_pb2,
)

__all__ = [
    "cluster_service_pb2",
    "cluster_service_pb2_grpc",
    "job_pb2",
    "job_service_pb2",
    "job_service_pb2_grpc",
    "run_pb2",
]
