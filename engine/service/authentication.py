"""Who calls, by the bearer token of the call, and what they may do.

Takes a TOML file of tokens, of which it holds hashes alone; gives the `Principal` of a token. The file is read again
when it changes, so that a token is added or taken away without a restart:

    [[token]]
    name = "billing"                        # who it is; stands in the log and in the audit trail
    sha256 = "9f86d081884c7d65…"            # of the token, 64 hexadecimal digits
    scopes = ["rate", "read"]               # of those that `SCOPES` names
    expires = 2027-01-01T00:00:00+08:00     # may be left out
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
import threading
import time
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import inf
from pathlib import Path
from typing import Any, Final

from engine.language.problems import ProblemsFound, problem
from engine.service.calls import Principal

SCOPES: Final = (
    "rate",
    "read",
    "publish",
    "approve",
    "recalculate",
    "record-events",
    "read-warnings",
    "acknowledge",
)
ANONYMOUS: Final = Principal("", frozenset({"rate", "read"}))  # on loopback, where no tokens are asked for
LOOK_SECONDS: Final = 1.0  # between two looks at the file
_HEAD_BYTES: Final = 8  # of a hash, by which it is looked up; the whole is then compared in constant time
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_KEYS: Final = frozenset({"name", "sha256", "scopes", "expires"})
_NAME_CHARACTERS_MAX: Final = 100


@dataclass(frozen=True, slots=True)
class Token:
    """One token of the file."""

    principal: Principal
    digest: bytes  # SHA-256 of the token
    expires: float  # seconds since 1970; inf: never


class Tokens:
    """The tokens of a file. Threads may share it."""

    def __init__(self, file: Path | None) -> None:
        """Read the file.

        Args:
            file: None: callers need no token, and may rate and read.

        Raises:
            ProblemsFound: `tokens-file`.
        """
        self._file = file
        self._seen = _stamp(file)
        self._known = {} if file is None else _by_head(read_tokens(file))
        self._look_at = time.monotonic() + LOOK_SECONDS
        self._looking = threading.Lock()

    def principal(self, authorization: str | None) -> Principal:
        """Say who calls.

        Args:
            authorization: metadata of that name; None: the call has none.

        Raises:
            ProblemsFound: `token-missing`, `token-unknown`.
        """
        if authorization is None:
            if self._file is None:
                return ANONYMOUS
            raise ProblemsFound([problem("token-missing", None)])
        digest = hashlib.sha256(authorization[7:].encode()).digest()  # what follows `Bearer `
        found = self._known.get(digest[:_HEAD_BYTES])
        if (
            found is None
            or not hmac.compare_digest(found.digest, digest)
            or found.expires <= time.time()
            or authorization[:7].lower() != "bearer "
        ):
            raise ProblemsFound([problem("token-unknown", None)])
        return found.principal

    def look(self) -> str:
        """Read the file again if it has changed since; at most once a second.

        Returns:
            "changed": its new tokens are in use. "": it is as before, or it is not time to look.

        Raises:
            ProblemsFound: `tokens-file`: the new content cannot be read; the tokens before go on. Told once.
        """
        if self._file is None or time.monotonic() < self._look_at or not self._looking.acquire(blocking=False):
            return ""
        try:
            self._look_at = time.monotonic() + LOOK_SECONDS
            stamp = _stamp(self._file)
            if stamp == self._seen:
                return ""
            self._seen = stamp
            self._known = _by_head(read_tokens(self._file))
            return "changed"
        finally:
            self._looking.release()


def read_tokens(file: Path) -> list[Token]:
    """Read a file of tokens.

    Raises:
        ProblemsFound: `tokens-file`, for each thing that keeps it from being understood.
    """
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise _unreadable(file, [f"{(error.strerror or 'it cannot be read').lower()}."]) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise _unreadable(file, [f"{error}."]) from None
    entries = content.get("token", [])
    if content.keys() - {"token"} or not isinstance(entries, list):
        raise _unreadable(file, ["each token stands under a `[[token]]` of its own."])
    reasons = [f"token {number}: {reason}" for number, one in enumerate(entries, 1) for reason in _wrong(one)]
    if not reasons:
        digests = [one["sha256"] for one in entries]
        reasons += [f"`{one['name']}` has the token of another." for one in entries if digests.count(one["sha256"]) > 1]
    if reasons:
        raise _unreadable(file, reasons)
    return [_token(one) for one in entries]


def new_token() -> str:
    """Make a token: 256 bits of chance."""
    return f"dj_{secrets.token_urlsafe(32)}"


def lines_for(name: str, token: str, scopes: Sequence[str], expires: datetime | None = None) -> str:
    """Write the lines of a file of tokens that let a token in.

    >>> print(lines_for("billing", "secret", ["rate"]))
    [[token]]
    name = "billing"
    sha256 = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"
    scopes = ["rate"]
    """
    listed = ", ".join(f'"{scope}"' for scope in scopes)
    lines = [
        "[[token]]",
        f'name = "{name}"',
        f'sha256 = "{hashlib.sha256(token.encode()).hexdigest()}"',
        f"scopes = [{listed}]",
    ]
    if expires is not None:
        lines.append(f"expires = {expires.isoformat()}")
    return "\n".join(lines)


def is_name(text: str) -> bool:
    """Whether somebody can be called that: letters of any script, digits and `._@-`, with blanks inside."""
    return len(text) <= _NAME_CHARACTERS_MAX and re.fullmatch(r"[\w.@-]+(?: [\w.@-]+)*", text) is not None


def _wrong(entry: Any) -> Iterator[str]:
    """What is wrong with one entry."""
    if not isinstance(entry, Mapping):
        yield "it stands under a `[[token]]` of its own."
        return
    for key in sorted(entry.keys() - _KEYS):
        yield f"`{key}` is not a key of a token; keys are name, sha256, scopes, expires."
    name, digest, scopes, expires = (entry.get(key) for key in ("name", "sha256", "scopes", "expires"))
    if not isinstance(name, str) or not is_name(name):
        yield "`name` is 1 to 100 letters, digits, `.`, `_`, `@`, `-` and single blanks."
    if not isinstance(digest, str) or _DIGEST.fullmatch(digest) is None:
        yield "`sha256` is 64 small hexadecimal digits."
    if not isinstance(scopes, list) or not scopes or not all(scope in SCOPES for scope in scopes):
        yield f"`scopes` is a list of some of {', '.join(SCOPES)}."
    if "expires" in entry and (not isinstance(expires, datetime) or expires.tzinfo is None):
        yield "`expires` is an instant with its offset: 2027-01-01T00:00:00+08:00."


def _token(entry: Mapping[str, Any]) -> Token:
    expires = entry.get("expires")
    return Token(
        Principal(entry["name"], frozenset(entry["scopes"])),
        bytes.fromhex(entry["sha256"]),
        inf if expires is None else expires.timestamp(),
    )


def _by_head(tokens: Sequence[Token]) -> Mapping[bytes, Token]:
    return {token.digest[:_HEAD_BYTES]: token for token in tokens}


def _stamp(file: Path | None) -> tuple[int, int, int] | None:
    """What changes when a file is written or replaced; None: it is not there."""
    if file is None:
        return None
    try:
        found = os.stat(file)  # noqa: PTH116 - a call is under way; a Path costs more than the look
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _unreadable(file: Path, reasons: Sequence[str]) -> ProblemsFound:
    return ProblemsFound([problem("tokens-file", None, None, file=file, reason=reason) for reason in reasons])
