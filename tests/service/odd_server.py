"""The real server with a servicer of bills that does what a row's id says: for what no real bill does on demand.

`python -m tests.service.odd_server --port 0 …` takes the flags of `server.py`. Row ids:

    wait 1.5       answers after 1.5 s, and asks now and then whether anybody still waits
    stubborn 1.5   answers after 1.5 s and asks nobody
    raise TEXT     raises an exception with that text
    big 5000000    answers with so many bytes
    (any other)    answers at once

A stream answers each chunk after as many seconds as its `run` says; "": at once.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import grpc

from dianjia.rating.v1 import rating_pb2, rating_pb2_grpc
from engine.commands import serve
from engine.service import app, processes
from engine.service.calls import call_of
from engine.service.settings import read_settings
from engine.service.started import Started


class OddServicer(rating_pb2_grpc.RatingServiceServicer):
    """Does what it is told."""

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def CalculateBill(
        self, request: rating_pb2.CalculateBillRequest, context: grpc.ServicerContext
    ) -> rating_pb2.CalculateBillResponse:
        call = call_of(context)
        what, _, how = request.row.row_id.partition(" ")
        if what == "raise":
            raise RuntimeError(how)
        if what == "big":
            return rating_pb2.CalculateBillResponse(bill=rating_pb2.Bill(row_id="x" * int(how)))
        end = time.monotonic() + (float(how) if what in {"wait", "stubborn"} else 0)
        while time.monotonic() < end:
            time.sleep(0.01)
            if what == "wait":
                call.check()
        call.note(version="0" * 64, rows=1, billed=1, refused=0)
        return rating_pb2.CalculateBillResponse(bill=rating_pb2.Bill(row_id=request.row.row_id))

    def CalculateBills(
        self, request_iterator: Iterator[rating_pb2.CalculateBillsRequest], context: grpc.ServicerContext
    ) -> Iterator[rating_pb2.CalculateBillsResponse]:
        call = call_of(context)
        seconds, rows = 0.0, 0
        for request in request_iterator:
            seconds = float(request.run) if request.run else seconds
            time.sleep(seconds)
            if request.detail == rating_pb2.DETAIL_TOTALS and rows:
                raise RuntimeError("a secret of the second chunk")
            rows += request.chunk.rows
            call.note(rows=rows, billed=rows, refused=0)
            yield rating_pb2.CalculateBillsResponse(sequence=request.sequence, received=request.chunk.rows)


def main() -> None:
    flags = dict(zip((name[2:].replace("-", "_") for name in sys.argv[1::2]), sys.argv[2::2], strict=True))
    asked, hurried, listening = threading.Event(), threading.Event(), threading.Event()
    processes.stop_on_signals(asked, hurried, listening)
    settings = read_settings(flags)

    def started(found: Started) -> None:
        listening.set()
        print(serve.banner(found, settings, "en"), flush=True)

    app.run(settings, started, asked, hurried, rating=OddServicer)
    processes.finish()


if __name__ == "__main__":
    main()
