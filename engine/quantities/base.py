"""What a quantity kind gives the compiler: how kWh, kvarh, kW and kVA follow from what was metered and agreed.

A kind is one file in this folder with a model (its YAML keys) and a `lower` function that turns the model into
formulas; the file ends in `KIND = Kind(name, model, lower)`. `engine.quantities.kinds` finds it by that name.
Nothing here computes a quantity: lowering builds expressions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from engine.charges.base import Context, LoweredRefusal
from engine.language.expressions import Expr
from engine.language.fields import Model, NameField, TextField


class QuantityModel(Model):
    """The keys that every kind has."""

    kind: NameField
    title: TextField | None = None


@dataclass(frozen=True, slots=True)
class LoweredQuantity:
    """`value` gets the quantity's name, `parts` the names behind it: `loss.active`, `loss.reactive`.

    A row is refused, as for charges, where a refusal's `unless` does not hold; on a list, where it fails for any item.
    """

    value: Expr | None
    parts: tuple[tuple[str, Expr], ...] = ()
    refusals: tuple[LoweredRefusal, ...] = ()


@dataclass(frozen=True, slots=True)
class Kind:
    name: str
    model: type[Model]
    lower: Callable[[Any, Context], LoweredQuantity]
