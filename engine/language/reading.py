"""Read nodes into pydantic models, with every problem at the place of the node that it concerns.

`Model` is what all models of the rule language are built on: frozen, closed to unknown keys, and aware of the
mapping it was read from. `read` is the way in. pydantic does the walking; its messages never reach a person.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Container, Iterable, Iterator, Sequence
from typing import Any, ClassVar, Final, Self, TypeVar

from pydantic import BaseModel, ConfigDict, ModelWrapValidatorHandler, PrivateAttr, ValidationError, model_validator
from pydantic_core import ErrorDetails

from engine.language.nodes import NOWHERE, List, Map, Text
from engine.language.problems import Place, Problem, ProblemsFound, problem
from engine.language.syntax import key_slip

M = TypeVar("M", bound="Model")

KEYS_WITH_VALUES = "a mapping of keys to values"
A_LIST = "a list"
ONE_VALUE = "one value"

# how each shape is called in Chinese, and how it is written, in both languages
_WORDS: Final = {
    KEYS_WITH_VALUES: (
        "“键: 值”",
        "Write `key: value`, each on its own line, or `{key: value, key: value}`.",
        "请写 `键: 值`，每个一行，或写 `{键: 值, 键: 值}`。",
    ),
    A_LIST: (
        "列表",
        "Write `[a, b]`, or each item on its own line after a dash.",
        "请写 `[a, b]`，或每项一行，前面加短横。",
    ),
    ONE_VALUE: (
        "单个值",
        "Write the value alone, without braces, brackets or dashes.",
        "请只写值，不加括号或短横。",
    ),
}
_SHAPES: Final = {
    "list_type": A_LIST,
    "tuple_type": A_LIST,
    "dict_type": KEYS_WITH_VALUES,
    "mapping_type": KEYS_WITH_VALUES,
    "model_type": KEYS_WITH_VALUES,
    "model_attributes_type": KEYS_WITH_VALUES,
}


class Model(BaseModel):
    """A mapping of the rule language. Keys that are Python words (`from`, `class`) are declared by alias."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True, populate_by_name=False)

    what: ClassVar[str] = ""  # how messages call it: "a tiered charge"

    _node: Map = PrivateAttr(default_factory=Map)

    @property
    def place(self) -> Place:
        """Where the mapping stands."""
        return self._node.place

    def place_of(self, key: str) -> Place:
        """Where a key stands, by its written name; the mapping's place where it is not written."""
        return self._node.place_of(key)

    @model_validator(mode="wrap")
    @classmethod
    def _from_node(cls, node: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        if isinstance(node, cls):
            return node
        if not isinstance(node, Map):
            raise ProblemsFound([wrong_shape(node, KEYS_WITH_VALUES)])
        allowed = {field.alias or name: field.is_required() for name, field in cls.model_fields.items()}
        what = cls.what or "this mapping"
        found = [*_keys(node, allowed, what), *_nothing_listed(node, cls)]
        try:
            model = handler({str(key): value for key, value in node.items() if key in allowed})
        except ValidationError as error:
            found += problems_of(error.errors(include_url=False), node)
        if found:
            raise ProblemsFound(found)
        model._node = node
        return model


def read(model_class: type[M], node: object, what: str = "") -> M:
    """Read a node into a model.

    Args:
        model_class: a subclass of `Model`.
        node: what `load` gave, or a part of it.
        what: how messages call it: "tiered charge"; the class's own words where empty.

    Raises:
        ProblemsFound: unknown and missing keys, values that are not what their keys want; all of them.
    """
    try:
        return model_class.model_validate(node)
    except ValidationError as error:
        found = problems_of(error.errors(include_url=False), node)
    if what:
        named = what if what.startswith(("a ", "an ", "the ")) else f"{'an' if what[0] in 'aeiou' else 'a'} {what}"
        found = [_renamed(one, node, named) for one in found]
    raise ProblemsFound(found)


def _renamed(found: Problem, node: object, what: str) -> Problem:
    """The problem of the mapping itself, under the name that the reader gave it."""
    own = {key.place for key in node} | {node.place} if isinstance(node, Map) else set()
    if "what" not in found.parameters or found.place not in own or found.code == "wrong-shape":
        return found
    return Problem(found.code, found.place, {**found.parameters, "what": what}, found.other)


def did_you_mean(text: str, known: Iterable[str], taken: Container[str] = ()) -> dict[str, str]:
    """The parameters `suggestion` and `suggestion_zh`: the known word that is nearest, unless it is taken."""
    near = difflib.get_close_matches(text.lower(), list(known), n=1, cutoff=0.6)
    if not near or near[0] in taken:
        return {"suggestion": "", "suggestion_zh": ""}
    return {"suggestion": f"Write `{near[0]}`. ", "suggestion_zh": f"请写 `{near[0]}`。"}


def _keys(node: Map, allowed: dict[str, bool], what: str) -> Iterator[Problem]:
    """Keys that are not known here, and keys that are missing."""
    listed = ", ".join(allowed)
    for key in node:
        if key not in allowed:
            yield problem(
                "unknown-key", key.place, None, key=key, what=what, allowed=listed, **did_you_mean(key, allowed, node)
            )
    for name, required in allowed.items():
        if required and name not in node:
            yield problem("missing-key", node.place, None, key=name, what=what, allowed=listed)


def _nothing_listed(node: Map, of: type[Model]) -> Iterator[Problem]:
    """Keys that have to list something and are an empty list, or an empty mapping of names."""
    for name, field in of.model_fields.items():
        key = node.key(field.alias or name)
        if key is None or not field.is_required() or node[key] or isinstance(node[key], Text):
            continue
        if not (isinstance(field.annotation, type) and issubclass(field.annotation, Model)):
            yield problem("nothing-listed", key.place, key=key)


def wrong_shape(node: object, *wanted: str) -> Problem:
    """A list where a text is wanted, and the like; `wanted` are the shapes that may stand there."""
    place = node.place if isinstance(node, Text | Map | List) else NOWHERE
    if isinstance(node, Text) and KEYS_WITH_VALUES in wanted:
        slip = key_slip(node)
        if slip is not None:
            return slip
    shape = KEYS_WITH_VALUES if isinstance(node, Map) else A_LIST if isinstance(node, List) else ""
    _, example, example_zh = _WORDS[wanted[0]]
    return problem(
        "wrong-shape",
        place,
        what=" or ".join(wanted),
        what_zh="或".join(_WORDS[one][0] for one in wanted),
        found=shape or f"`{node}`",
        found_zh=_WORDS[shape][0] if shape else f"`{node}`",
        example=example,
        example_zh=example_zh,
    )


def problems_of(errors: Sequence[ErrorDetails], node: object) -> list[Problem]:
    """The problems behind pydantic's errors.

    A field that may be a list or a mapping is tried as each. What was told about the shape of a node is dropped
    where another attempt came further into the same node.
    """
    told = [(error["input"], found) for error in errors for found in _one(error)]
    shapes = [(value, found) for value, found in told if _of_shape(value, found)]
    result = [found for value, found in told if not _of_shape(value, found)]
    tried = {id(value) for value, _ in told}
    further = {id(value) for value, found in told if not _of_shape(value, found)}
    for value, _ in shapes:
        below = any(id(inner) in tried for inner in _within(value) if inner is not value)
        if not below and id(value) not in further:
            alike = [
                shape for same, other in shapes if same is value for shape in other.parameters["what"].split(" or ")
            ]
            result.append(wrong_shape(value, *dict.fromkeys(alike)))
    return list({(one.code, one.place, str(one.parameters)): one for one in result}.values())


def _of_shape(value: object, found: Problem) -> bool:
    """Whether a problem is about the shape of this very node, not of one below it."""
    return found.code == "wrong-shape" and isinstance(value, Text | Map | List) and found.place == value.place


def _within(node: object) -> Iterator[object]:
    """The node and everything below it."""
    yield node
    if isinstance(node, Map):
        for key, value in node.items():
            yield key
            yield from _within(value)
    elif isinstance(node, List):
        for item in node:
            yield from _within(item)


def _one(error: ErrorDetails) -> Iterator[Problem]:
    context = error.get("ctx", {})
    cause = context.get("error")
    value = error["input"]
    place = value.place if isinstance(value, Text | Map | List) else NOWHERE
    kind = error["type"]
    if isinstance(cause, ProblemsFound):
        yield from cause.problems
    elif kind == "missing":
        return  # told by the model itself, with the keys that are allowed
    elif kind in _SHAPES:
        yield wrong_shape(value, _SHAPES[kind])
    elif kind in ("literal_error", "enum") and isinstance(value, Text):
        words = re.findall(r"'([^']*)'", str(context.get("expected", "")))
        yield problem("unknown-word", place, None, text=value, allowed=", ".join(words), **did_you_mean(value, words))
    elif kind in ("literal_error", "enum"):
        yield wrong_shape(value, ONE_VALUE)
    else:
        shown = value if isinstance(value, Text) else "this"
        yield problem("value-not-accepted", place, text=shown, reason=str(cause or error["msg"]))
