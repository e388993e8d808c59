"""The connection to a server: channel, token, deadlines, and calls that are repeated until they are answered.

A call is repeated only where its answer says that it may succeed later, and only calls that may be repeated: rating
calls are pure, reading changes nothing, and calls that change something carry a `request_id`.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import grpc

from dianjia.advice.v1.advice_pb2_grpc import AdviceServiceStub
from dianjia.client.errors import DeadlinePassed, Failure, failure_of, raised
from dianjia.ratebooks.v1.ratebooks_pb2_grpc import RateBookServiceStub
from dianjia.rating.v1.rating_pb2_grpc import RatingServiceStub
from dianjia.recalculations.v1.recalculations_pb2_grpc import RecalculationServiceStub
from dianjia.rulesets.v1.rulesets_pb2_grpc import RuleSetServiceStub
from dianjia.warnings.v1.warnings_pb2_grpc import WarningServiceStub

Request = TypeVar("Request")
Answer = TypeVar("Answer")

# What an answer may weigh: 65,536 rows of forty lines with quantities and prices are 63 MB.
_ANSWER_BYTES_MAX: Final = 128 << 20
_OPTIONS: Final[Sequence[tuple[str, Any]]] = (
    ("grpc.max_receive_message_length", _ANSWER_BYTES_MAX),
    ("grpc.max_send_message_length", -1),  # the server's limit counts
    # gRPC's own pause after a failed connection grows to two minutes, which is long after a server has restarted.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 1_000),
    ("grpc.max_reconnect_backoff_ms", 2_000),
    # A peer that is gone without a word (cable, firewall) is noticed within a minute and a half.
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to go on after failures.

    Attributes:
        seconds: since the first failure after an answer; then what failed last is raised. 0: at the first failure.
        first_pause_seconds: before the first repetition; it doubles each time.
        longest_pause_seconds: to which it grows.
    """

    seconds: float = 60.0
    first_pause_seconds: float = 0.1
    longest_pause_seconds: float = 5.0

    def pauses(self) -> Iterator[float]:
        """Pauses [s], each between half and the whole of what is due: clients that failed together come back apart."""
        due = self.first_pause_seconds
        while True:
            yield due * (0.5 + random.random() / 2)
            due = min(2 * due, self.longest_pause_seconds)


class Deadline:
    """An instant until which an answer is wanted."""

    def __init__(self, seconds: float | None) -> None:
        if seconds is not None and not seconds > 0:
            raise ValueError(f"timeout is a number of seconds above 0; came {seconds}")
        self._end = None if seconds is None else time.monotonic() + seconds

    def left(self) -> float | None:
        """Seconds left, at least 0; None: no end."""
        return None if self._end is None else max(self._end - time.monotonic(), 0.0)


class Insistence:
    """What was tried of one call: says how long to wait before the next time, or raises what came."""

    def __init__(self, patience: Patience, deadline: Deadline) -> None:
        self._patience = patience
        self._deadline = deadline
        self._pauses = patience.pauses()
        self._failing_since: float | None = None

    def answered(self) -> None:
        """Begin anew: the server answers."""
        if self._failing_since is not None:
            self._pauses, self._failing_since = self._patience.pauses(), None

    def pause(self, error: grpc.RpcError) -> None:
        """Wait before the next time.

        Raises:
            ServiceError: there is no next time.
        """
        failure: Failure = failure_of(error)
        seconds = max(next(self._pauses), failure.pause_seconds)
        left = self._deadline.left()
        over = failure.status is grpc.StatusCode.DEADLINE_EXCEEDED
        now = time.monotonic()
        if self._failing_since is None:
            self._failing_since = now
        waited = now - self._failing_since
        if over or not failure.again or waited + seconds > self._patience.seconds:
            raise raised(failure) from error
        if left is not None and left <= seconds:
            raise DeadlinePassed(failure) from error
        time.sleep(seconds)


class Connection:
    """A channel with what each call carries. Threads may share it."""

    def __init__(
        self,
        target: str,
        *,
        token: str | None,
        credentials: grpc.ChannelCredentials | None,
        timeout: float,
        patience: Patience,
        options: Sequence[tuple[str, Any]],
    ) -> None:
        """Open a channel; nothing is sent before the first call.

        Args:
            target: HOST:PORT, or any name that gRPC resolves.
            token: sent with each call.
            credentials: of TLS; None: plain text.
            timeout: of a call that is not a stream [s].
            patience: with failures.
            options: of gRPC's channel; they win over those here.
        """
        joined = [*dict([*_OPTIONS, *options]).items()]
        if credentials is None:
            self._channel = grpc.insecure_channel(target, options=joined)
        else:
            self._channel = grpc.secure_channel(target, credentials, options=joined)
        self.metadata = () if token is None else (("authorization", f"Bearer {token}"),)
        self.patience = patience
        self._timeout = timeout
        self.rating = RatingServiceStub(self._channel)
        self.advice = AdviceServiceStub(self._channel)
        self.rule_sets = RuleSetServiceStub(self._channel)
        self.rate_books = RateBookServiceStub(self._channel)
        self.recalculations = RecalculationServiceStub(self._channel)
        self.warnings = WarningServiceStub(self._channel)

    def call(
        self,
        method: grpc.UnaryUnaryMultiCallable[Request, Answer],
        request: Request,
        timeout: float | None = None,
    ) -> Answer:
        """Call until there is an answer.

        Raises:
            ServiceError: what the server says, or that it does not answer.
        """

        def once(seconds: float | None) -> Answer:
            return method(request, timeout=seconds, metadata=self.metadata)

        return self._insist(once, timeout)

    def send(
        self,
        method: grpc.StreamUnaryMultiCallable[Request, Answer],
        requests: Callable[[], Iterable[Request]],
        timeout: float | None = None,
    ) -> Answer:
        """Call with several messages until there is an answer.

        Raises:
            ServiceError: what the server says, or that it does not answer.
        """

        def once(seconds: float | None) -> Answer:
            return method(iter(requests()), timeout=seconds, metadata=self.metadata)

        return self._insist(once, timeout)

    def _insist(self, once: Callable[[float | None], Answer], timeout: float | None) -> Answer:
        deadline = Deadline(self._timeout if timeout is None else timeout)
        tries = Insistence(self.patience, deadline)
        while True:
            try:
                return once(deadline.left())
            except grpc.RpcError as error:
                tries.pause(error)

    def close(self) -> None:
        """Close the channel; calls under way are cancelled."""
        self._channel.close()


def credentials(
    tls: bool, ca: Path | str | bytes | None, cert: Path | str | bytes | None, key: Path | str | bytes | None
) -> grpc.ChannelCredentials | None:
    """Make the credentials of TLS, or none.

    Args:
        tls: also without any of the others; the machine's own authorities are then trusted.
        ca: PEM of the authorities that are trusted, as bytes, or the path of a file.
        cert, key: PEM of the client's certificate and its key, likewise; both or neither.

    Raises:
        ValueError: one of certificate and key is missing.
        OSError: a file cannot be read.
    """
    if (cert is None) != (key is None):
        raise ValueError("a client's certificate and its key belong together; pass both `cert` and `key`")
    if not tls and ca is None and cert is None:
        return None
    return grpc.ssl_channel_credentials(_pem(ca), _pem(key), _pem(cert))


def _pem(given: Path | str | bytes | None) -> bytes | None:
    if given is None or isinstance(given, bytes):
        return given
    return Path(given).read_bytes()
