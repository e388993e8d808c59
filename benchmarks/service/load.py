"""Clients of a measurement, in other processes than the servers: one for all that is timed, one for a bulk stream."""

from __future__ import annotations

import itertools
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import grpc

from benchmarks.service.processes import ROOT, UNLIMITED
from benchmarks.service.requests import CHUNK_ROWS, chunk_bytes, month, stream
from dianjia.rating.v1 import rating_pb2

_SERVICE = "/dianjia.rating.v1.RatingService"
Call = Callable[..., Any]  # bytes to bytes, or to what they hold


def _channel(target: str) -> grpc.Channel:
    return grpc.insecure_channel(target, options=[*UNLIMITED, ("grpc.use_local_subchannel_pool", 1)])


def first_answer(target: str, common: bytes) -> bytes:
    """Give the answer to a chunk, as it came."""
    with _channel(target) as channel:
        call: Call = channel.stream_stream(f"{_SERVICE}/CalculateBills", None, None)
        answer: bytes = next(iter(call(stream(common, CHUNK_ROWS, 1))))
        return answer


def one(target: str, request: bytes) -> bytes:
    """Give one bill, as it came."""
    with _channel(target) as channel:
        ask: Call = channel.unary_unary(f"{_SERVICE}/CalculateBill", None, None)
        answer: bytes = ask(request)
        return answer


def streamed(target: str, common: bytes, rows: int, chunks: int) -> int:
    """Send a stream and count the rows that were billed."""
    with _channel(target) as channel:
        call: Call = channel.stream_stream(
            f"{_SERVICE}/CalculateBills", None, rating_pb2.CalculateBillsResponse.FromString
        )
        return sum(answer.billed for answer in call(stream(common, rows, chunks)))


@contextmanager
def asking(target: str) -> Iterator[Call]:
    """Give a call that asks for a single bill, over one connection."""
    with _channel(target) as channel:
        yield channel.unary_unary(f"{_SERVICE}/CalculateBill", None, None)


def called(target: str, requests: Sequence[bytes], calls: int) -> list[float]:
    """Ask for single bills one after another; how long each took [s]."""
    took = []
    with _channel(target) as channel:
        ask: Call = channel.unary_unary(f"{_SERVICE}/CalculateBill", None, None)
        for request in itertools.islice(itertools.cycle(requests), calls):
            begun = time.perf_counter()
            ask(request)
            took.append(time.perf_counter() - begun)
    return took


def p99_ms(target: str, requests: Sequence[bytes], clients: int, calls: int) -> float:
    """The 99th percentile of what single bills take, asked for by several clients at once [ms]."""
    took: list[list[float]] = []
    threads = [threading.Thread(target=lambda: took.append(called(target, requests, calls))) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(took) == clients, "a client failed"
    return statistics.quantiles(itertools.chain.from_iterable(took), n=100)[98] * 1e3


@contextmanager
def bulk_beside(target: str, common: bytes, rows: int) -> Iterator[None]:
    """Keep one bulk stream going, from another process."""
    command = [sys.executable, "-m", "benchmarks.service.load", target]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "streaming"
        yield
        assert process.poll() is None, "the bulk stream ended before the measurement did"
    finally:
        process.terminate()
        process.wait()


def _keep_streaming(target: str) -> None:
    common = chunk_bytes(month())
    with _channel(target) as channel:
        call: Call = channel.stream_stream(f"{_SERVICE}/CalculateBills", None, None)
        for number, _ in enumerate(call(stream(common, CHUNK_ROWS, 1_000))):
            if number == 2:
                sys.stdout.write("streaming\n")
                sys.stdout.flush()


if __name__ == "__main__":
    _keep_streaming(sys.argv[1])
