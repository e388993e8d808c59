"""The twin: a server that reads the same messages into arrays and answers with columns of the same size.

It computes nothing, checks nothing and logs nothing: what it costs is gRPC, protobuf and copying. Run as
`python -m benchmarks.service.echo PORT ANSWER BILL`; the two files hold one real answer each, whose columns and
lengths it repeats.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import numpy as np

from dianjia.rating.v1 import rating_pb2, rating_pb2_grpc


class Echo(rating_pb2_grpc.RatingServiceServicer):
    """Answers with what came, in the shape of a real answer."""

    def __init__(self, answer: rating_pb2.CalculateBillsResponse, bill: rating_pb2.CalculateBillResponse) -> None:
        self.answer = answer
        self.one = bill

    def CalculateBill(
        self, request: rating_pb2.CalculateBillRequest, context: grpc.ServicerContext
    ) -> rating_pb2.CalculateBillResponse:
        """Read every value, and give a bill of the usual size."""
        values = {name: (value.number.unscaled, value.number.places) for name, value in request.row.values.items()}
        made = rating_pb2.CalculateBillResponse()
        made.CopyFrom(self.one)
        made.bill.row_id = request.row.row_id
        made.bill.total.unscaled = values["kwh_peak"][0]
        return made

    def CalculateBills(
        self, request_iterator: Iterator[rating_pb2.CalculateBillsRequest], context: grpc.ServicerContext
    ) -> Iterator[rating_pb2.CalculateBillsResponse]:
        """Read every column into an array, and write as many as a real answer has."""
        for request in request_iterator:
            yield self._echoed(request)

    def _echoed(self, request: rating_pb2.CalculateBillsRequest) -> rating_pb2.CalculateBillsResponse:
        chunk = request.chunk
        came: list[np.ndarray] = [np.array(column.numbers.values, dtype=np.int64) for column in chunk.columns]
        came += [np.array(days, dtype=np.int64) for days in (chunk.period_from, chunk.period_to)]
        came.append(np.array(chunk.row_id_numbers.values, dtype=np.int64))
        for column in chunk.columns:
            if column.WhichOneof("values") == "booleans":
                came.append(np.unpackbits(np.frombuffer(column.booleans.bits, np.uint8), bitorder="little"))
        full = [array for array in came if len(array) == chunk.rows and array.dtype == np.int64]
        like = self.answer.groups[0]
        made = rating_pb2.CalculateBillsResponse(
            sequence=request.sequence, version=self.answer.version, received=chunk.rows, billed=chunk.rows
        )
        group = made.groups.add(ruleset=like.ruleset, ruleset_hash=like.ruleset_hash, currency=like.currency)
        _fill(group.total, full[0])
        for at, line in enumerate(like.lines, start=1):
            own = group.lines.add(id=line.id, money=line.money, shown=line.shown)
            _fill(own.amounts, full[at % len(full)])
        for ledger in like.ledgers:
            _fill(group.ledgers.add(ledger=ledger.ledger).amounts, full[0])
        for warning in like.warnings:
            group.warnings.add(id=warning.id).index.extend(warning.index)
        return made


def _fill(numbers: object, values: np.ndarray) -> None:
    data = values.tobytes()
    length = bytearray()
    rest = len(data)
    while rest > 0x7F:
        length.append(rest & 0x7F | 0x80)
        rest >>= 7
    length.append(rest)
    numbers.MergeFromString(b"\x0a" + bytes(length) + data)  # type: ignore[attr-defined]  # a Numbers message


def main() -> None:
    """Serve until told to stop."""
    port, answer, bill = sys.argv[1:]
    server = grpc.server(ThreadPoolExecutor(max_workers=40))
    rating_pb2_grpc.add_RatingServiceServicer_to_server(
        Echo(  # type: ignore[abstract]  # the other calls are not measured
            rating_pb2.CalculateBillsResponse.FromString(Path(answer).read_bytes()),
            rating_pb2.CalculateBillResponse.FromString(Path(bill).read_bytes()),
        ),
        server,
    )
    server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    server.wait_for_termination()


if __name__ == "__main__":
    main()
