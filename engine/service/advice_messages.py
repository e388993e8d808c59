"""What an advice says -> the message that answers a call. Amounts leave as they were computed, in whole numbers.

What all accounts share is said once: alternatives with their words, and the rule sets that billed rows; accounts name
them by position.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from dianjia.advice.v1 import advice_pb2 as messages
from dianjia.type.v1 import type_pb2 as types
from engine.advice.result import Advised, Outcome, Unadvised
from engine.compiler.advising import Advice
from engine.evaluator.rows import RowProblem, Rows, Whole
from engine.service.answers import row_error, row_errors
from engine.service.books import LoadedBook
from engine.service.calls import wrong
from engine.service.describing import alternative

STATES: Final[Mapping[str, messages.AlternativeState.ValueType]] = {
    "billed": messages.ALTERNATIVE_STATE_BILLED,
    "unchanged": messages.ALTERNATIVE_STATE_UNCHANGED,
    "not_lawful": messages.ALTERNATIVE_STATE_NOT_LAWFUL,
    "not_known": messages.ALTERNATIVE_STATE_NOT_KNOWN,
    "refused": messages.ALTERNATIVE_STATE_REFUSED,
}
_WHOLE_MAX: Final = 2**63  # what a message holds; the sum of bills that are all as high as can be may go beyond


class AdviceAnswer:
    """An answer that is being written, account by account."""

    def __init__(self, loaded: LoadedBook, rows: Rows) -> None:
        """Begin.

        Args:
            loaded: the version that answers.
            rows: the chunk.
        """
        self.message = messages.AdviseCustomerResponse(version=loaded.version, received=len(rows))
        self._loaded = loaded
        self._rows = rows
        self._alternatives: dict[bytes, int] = {}  # as written -> position in the answer
        self._described: dict[tuple[str, str, str], int] = {}  # key of the book, advice, alternative -> that position
        self._rule_sets: dict[str, int] = {}  # key of the book -> position in the answer

    def advised(self, found: Advised, positions: Whole) -> None:
        """Write an account with its alternatives.

        Args:
            found: of a piece of the chunk.
            positions: shape (row,): where the piece's rows stand in the chunk.

        Raises:
            ProblemsFound: `too-many-rows`: a sum is beyond 64 bits.
        """
        own = self.message.advised.add(
            account=found.account,
            index=positions[list(found.rows)].tolist(),
            rule_sets=[self._rule_set(key) for key in found.keys],
            currency=found.currency,
        )
        own.bills.values.extend(found.bills)
        own.bills.places = found.places
        own.total.CopyFrom(self._amount(found.total, found))
        own.outcomes.extend(self._outcome(one, found, positions) for one in found.outcomes)
        self.message.billed += len(found.rows)

    def unadvised(self, found: Unadvised, positions: Whole) -> None:
        """Write an account that is not advised; `positions` as above."""
        moved = sorted((moved_to(one, positions) for one in found.problems), key=lambda one: one.row)
        self.message.unadvised.add(
            account=found.account,
            index=positions[list(found.rows)].tolist(),
            row_errors=row_errors(moved, self._rows, self._loaded.rulesets),
            rulesets=found.rulesets,
        )

    def written(self) -> messages.AdviseCustomerResponse:
        """Give the whole, accounts in order of their first rows."""
        self.message.unadvised.sort(key=lambda one: min(one.index))
        return self.message

    def _outcome(self, one: Outcome, found: Advised, positions: Whole) -> messages.Outcome:
        key, advice = self._declared(one, found)
        made = messages.Outcome(
            alternative=self._alternative(key, advice, one.alternative),
            state=STATES[one.state],
            reason=one.reason or ("" if one.problem is None else one.problem.reason),
        )
        best = advice.alternatives[one.alternative].best
        for name, amount in (("total", one.total), ("saving", one.saving), ("cost", one.cost)):
            if amount is not None:
                getattr(made, name).CopyFrom(self._amount(amount, found))
        for name, value in (("best", one.best), ("now", one.now)):
            if value is not None and best is not None:
                getattr(made, name).CopyFrom(types.Decimal(unscaled=value, places=one.best_places))
        if one.total is not None:
            made.bills.values.extend(one.bills)
            made.bills.places = found.places
        if one.row >= 0:
            made.row = int(positions[one.row])
        if one.problem is not None:
            ruleset = advice.alternatives[one.alternative].ruleset or self._loaded.rulesets[key].id
            made.row_error.CopyFrom(row_error(one.problem, ruleset))
            made.row_error.index = int(positions[one.problem.row])
        return made

    def _declared(self, one: Outcome, found: Advised) -> tuple[str, Advice]:
        """Find what declares an alternative: the advice of the account's first rule set that has it."""
        for key in dict.fromkeys(found.keys):
            for advice in self._loaded.book.advice.get(key, ()):
                if advice.id == one.advice and one.alternative in advice.alternatives:
                    return key, advice
        raise AssertionError(f"{one.advice}:{one.alternative} is declared for none of {found.keys}")

    def _alternative(self, key: str, advice: Advice, id_: str) -> int:
        """Give the position of an alternative; of one that several rule sets have alike there is one."""
        at = self._described.get((key, advice.id, id_))
        if at is None:
            message = alternative(advice, advice.alternatives[id_])
            written = message.SerializeToString(deterministic=True)
            at = self._alternatives.setdefault(written, len(self._alternatives))
            if at == len(self.message.alternatives):
                self.message.alternatives.append(message)
            self._described[key, advice.id, id_] = at
        return at

    def _rule_set(self, key: str) -> int:
        if key not in self._rule_sets:
            self._rule_sets[key] = len(self._rule_sets)
            compiled = self._loaded.rulesets[key]
            self.message.rule_sets.add(ruleset=compiled.id, ruleset_hash=compiled.content_hash, title=compiled.title)
        return self._rule_sets[key]

    def _amount(self, amount: int, found: Advised) -> types.Decimal:
        if abs(amount) >= _WHOLE_MAX:
            raise wrong("too-many-rows", "chunk", found=len(self._rows), at_most=max(len(found.rows) // 2, 1))
        return types.Decimal(unscaled=amount, places=found.places)


def moved_to(problem: RowProblem, positions: Whole) -> RowProblem:
    """Say of a row of a piece where it stands in the chunk."""
    return replace(problem, row=int(positions[problem.row]))


def rulesets_named(rows: Rows, positions: Iterable[int]) -> tuple[str, ...]:
    """Give what rows of a chunk name as their rule sets, each once, sorted."""
    codes = rows.ruleset.codes or ("",)
    return tuple(sorted({codes[int(rows.ruleset.values[at])] for at in positions}))
