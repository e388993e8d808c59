"""One attempt to tell an endpoint of a warning: what is sent, and what the answer means.

HTTP is urllib3's: pooled connections, certificates, timeouts, `Retry-After`. It repeats nothing and follows no redirect
here, and takes no proxy from the environment.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

import urllib3
from urllib3.util import Retry, Timeout

from engine.warnings.webhook_endpoints import Endpoint
from engine.warnings.webhook_signature import signature

ANSWER_BYTES_MAX: Final = 512  # of an answer's text that is kept
LONGEST_WAIT_SECONDS: Final = 86_400  # that an endpoint may ask for
_BUSY: Final = frozenset({408, 429, 502, 503, 504})  # it is the endpoint that cannot, whatever is sent
_RETRY: Final = Retry(0)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of an attempt.

    Attributes:
        status: of HTTP; 0: there was no answer.
        reason: why it failed; "": it did not.
        down: nothing else would have been taken either: wait before the next attempt of any warning.
        wait_seconds: that the endpoint asks for; 0: it does not say.
    """

    status: int
    reason: str = ""
    down: bool = False
    wait_seconds: float = 0.0

    @property
    def taken(self) -> bool:
        """Whether the endpoint has the warning now."""
        return not self.reason


class Poster(Protocol):
    """How a message gets to an endpoint."""

    def post(self, id_: str, body: bytes, timestamp: int, attempt: int) -> Answer:
        """Send it once."""

    def close(self) -> None:
        """Let go of the connections."""


class Http:
    """Posts to one endpoint, one message at a time, over a connection that is kept."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        # None: the authorities that the machine trusts.
        self._pool = urllib3.PoolManager(num_pools=1, maxsize=1, ca_certs=endpoint.ca_file or None)

    def post(self, id_: str, body: bytes, timestamp: int, attempt: int) -> Answer:
        """Send a message once.

        Args:
            id_: of the warning; the same in every attempt, so that the receiver knows a repetition.
            body: JSON.
            timestamp: of now [s since 1970].
            attempt: which it is, from 1.
        """
        endpoint = self._endpoint
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": "dianjia",
            "Idempotency-Key": id_,
            "webhook-id": id_,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signature(endpoint.keys, id_, timestamp, body),
            "webhook-attempt": str(attempt),
        }
        try:
            answer = self._pool.request(
                "POST",
                endpoint.url,
                body=body,
                headers=headers,
                timeout=Timeout(total=endpoint.timeout_seconds),
                retries=False,
                redirect=False,
                preload_content=False,
                decode_content=False,
            )
        except (urllib3.exceptions.HTTPError, OSError) as error:
            return Answer(0, _words(error), down=True)
        try:
            text = answer.read(ANSWER_BYTES_MAX) if answer.status >= 300 else b""
        except (urllib3.exceptions.HTTPError, OSError):
            text = b""  # the status came, and says what is to be known
        finally:
            answer.close() if answer.status >= 300 else _finish(answer)
        return meaning(answer.status, answer.headers, text)

    def close(self) -> None:
        """Let go of the connection."""
        self._pool.clear()


def _finish(answer: urllib3.BaseHTTPResponse) -> None:
    """Keep the connection of an answer that is short; close that of one that goes on, unread."""
    try:
        rest = answer.read(ANSWER_BYTES_MAX)
        if len(rest) == ANSWER_BYTES_MAX:
            answer.close()
        else:
            answer.release_conn()
    except (urllib3.exceptions.HTTPError, OSError):
        answer.close()


def meaning(status: int, headers: Mapping[str, str], text: bytes = b"") -> Answer:
    """Say what an answer means.

    >>> meaning(204, {}).taken, meaning(503, {"Retry-After": "7"}).wait_seconds
    (True, 7.0)
    """
    if 200 <= status < 300:
        return Answer(status)
    reason = f"HTTP {status}"
    if 300 <= status < 400:
        reason += ", a redirect, which is not followed"
    said = " ".join("".join(c if c.isprintable() else " " for c in text.decode("utf-8", "replace")).split())
    return Answer(status, f"{reason}: {said}" if said else reason, status in _BUSY, _wait(headers.get("Retry-After")))


def _wait(written: str | None) -> float:
    """Seconds that `Retry-After` asks for: a number of them, or a date; 0: nothing that can be read."""
    try:
        asked = _RETRY.parse_retry_after(written or "0")
    except (urllib3.exceptions.InvalidHeader, ValueError, OverflowError):
        return 0.0
    return float(min(max(asked, 0), LONGEST_WAIT_SECONDS))


def _words(error: Exception) -> str:
    """Why there was no answer, without addresses of objects."""
    match error:
        case urllib3.exceptions.NewConnectionError():  # also a name that is not known; it is a timeout's kind
            return "no connection: nobody listens there, or the name is not known"
        case urllib3.exceptions.TimeoutError():
            return "no answer in time"
        case urllib3.exceptions.SSLError():
            return f"no trust in the host: {error}"
        case _:
            return f"the connection broke: {type(error).__name__}"


def message(warning: Mapping[str, object]) -> bytes:
    """Write a warning as JSON: the same bytes for the same warning, as a signature is over bytes."""
    return json.dumps(warning, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()
