"""Requests of W1 as bytes, so that the clients of a measurement cost as little as they can.

A chunk is made once. Its row ids and its number differ from message to message: they are appended, as protobuf merges
what comes later into what came before.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from benchmarks.dianjia import FEBRUARY, JANUARY, compiled
from benchmarks.workloads import WORKLOADS, Columns, columns
from dianjia.rating.v1 import rating_pb2
from dianjia.type.v1 import type_pb2

CHUNK_ROWS = 16_384
WORKLOAD = WORKLOADS["W1"]
LINES = rating_pb2.DETAIL_LINES


def month(rows: int = CHUNK_ROWS) -> Columns:
    """Columns of a chunk."""
    return columns(WORKLOAD, rows)


def chunk_bytes(given: Columns) -> bytes:
    """Serialise the first message of a stream without its number and row ids."""
    rows = len(given["kwh_peak"])
    chunk = type_pb2.Chunk(rows=rows, rulesets=type_pb2.Codes(names=[compiled("W1").id]))
    chunk.period_from.extend([JANUARY] * rows)
    chunk.period_to.extend([FEBRUARY] * rows)
    kinds = {spec.name: spec.type.kind for spec in compiled("W1").program.inputs}
    for one in WORKLOAD.inputs:
        column = chunk.columns.add(name=one.name)
        if kinds[one.name] == "boolean":
            column.booleans.bits = np.packbits(given[one.name].astype(np.bool_), bitorder="little").tobytes()
        else:
            column.numbers.places = one.places
            column.numbers.values.extend(given[one.name].tolist())
    request = rating_pb2.CalculateBillsRequest(chunk=chunk, detail=LINES)
    return request.SerializeToString()


def stream(common: bytes, rows: int, chunks: int) -> Iterator[bytes]:
    """Number the messages of a stream and give their rows ids that never come twice."""
    later = _without_options(common)  # what concerns the whole stream may stand in its first message alone
    for sequence in range(1, chunks + 1):
        ids = np.arange((sequence - 1) * rows, sequence * rows, dtype="<i8")
        own = rating_pb2.CalculateBillsRequest(sequence=sequence)
        own.chunk.row_id_numbers.MergeFromString(b"\x0a" + _varint(8 * rows) + ids.tobytes())
        yield (common if sequence == 1 else later) + own.SerializeToString()


def _without_options(common: bytes) -> bytes:
    request = rating_pb2.CalculateBillsRequest.FromString(common)
    request.ClearField("detail")
    return request.SerializeToString()


def _varint(number: int) -> bytes:
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    found.append(number)
    return bytes(found)


def single(given: Columns, row: int) -> bytes:
    """Serialise a request for one bill."""
    request = rating_pb2.CalculateBillRequest()
    asked = request.row
    asked.row_id, asked.ruleset = f"r-{row}", compiled("W1").id
    asked.period_from, asked.period_to = "2026-01-01", "2026-02-01"
    kinds = {spec.name: spec.type.kind for spec in compiled("W1").program.inputs}
    for one in WORKLOAD.inputs:
        value = int(given[one.name][row])
        if kinds[one.name] == "boolean":
            asked.values[one.name].boolean = bool(value)
        else:
            asked.values[one.name].number.unscaled = value
            asked.values[one.name].number.places = one.places
    return request.SerializeToString()
