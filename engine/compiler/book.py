"""A rate book: rule sets that were compiled together. Which of them bills some days is asked here."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.compiler.advising import Advice
from engine.compiler.program import Compiled
from engine.compiler.trigger import Watch


@dataclass(frozen=True, slots=True)
class RateBook:
    """Rule sets that were compiled together, by identifier; versions of one identifier by `id@first day`.

    Attributes:
        rulesets: that bill somebody.
        watch: triggers over time, of these rule sets and of those that bill nobody.
        advice: key of a rule set -> what its customers can be advised of.
        plans: rule sets that advice bills rewritten rows by and that are not among `rulesets`, by key as those.
    """

    rulesets: Mapping[str, Compiled]
    watch: Watch = field(default_factory=Watch)
    advice: Mapping[str, tuple[Advice, ...]] = field(default_factory=dict)
    plans: Mapping[str, Compiled] = field(default_factory=dict)

    def of(self, id_: str) -> tuple[Compiled, ...]:
        """The versions of a rule set, earliest first; a key names one of them."""
        found = [one for key, one in self.rulesets.items() if id_ in (one.id, key)]
        return tuple(sorted(found, key=lambda one: one.first_day))

    def at(self, id_: str, period_from: int, period_to: int) -> Compiled | None:
        """The version that bills the days [period_from, period_to); where none does, the nearest; None: no such id."""
        found = self.of(id_)
        for one in found:
            if one.in_force(period_from, period_to):
                return one
        later = [one for one in found if one.first_day > period_from]
        return (found[-1] if not later else later[0]) if found else None

    @property
    def hash(self) -> str:
        """Of everything that the book was compiled from."""
        text = "".join(f"{name}={self.rulesets[name].content_hash};" for name in sorted(self.rulesets))
        if self.watch.hash:
            text += f"watch={self.watch.hash};"
        for key in sorted(self.advice):
            text += "".join(f"advice={key}:{one.id}={one.rewrite.content_hash};" for one in self.advice[key])
        text += "".join(f"plan={name}={self.plans[name].content_hash};" for name in sorted(self.plans))
        return hashlib.sha256(text.encode()).hexdigest()[:16]
