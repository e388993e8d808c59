"""The JSON Schema of rule files, for editors: keys, choices and shapes while an analyst types.

Takes the models of documents, charge kinds and calendars; gives one schema. It knows less than `dianjia check`: units,
names, days and everything between two keys are the compiler's business.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any, Final

from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from engine.calendars.billing_period import Days
from engine.calendars.read import CalendarModel
from engine.charges.kinds import kinds
from engine.compiler.advice.document import MEANINGLESS
from engine.compiler.triggers.kinds import kinds as trigger_kinds
from engine.language.documents import DOCUMENTS
from engine.language.models import Quantity
from engine.language.reading import Model
from engine.quantities.kinds import kinds as quantity_kinds

Schema = dict[str, Any]

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_FORMULA: Final[Mapping[str, object]] = {"type": ["string", "number", "boolean"]}
_MONTH: Final[Mapping[str, object]] = {"type": "string", "pattern": "^[0-9]{4}-(0[1-9]|1[0-2])$"}


class _Untitled(GenerateJsonSchema):
    """Leaves out the titles that pydantic makes of names; an editor shows the key itself."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        del schema
        return False


def json_schema() -> Schema:
    """Give the schema of one rule file: its first key says which kind of document it is."""
    models: list[type[Model]] = [*DOCUMENTS.values(), Quantity, Days, CalendarModel]
    models += [kind.model for kind in kinds().values()]
    models += [kind.model for kind in quantity_kinds().values()]
    models += [kind.model for kind in trigger_kinds().values()]
    named, found = models_json_schema([(model, "validation") for model in models], schema_generator=_Untitled)
    # two kinds may have a model of one name: the schema's names tell them apart
    names = {model: schema["$ref"].rpartition("/")[2] for (model, _), schema in named.items()}
    definitions: Schema = {name: _tidied(schema) for name, schema in found["$defs"].items()}
    for kind in kinds().values():
        of = definitions[names[kind.model]]
        of["properties"]["kind"] = {"const": kind.name}
        of["description"] = _first_sentence(sys.modules[kind.model.__module__].__doc__ or "")
    definitions["Charge"] = _charge(names)
    for measured in quantity_kinds().values():
        of = definitions[names[measured.model]]
        of["properties"]["kind"] = {"const": measured.name}
        of["description"] = _first_sentence(sys.modules[measured.model.__module__].__doc__ or "")
    definitions["Measured"] = _measured(names)
    for watched in trigger_kinds().values():
        of = definitions[names[watched.model]]
        of["properties"]["kind"] = {"const": watched.name}
        of["properties"]["quantities"] = _named(of["properties"]["quantities"], _ref("Measured"))
        of["description"] = _first_sentence(sys.modules[watched.model.__module__].__doc__ or "")
    definitions["Trigger"] = _trigger(names)
    for document in DOCUMENTS.values():
        _refer(definitions[document.__name__]["properties"])
    definitions["Test"]["properties"]["given"] = _named(definitions["Test"]["properties"]["given"], _given())
    definitions["Test"]["properties"]["billing_period"] = {"anyOf": [dict(_MONTH), _ref("Days")]}
    _advice(definitions)
    return {
        "$schema": DIALECT,
        "title": "Dianjia rule file",
        "type": "object",
        "oneOf": [{"required": [key]} for key in DOCUMENTS],
        "allOf": [
            {"if": {"type": "object", "required": [key]}, "then": _ref(document.__name__)}
            for key, document in DOCUMENTS.items()
        ],
        "$defs": dict(sorted(_reached(definitions).items())),
    }


def _advice(definitions: Schema) -> None:
    """Say what an advice file has no use for, and what stands under keys whose values are not all of one shape."""
    for key in MEANINGLESS:
        del definitions["Advice"]["properties"][key]
    sets = definitions["AlternativeRule"]["properties"]
    sets["set"] = _named(sets["set"], dict(_FORMULA))
    row = definitions["AdviceRow"]["properties"]
    row["given"] = _named(row["given"], _given())
    row["billing_period"] = {"anyOf": [dict(_MONTH), _ref("Days")]}


def _reached(definitions: Schema) -> Schema:
    """Leave out what no document leads to: types behind a field that has a schema of its own."""
    found: Schema = {}
    waiting = [document.__name__ for document in DOCUMENTS.values()]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = definitions[name]
            waiting += _referred(definitions[name])
    return found


def _referred(schema: Any) -> list[str]:
    if isinstance(schema, list):
        return [name for one in schema for name in _referred(one)]
    if not isinstance(schema, dict):
        return []
    own = [schema["$ref"].rpartition("/")[2]] if isinstance(schema.get("$ref"), str) else []
    return [*own, *(name for one in schema.values() for name in _referred(one))]


def _first_sentence(text: str) -> str:
    return " ".join(text.split("\n\n")[0].split())


def _ref(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


def _charge(names: Mapping[Any, str]) -> Schema:
    """A charge is what its `kind` says; without one it is flat."""
    cases = [
        {"if": {"properties": {"kind": {"const": kind.name}}, "required": ["kind"]}, "then": _ref(names[kind.model])}
        for kind in kinds().values()
    ]
    flat = {"if": {"not": {"required": ["kind"]}}, "then": _ref(names[kinds()["flat"].model])}
    return {
        "type": "object",
        "properties": {"kind": {"enum": sorted(kinds())}},
        "allOf": [flat, *cases],
    }


def _measured(names: Mapping[Any, str]) -> Schema:
    """A quantity is a formula, a formula with its bounds, or what its `kind` says."""
    cases = [
        {"if": {"properties": {"kind": {"const": kind.name}}, "required": ["kind"]}, "then": _ref(names[kind.model])}
        for kind in quantity_kinds().values()
    ]
    plain = {"if": {"not": {"required": ["kind"]}}, "then": _ref("Quantity")}
    return {"anyOf": [dict(_FORMULA), {"type": "object", "allOf": [plain, *cases]}]}


def _trigger(names: Mapping[Any, str]) -> Schema:
    """A trigger is what its `kind` says."""
    cases = [
        {"if": {"properties": {"kind": {"const": kind.name}}, "required": ["kind"]}, "then": _ref(names[kind.model])}
        for kind in trigger_kinds().values()
    ]
    return {
        "type": "object",
        "properties": {"kind": {"enum": sorted(trigger_kinds())}},
        "required": ["kind"],
        "allOf": cases,
    }


def _given() -> Schema:
    """What a test gives: a value, the items of a list, or the file that holds them."""
    item = {"type": "object", "additionalProperties": dict(_FORMULA)}
    file = {"type": "object", "properties": {"file": {"type": "string"}}, "required": ["file"]}
    return {"anyOf": [dict(_FORMULA), {"type": "array", "items": item}, file]}


def _refer(properties: Schema) -> None:
    """Say what stands under the keys that the models leave to other rooms."""
    if "charges" in properties:
        properties["charges"] = _named(properties["charges"], _ref("Charge"))
        properties["quantities"] = _named(properties["quantities"], _ref("Measured"))
        properties["calendar"] = _ref("CalendarModel")
        properties["triggers"] = _named(properties["triggers"], _ref("Trigger"))


def _named(mapping: Schema, value: Schema) -> Schema:
    """A mapping of names, each to `value`."""
    (pattern,) = mapping["patternProperties"]
    return {**mapping, "patternProperties": {pattern: value}}


def _tidied(schema: Any) -> Any:
    """Leave out defaults, which an editor would offer to write, and `null`, which no key may hold."""
    if isinstance(schema, list):
        return [_tidied(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    found = {
        # Under `properties` stand names, and `default` is the name of an input's key.
        key: {name: _tidied(one) for name, one in value.items()} if key == "properties" else _tidied(value)
        for key, value in schema.items()
        if key != "default"
    }
    if "patternProperties" in found:
        found.setdefault("additionalProperties", False)
    if "description" in found and isinstance(found["description"], str):
        found["description"] = " ".join(found["description"].split())
    options = [one for one in found.get("anyOf", []) if one != {"type": "null"}]
    if "anyOf" in found and len(options) == 1:
        del found["anyOf"]
        return {**options[0], **found}
    if options:
        found["anyOf"] = options
    return found
