"""An OpenTelemetry collector that prints each span it is sent, a JSON object a line."""

import json
import sys
import time
from concurrent import futures

sys.dont_write_bytecode = True

import grpc  # noqa: E402
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc  # noqa: E402


class Traces(trace_service_pb2_grpc.TraceServiceServicer):
    def Export(self, request, context):
        for resource in request.resource_spans:
            for scope in resource.scope_spans:
                for span in scope.spans:
                    attributes = {each.key: each.value.string_value for each in span.attributes}
                    told = {"span": span.name, "trace": span.trace_id.hex(), "id": span.span_id.hex()}
                    told |= {"parent": span.parent_span_id.hex(), "attributes": attributes}
                    print(json.dumps(told), flush=True)
        return trace_service_pb2.ExportTraceServiceResponse()


def main():
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=2))
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(Traces(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(f"collecting on 127.0.0.1:{port}", flush=True)
    while True:
        time.sleep(1)


if __name__ == "__main__":
    main()
