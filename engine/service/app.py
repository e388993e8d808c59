"""The service put together: settings -> registry and books -> servicers -> chain -> server, and back down again."""

from __future__ import annotations

import gc
import os
import re
import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final, cast

from dianjia.advice.v1 import advice_pb2, advice_pb2_grpc
from dianjia.ratebooks.v1 import ratebooks_pb2, ratebooks_pb2_grpc
from dianjia.rating.v1 import rating_pb2, rating_pb2_grpc
from dianjia.recalculations.v1 import recalculations_pb2, recalculations_pb2_grpc
from dianjia.rulesets.v1 import rulesets_pb2, rulesets_pb2_grpc
from dianjia.warnings.v1 import warnings_pb2, warnings_pb2_grpc
from engine.cache.store import find_cache
from engine.compiler.trigger import Watch
from engine.language.problems import ProblemsFound, problem
from engine.registry.building import Builder
from engine.registry.database import Database
from engine.registry.registry import Registry
from engine.registry.where import registry_url
from engine.runs.ledger import Ledger
from engine.runs.queue import Queue
from engine.service.addresses import address_of, bound, why_not
from engine.service.advising import AdviceServicer
from engine.service.authentication import Tokens
from engine.service.follow import FollowedBooks
from engine.service.interceptors import Chain, Parts, Registered
from engine.service.limits import Gate
from engine.service.logs import Log, take_logging
from engine.service.metrics import Metrics, State
from engine.service.ratebooks import RateBookServicer
from engine.service.rating import RatingServicer
from engine.service.recalculations import RecalculationServicer
from engine.service.rulesets import RuleSetServicer
from engine.service.run_desk import RunDesk
from engine.service.run_paths import Allowed, folders
from engine.service.serving import serve
from engine.service.settings import Settings
from engine.service.started import Started
from engine.service.tls import credentials
from engine.service.warnings import WarningServicer
from engine.service.warnings_desk import Recorder
from engine.warnings.correlator import Correlator
from engine.warnings.desk import Desk

SERVICES: Final = tuple(
    next(iter(file.services_by_name.values())).full_name
    for file in (
        rating_pb2.DESCRIPTOR,
        advice_pb2.DESCRIPTOR,
        rulesets_pb2.DESCRIPTOR,
        ratebooks_pb2.DESCRIPTOR,
        recalculations_pb2.DESCRIPTOR,
        warnings_pb2.DESCRIPTOR,
    )
)


def run(
    settings: Settings,
    started: Callable[[Started], None],
    asked: threading.Event,
    hurried: threading.Event,
    *,
    number: int = 0,
    shared_port: bool = False,
    rating: Callable[..., rating_pb2_grpc.RatingServiceServicer] = RatingServicer,
) -> None:
    """Serve until somebody asks for the end.

    Args:
        settings: of the server.
        started: is told as soon as calls are answered.
        asked: set by whoever wants the end.
        hurried: set by whoever wants it at once.
        number: of this process among several, from 0.
        shared_port: other processes listen on the same port.
        rating: makes the servicer of bills.

    Raises:
        ProblemsFound: what keeps it from starting.
    """
    with ExitStack() as ending:
        if not shared_port:
            _look_at_port(settings)
        secrets = credentials(settings)
        tokens = Tokens(settings.tokens)
        metrics = Metrics()
        log = Log(settings.log, metrics.ended)
        ending.callback(log.close)
        take_logging(log)
        cache = find_cache()
        if cache.refused in ("other-owner", "others-may-write"):
            log.event("cache-refused", path=str(cache.where), reason=cache.refused)
        build = Builder(settings.compile_seconds)
        url = registry_url(settings.database)
        registry = None if url is None else _registry(url, build)
        if registry is not None:
            ending.callback(registry.close)
        books = FollowedBooks(
            registry,
            settings.rules,
            build,
            follow_seconds=settings.follow_seconds,
            versions_loaded=settings.versions_loaded,
            backend=settings.backend,
        )
        _begin(books, url)
        ending.callback(books.close)
        # What was loaded stays: the collector need not walk through a million objects of rules to find that out.
        gc.collect()
        gc.freeze()
        queue, desk = _recalculations(settings, url, ending)
        gate = Gate(settings.calls, settings.streams, settings.workers)
        warnings = _warnings(settings, url, books, gate, metrics, ending)
        metrics_address = ""
        if settings.metrics_port is not None:
            port = settings.metrics_port and settings.metrics_port + number
            state = State(
                calls=lambda: gate.workers.under_way,
                streams=lambda: gate.streams_under_way,
                version=lambda: books.active_version,
                registry_age_seconds=lambda: books.registry_age_seconds,
                watches=lambda: warnings.watching,
                watermark=lambda: warnings.watermark_seconds,
            )
            metrics_address = metrics.serve(settings.metrics_host, port, state)
            ending.callback(metrics.close)
        registered = Registered()
        stand_in = cast(Any, registered)  # a server to those who register, to whom two of its methods matter
        rating_pb2_grpc.add_RatingServiceServicer_to_server(
            rating(books, rows_per_chunk=settings.rows_per_chunk, rows_per_stream=settings.rows_per_stream), stand_in
        )
        advice = AdviceServicer(books, rows_per_advice=settings.rows_per_advice)
        advice_pb2_grpc.add_AdviceServiceServicer_to_server(advice, stand_in)
        rulesets_pb2_grpc.add_RuleSetServiceServicer_to_server(RuleSetServicer(books, build), stand_in)
        ratebooks_pb2_grpc.add_RateBookServiceServicer_to_server(RateBookServicer(registry, books), stand_in)
        recalculations_pb2_grpc.add_RecalculationServiceServicer_to_server(
            RecalculationServicer(queue, desk, registry, books, watches=settings.watches, closing=lambda: gate.closing),
            stand_in,
        )
        warnings_pb2_grpc.add_WarningServiceServicer_to_server(warnings, stand_in)
        parts = Parts(tokens, gate, log, metrics, settings.request_bytes_max, settings.response_bytes_max)
        chain = Chain(registered.handlers, parts)
        serving = serve(settings, chain, gate, SERVICES, secrets, shared_port=shared_port)
        address = address_of(settings.host, serving.port)
        log.event("serving", address=address, version=books.active_version, process=os.getpid())
        started(
            Started(
                address,
                books.active_version,
                len(books.choose().rulesets) if books.active_version else 0,
                "" if settings.rules is None else str(settings.rules),
                shown_url(url),
                metrics_address,
            )
        )
        if desk is not None:
            desk.start()
        asked.wait()
        serving.stop(settings.grace_seconds, hurried, log)


def _recalculations(settings: Settings, url: str | None, ending: ExitStack) -> tuple[Queue | None, RunDesk | None]:
    """The queue of recalculations, and what begins them where the settings name folders that they may use."""
    if url is None:
        return None, None
    database = Database(url)
    ending.callback(database.close)
    queue = Queue(Ledger(database))
    if not settings.run_inputs:
        return queue, None

    desk = RunDesk(
        queue,
        Allowed(folders(settings.run_inputs), folders(settings.run_outputs)),
        url,
        settings.rules,
        at_once=settings.runs,
        threads=settings.run_threads,
        resumes=settings.run_resume,
    )
    ending.callback(desk.close)
    return queue, desk


def _warnings(
    settings: Settings, url: str | None, books: FollowedBooks, gate: Gate, metrics: Metrics, ending: ExitStack
) -> WarningServicer:
    """What records events and gives warnings; without a registry it says that there is none."""
    recorder: Recorder | None = None
    reader: Desk | None = None
    if url is not None:
        database = Database(url)
        ending.callback(database.close)
        recorder = Recorder(database, books, _correlator(settings, books))
        reader = Desk(database, Watch())
        ending.callback(recorder.close)
        if settings.webhooks is not None:
            _tell(settings.webhooks, database, ending)
    return WarningServicer(
        recorder,
        reader,
        metrics,
        events_per_chunk=settings.events_per_chunk,
        watches=settings.warning_watches,
        response_bytes_max=settings.response_bytes_max,
        closing=lambda: gate.closing,
    )


def _correlator(settings: Settings, books: FollowedBooks) -> Callable[[Watch], Correlator] | None:
    """What makes the correlator; None: the built-in one.

    Raises:
        ProblemsFound: durable_rules is not installed, or cannot do a trigger of the version that answers.
    """
    if settings.correlator == "built-in":
        return None
    from engine.warnings.durable import Durable  # an extra

    Durable(books.choose().book.watch if books.active_version else Watch()).close()
    return Durable


def _tell(file: Path, database: Database, ending: ExitStack) -> None:
    """Tell endpoints of warnings, until the end.

    Raises:
        ProblemsFound: what is wrong with the file.
    """
    from engine.warnings import webhook  # urllib3, for those who use it
    from engine.warnings.webhook_endpoints import read_endpoints

    sender = webhook.start(read_endpoints(file, os.environ), database)
    ending.callback(sender.stop)


def _look_at_port(settings: Settings) -> None:
    """Say that the port is taken before anything is loaded; it is bound for good when everything is."""
    try:
        bound(settings.host, settings.port).close()
    except OSError as error:
        raise why_not(settings.host, settings.port, error) from None


def _begin(books: FollowedBooks, url: str | None) -> None:
    """Read the registry for the first time. Nobody can ask again later, so why it does not answer is told at once."""
    try:
        books.start()
    except ProblemsFound as found:
        if found.problems[0].code != "registry-unavailable":
            raise
        cause = found.__cause__
        reason = str(getattr(cause, "orig", cause)).strip().split("\n", 1)[0]
        raise ProblemsFound([problem("registry-silent", None, None, url=shown_url(url), reason=reason)]) from None


def _registry(url: str, build: Builder) -> Registry:
    try:
        return Registry(url, build=build)
    except ValueError:
        told = {
            "name": "database",
            "value": shown_url(url),
            "source": "the settings",
            "expected": "the URL of a database: sqlite:///FILE or postgresql://USER@HOST/NAME",
            "expected_zh": "数据库的 URL：sqlite:///文件 或 postgresql://用户@主机/库名",
        }
        raise ProblemsFound([problem("setting-value", None, None, **told)]) from None


def shown_url(url: str | None) -> str:
    """Write a URL without its password; "": there is none.

    >>> shown_url("postgresql://billing:secret@db/rates")
    'postgresql://billing:***@db/rates'
    """
    return "" if url is None else re.sub(r"(://[^:/@]*):[^@]*@", r"\1:***@", url)
