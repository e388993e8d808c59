"""Signatures of webhooks, as the Standard Webhooks specification 1.0 has them, so that receivers need no code of ours.

HMAC-SHA256 over `ID.TIMESTAMP.BODY`, in base64, after `v1,`. The id is the warning's, the timestamp is in whole seconds
since 1970. https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from typing import Final

PREFIX: Final = "whsec_"
BYTES_MIN: Final = 24  # of a secret, by the specification
BYTES_MAX: Final = 64
TOLERANCE_SECONDS: Final = 300  # between the timestamp and the receiver's clock


def read_secret(written: str) -> bytes:
    """Read a secret: `whsec_` and base64 of 24 to 64 bytes.

    Raises:
        ValueError: it is none; the message does not repeat it.
    """
    try:
        key = base64.b64decode(written.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("a secret is `whsec_` and base64") from None
    if not written.startswith(PREFIX) or not BYTES_MIN <= len(key) <= BYTES_MAX:
        raise ValueError(f"a secret is `whsec_` and base64 of {BYTES_MIN} to {BYTES_MAX} bytes")
    return key


def signature(keys: Sequence[bytes], id_: str, timestamp: int, body: bytes) -> str:
    """Sign a body; with several keys there are as many signatures, with a space between, so that a secret can change.

    >>> signature([base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")], "msg_1", 1614265330, b"{}")
    'v1,ZztYR0IIDCBCUcYzh8ZE+qsQWpIgtHU7R1hpe8htaD4='
    """
    signed = b".".join((id_.encode(), str(timestamp).encode(), body))
    made = (hmac.new(key, signed, hashlib.sha256).digest() for key in keys)
    return " ".join(f"v1,{base64.b64encode(one).decode()}" for one in made)


def verify(key: bytes, headers: Mapping[str, str], body: bytes, now: int) -> bool:
    """Whether a message is from whoever has the secret, and recent: what a receiver does.

    Args:
        key: `read_secret` of the secret.
        headers: by name in small letters.
        body: as it came, byte by byte.
        now: the receiver's clock [s since 1970].
    """
    sent = headers.get("webhook-timestamp", "")
    if not sent.isascii() or not sent.isdigit() or abs(now - int(sent)) > TOLERANCE_SECONDS:
        return False
    wanted = signature([key], headers.get("webhook-id", ""), int(sent), body).encode()
    came = headers.get("webhook-signature", "").encode().split(b" ")
    return any([hmac.compare_digest(wanted, one) for one in came])  # noqa: C419  # all are compared, whichever fits
