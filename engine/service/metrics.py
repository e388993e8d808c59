"""Numbers for Prometheus: calls, their time, rows, streams under way, the version that answers.

They are on a port of their own, by default for this machine alone. Several processes have one port each.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final
from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry, Counter, Histogram, start_http_server
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from engine.service.addresses import address_of, why_not
from engine.service.logs import Ended

# Seconds. A single bill takes half a millisecond; a stream, as long as it likes.
BUCKETS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0, 600.0)


@dataclass(frozen=True, slots=True)
class State:
    """What is asked of the server when somebody looks.

    Attributes:
        calls: under way or waiting.
        streams: under way.
        version: that answers; "": none does.
        registry_age_seconds: since the registry was read; None: there is none.
        watches: callers that watch warnings.
        watermark: of the last chunk of events [s since 1970-01-01 UTC]; None: this process has recorded none.
    """

    calls: Callable[[], int]
    streams: Callable[[], int]
    version: Callable[[], str]
    registry_age_seconds: Callable[[], float | None]
    watches: Callable[[], int]
    watermark: Callable[[], float | None]


class Metrics:
    """Counts calls. Threads share it."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ended = Counter("dianjia_calls", "Calls that ended.", ("method", "code"), registry=self._registry)
        seconds = Histogram(
            "dianjia_call_seconds",
            "Time from a call's arrival to its end.",
            ("method",),
            buckets=BUCKETS,
            registry=self._registry,
        )
        brought = Counter("dianjia_rows", "Rows that calls brought.", ("outcome",), registry=self._registry)
        self._billed, self._refused = brought.labels("billed"), brought.labels("refused")
        events = Counter("dianjia_events", "Events that came.", ("outcome",), registry=self._registry)
        warnings = Counter("dianjia_warnings", "Warnings over time.", ("what",), registry=self._registry)
        self._accepted, self._doubled = events.labels("accepted"), events.labels("duplicate")
        self._not_recorded = events.labels("refused")
        self._recorded, self._delivered = warnings.labels("recorded"), warnings.labels("delivered")
        self._ended: Callable[[str, str], Any] = cache(lambda method, code: ended.labels(method, code))
        self._seconds: Callable[[str], Any] = cache(lambda method: seconds.labels(method))
        self._serving: tuple[WSGIServer, threading.Thread] | None = None

    def ended(self, call: Ended) -> None:
        """Count a call that ended, and those of its rows that are not counted yet."""
        self._ended(call.method, call.code).inc()
        self._seconds(call.method).observe(call.ns / 1e9)
        billed, refused = call.noted.get("billed", 0), call.noted.get("refused", 0)
        if isinstance(billed, int) and isinstance(refused, int):
            self.rows(billed - call.billed_counted, refused - call.refused_counted)

    def rows(self, billed: int, refused: int) -> None:
        """Count rows."""
        if billed:
            self._billed.inc(billed)
        if refused:
            self._refused.inc(refused)

    def events(self, accepted: int, duplicates: int, refused: int, warnings: int) -> None:
        """Count the events of a chunk, and the warnings that it brought."""
        for counter, count in (
            (self._accepted, accepted),
            (self._doubled, duplicates),
            (self._not_recorded, refused),
            (self._recorded, warnings),
        ):
            counter.inc(count)

    def warnings_delivered(self, count: int) -> None:
        """Count warnings that a watcher was given."""
        self._delivered.inc(count)

    def serve(self, host: str, port: int, state: State) -> str:
        """Show them under http://host:port/metrics; give the address.

        Args:
            host: to listen on.
            port: likewise; 0: any free one.
            state: is asked whenever somebody looks.

        Raises:
            ProblemsFound: `address-taken`, `address-unusable`.
        """
        self._registry.register(_Now(state))
        try:
            self._serving = start_http_server(port, host, self._registry)
        except OSError as error:
            raise why_not(host, port, error, "--metrics-port") from None
        return address_of(host, self._serving[0].server_port)

    def close(self) -> None:
        """Show them no longer."""
        if self._serving is not None:
            server, thread = self._serving
            server.shutdown()
            server.server_close()
            thread.join()


class _Now(Collector):
    """What is measured when somebody looks."""

    def __init__(self, state: State) -> None:
        self._state = state

    def collect(self) -> Iterator[Metric]:
        """Look."""
        gauges: Mapping[str, tuple[str, float | None]] = {
            "dianjia_calls_under_way": ("Calls that are answered or wait for a thread.", self._state.calls()),
            "dianjia_streams_under_way": ("Streams that are answered.", self._state.streams()),
            "dianjia_registry_age_seconds": (
                "Time since the registry of versions was read.",
                self._state.registry_age_seconds(),
            ),
            "dianjia_warning_watches_under_way": ("Callers that watch warnings.", self._state.watches()),
            "dianjia_events_watermark_seconds": (
                "Time before which no event is taken any more, in seconds since 1970.",
                self._state.watermark(),
            ),
        }
        for name, (about, value) in gauges.items():
            if value is not None:
                yield GaugeMetricFamily(name, about, value)
        yield InfoMetricFamily("dianjia_version", "The version that answers.", {"version": self._state.version()})
