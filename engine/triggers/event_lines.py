"""Event files in JSON Lines -> raw events, line by line; numbers are read as decimals, never as binary fractions.

A line is one object: `id`, `event`, `account` and `at`, the event's keys and values by their names, and, where they are
known, `region` and `ruleset`:

    {"id": "e1", "event": "usage_recorded", "account": "C1", "at": "2025-01-31T08:00:00+08:00", "energy": "100.00"}

What the fields hold is for whoever takes the events in to look at. A line that is no such object is refused alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import IO, Any, Final

from engine.compiler.trigger import EventType
from engine.evaluator.refuse import row_problem
from engine.evaluator.rows import RowProblem
from engine.triggers.events import RawEvent

FIXED: Final = ("id", "event", "account", "at", "region", "ruleset")
LINE_BYTES_MAX: Final = 1_048_576
_SHOWN: Final = 60  # characters of a line that are shown


def read_lines(types: Mapping[str, EventType], file: IO[bytes]) -> Iterator[tuple[int, RawEvent | RowProblem]]:
    """Read events with the number of their line, from 1; empty lines are left out.

    Args:
        types: by name, those of the rate book: they say which fields are keys.
        file: bytes, read as they are asked for.

    Yields:
        The event, or why the line is none (`event-line`; its `row` is the number of the line).
    """
    number = 0
    while line := file.readline(LINE_BYTES_MAX + 1):
        number += 1
        if len(line) > LINE_BYTES_MAX:
            while not line.endswith(b"\n") and (line := file.readline(LINE_BYTES_MAX)):
                pass
            why = f"it is longer than {LINE_BYTES_MAX:,} bytes"
            yield number, _refused(number, b"", why, f"它超过 {LINE_BYTES_MAX:,} 字节")
        elif line.strip(b" \t\r\n\xef\xbb\xbf"):
            yield number, _read(types, line, number)


def _read(types: Mapping[str, EventType], line: bytes, number: int) -> RawEvent | RowProblem:
    try:
        text = line.decode("utf-8-sig" if number == 1 else "utf-8")
        found = json.loads(text, parse_float=Decimal, parse_constant=_no_number, object_pairs_hook=_once)
    except UnicodeDecodeError:
        return _refused(number, line, "it is not UTF-8", "它不是 UTF-8 编码")
    except json.JSONDecodeError as error:
        return _refused(
            number, line, f"it is not JSON from column {error.colno} on", f"从第 {error.colno} 列起不是 JSON"
        )
    except _Twice as error:
        return _refused(number, line, f"`{error}` is there twice", f"`{error}` 出现了两次")
    except (ValueError, RecursionError):  # a number of thousands of digits, brackets in brackets, NaN
        return _refused(number, line, "it holds a number or brackets that cannot be read", "其中的数字或括号无法读取")
    if not isinstance(found, dict):
        return _refused(number, line, "it is no object, `{...}`", "它不是对象 `{...}`")
    named = found.get("event")
    type_ = types.get(named) if isinstance(named, str) else None
    keys = () if type_ is None else type_.keys
    rest = {name: value for name, value in found.items() if name not in FIXED}
    return RawEvent(
        id=_text(found.get("id")),
        type=_text(named),
        account=_text(found.get("account")),
        at=_text(found.get("at")),
        values={name: value for name, value in rest.items() if name not in keys},
        keys={name: _text(value) for name, value in rest.items() if name in keys},
        region=_text(found.get("region")),
        ruleset=_text(found.get("ruleset")),
    )


class _Twice(ValueError):
    """A name that an object has twice."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise _Twice(next(name for name in names if names.count(name) > 1))
    return found


def _no_number(written: str) -> None:
    raise ValueError(written)


def _text(came: object) -> object:
    """What is not given is empty, as where the field is missing."""
    return "" if came is None else came


def _refused(number: int, line: bytes, why: str, why_zh: str) -> RowProblem:
    shown = line[: 4 * _SHOWN].decode("utf-8", "replace").strip()
    shown = shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}..."
    return row_problem(number, "", "event-line", "", shown, None, why=why, why_zh=why_zh)
