"""Lists in pages: how many answers a page has, and what is sent along to get the next one.

A page token says which call and filters it belongs to, what came last, and, where the list is of a version, which. The
next page therefore goes on where the last one ended, whatever was added or activated in between. A token grants
nothing: who changes one gets another place in the same list, or `bad-page`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from engine.service.calls import wrong

SIZE: Final = 100  # where the caller names none
SIZE_MAX: Final = 1_000
_HIDDEN: Final = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")  # in no name there is, and more than a database takes
_SHOWN: Final = 100  # characters of a token that a message repeats


@dataclass(frozen=True, slots=True)
class Page:
    """Which page is asked for."""

    size: int
    after: str = ""  # what came last on the page before, as the list names it; "": the first page
    version: str = ""  # content hash that the first page was of


def read_page(call: str, filters: Sequence[str], page_size: int, page_token: str) -> Page:
    """Read what a request says of its page.

    Args:
        call: name of the list call; a token of one is none of another.
        filters: of the request, in an order of their own.
        page_size: 0: 100.
        page_token: empty: the first page.

    Raises:
        ProblemsFound: `bad-page`.
    """
    if not 0 <= page_size <= SIZE_MAX:
        raise wrong("bad-page", "page_size", value=page_size)
    size = page_size or SIZE
    if not page_token:
        return Page(size)
    try:
        told = json.loads(base64.b64decode(page_token.encode(), altchars=b"-_", validate=True))
    except (ValueError, RecursionError, binascii.Error):
        raise _no_page(page_token) from None
    if not isinstance(told, list) or len(told) != 3 or not all(isinstance(one, str) for one in told):
        raise _no_page(page_token)
    of, after, version = told
    if of != _of(call, filters) or not after or any(_HIDDEN.search(one) for one in told):
        raise _no_page(page_token)
    return Page(size, after, version)


def token(call: str, filters: Sequence[str], after: str, version: str = "") -> str:
    """Write the token of the page behind `after`.

    >>> read_page("list", ["cn"], 2, token("list", ["cn"], "cn.x", "ab"))
    Page(size=2, after='cn.x', version='ab')
    """
    told = json.dumps([_of(call, filters), after, version], ensure_ascii=True, separators=(",", ":"))
    return base64.urlsafe_b64encode(told.encode()).decode()


def _of(call: str, filters: Sequence[str]) -> str:
    return hashlib.sha256(json.dumps([call, *filters]).encode()).hexdigest()[:16]


def _no_page(page_token: str) -> Exception:
    shown = page_token if len(page_token) <= _SHOWN else f"{page_token[:_SHOWN]}…"
    return wrong("bad-page", "page_token", value=shown)
