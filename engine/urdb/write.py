"""Write plain data as YAML that the rule language reads: block style, and lines of one entry where they are short.

Takes mappings, sequences, texts and numbers; gives text. Quotes are single and stand only where they are needed; no
backslash, no anchor, no tag, no folded text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

WIDTH: Final = 118
_PLAIN: Final = re.compile(r"[^\s\-?:,\[\]{}#&*!|>'\"%@`][^\n]*|-?[0-9][0-9.]*")
_WORDS: Final = frozenset({"", "~", "null", "true", "false", "yes", "no", "on", "off", "y", "n"})


class Flow(dict[str, Any]):
    """A mapping that stands on one line, `{unit: kWh, places: 2}`, however long."""


def one_line(text: str) -> str:
    """Put a text on one line, without what YAML cannot hold."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())


def document(data: Mapping[str, Any], comments: Sequence[str] = ()) -> str:
    """Write a document under comments; an empty line stands before each block."""
    lines = [f"# {line}".rstrip() for line in comments]
    block = True
    for key, value in data.items():
        written = _entry(key, value, 0)
        if len(written) > 1 or block:
            lines += [""] * bool(lines and lines[-1])
        block = len(written) > 1
        lines += written
    return "\n".join(lines) + "\n"


def _entry(key: str, value: Any, indent: int) -> list[str]:
    """The lines of `key: value`."""
    head = f"{' ' * indent}{key}:"
    flow = _flow(value)
    if not isinstance(value, Mapping | list | tuple) or isinstance(value, Flow):
        return [f"{head} {_scalar(value, False) if not isinstance(value, Flow) else flow}"]
    if _short(value) and len(head) + 1 + len(flow) <= WIDTH and not (indent == 0 and isinstance(value, Mapping)):
        return [f"{head} {flow}"]
    if isinstance(value, Mapping):
        return [head, *(line for name, one in value.items() for line in _entry(name, one, indent + 2))]
    lines = [head]
    for one in value:
        lines += _item(one, indent + 2)
    return lines


def _item(value: Any, indent: int) -> list[str]:
    """The lines of `- value`."""
    flow = _flow(value)
    lead = " " * indent
    if not isinstance(value, Mapping) or isinstance(value, Flow) or len(lead) + 2 + len(flow) <= WIDTH:
        return [f"{lead}- {flow}"]
    lines = [line for name, one in value.items() for line in _entry(name, one, indent + 2)]
    return [f"{lead}- {lines[0].lstrip()}", *lines[1:]]


def _short(value: Any) -> bool:
    """Whether a value may stand on one line: it holds nothing that is nested twice."""
    inner = value.values() if isinstance(value, Mapping) else value
    return not any(
        isinstance(one, Mapping | list | tuple) and any(map(_nested, _parts(one))) for one in inner
    ) and not (isinstance(value, list | tuple) and any(isinstance(one, Mapping | list | tuple) for one in value))


def _nested(value: Any) -> bool:
    return isinstance(value, Mapping | list | tuple)


def _parts(value: Any) -> list[Any]:
    return list(value.values()) if isinstance(value, Mapping) else list(value)


def _flow(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_flow(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_flow(one) for one in value) + "]"
    return _scalar(value, True)


def _scalar(value: Any, in_flow: bool) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return f"{value:f}"
    if not isinstance(value, str):
        return str(value)
    text = one_line(value)
    if in_flow and text == "-":  # an absent cell
        return text
    open_ = text.lower() not in _WORDS and _PLAIN.fullmatch(text) and ": " not in text and " #" not in text
    if open_ and not text.endswith(":") and not (in_flow and re.search(r"[,\[\]{}]", text)):
        return text
    return "'" + text.replace("'", "''") + "'"
