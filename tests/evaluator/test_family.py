"""Rule sets of one structure billed in one go: each row is told what its own rule set tells it alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.compiler.compile import compile_paths
from engine.compiler.program import Compiled, Version
from engine.evaluator.batch import dispatch
from engine.evaluator.draw import draw
from engine.evaluator.families import Families
from engine.evaluator.family import alike, merged
from engine.evaluator.rows import Column, Rows
from tests.evaluator.builder import END, HERE, START, Builder, batch
from tests.evaluator.mixing import mixed, one_at_a_time, told, variant

RULES = Path(__file__).parents[2] / "rules"
VARIANTS = 3
ROWS = 12  # a rule set


@cache
def shipped() -> Mapping[str, Compiled]:
    return compile_paths([RULES]).rulesets


@cache
def book() -> Mapping[str, Compiled]:
    """Every shipped rule set, and variants of it."""
    return {
        one.id: one
        for key, compiled in shipped().items()
        for one in (variant(compiled, at, key) for at in range(1, VARIANTS + 1))
    }


def test_variants_are_families() -> None:
    rulesets = list(book().values())

    groups = alike(rulesets)

    assert len(groups) == len(shipped())
    assert all(merged([rulesets[at] for at in group]) is not None for group in groups)


@pytest.mark.parametrize("seed", [1, 2])
def test_all_rule_sets_mixed(seed: int) -> None:
    """Versions inside the batch, periods in parts, lists, refusals of every kind: row by row what one alone gives."""
    random = np.random.default_rng(seed)
    rules = book()
    batches = [(id_, draw(compiled, ROWS, seed + at)) for at, (id_, compiled) in enumerate(rules.items())]
    rows = mixed(batches, random.permutation(len(rules) * ROWS))
    bills, problems = one_at_a_time(rules, rows)
    families = Families(rules)

    for _ in range(2):  # plans that were kept
        done = dispatch(rules, rows, details=True, plans=families)

        assert bills == told(done)
        assert problems == list(done.refused)
    assert len(done.groups) == len(shipped())
    assert all(group.code is not None for group in done.groups)
    assert any(group.result.offsets is not None for group in done.groups)
    assert len({one.code for one in problems}) > 10


def test_the_batch_in_another_order_gives_the_same_bills() -> None:
    random = np.random.default_rng(7)
    rules = dict(list(book().items())[:30])
    batches = [(id_, draw(compiled, ROWS, at)) for at, (id_, compiled) in enumerate(rules.items())]
    there, back = np.arange(len(rules) * ROWS), random.permutation(len(rules) * ROWS)

    plain, shuffled = (dispatch(rules, mixed(batches, order), details=True) for order in (there, back))

    bills = told(plain)
    assert {at: bills[was] for at, was in enumerate(back.tolist()) if was in bills} == told(shuffled)


def hand(
    name: str, prices: Sequence[tuple[int, int]], first: int = START, end: int | None = None, kva: bool = False
) -> Compiled:
    """Bill kWh at one price and the other, by version of a hundred days; with `kva` another structure."""
    b = Builder()
    kwh = b.input("kwh", 2, 0, 10**6)
    amounts = [b.rounded("multiply_round", (kwh, b.constant(several, 4)), 2) for several in zip(*prices, strict=True)]
    total = b.sum(*amounts)
    if kva:
        total = b.sum(total, b.rounded("multiply_round", (b.input("kva"), b.constant([p for p, _ in prices], 4)), 2))
    days = [first + 100 * at for at in range(len(prices))]
    versions = [Version(day, after) for day, after in pairwise([*days, END])]
    more = {"id": name, "first_day": first, "end_day": end, "place": replace(HERE, line=len(name))}
    compiled = b.compiled(total, versions, **more, change_days=tuple(days[1:]), changes="refuse")
    return replace(compiled, program=replace(compiled.program, structure=f"kva {kva}"))


def hand_rows(book: Mapping[str, Compiled], count: int, random: np.random.Generator) -> Rows:
    which = random.integers(0, len(book), count)
    first = random.integers(START - 20, START + 400, count)
    kva = np.array([one.program.structure == "kva True" for one in book.values()])[which]
    return Rows(
        row_id=np.arange(count),
        ruleset=Column(which, codes=tuple(book)),
        period_from=first,
        period_to=first + random.integers(0, 20, count),
        columns={
            "kwh": Column(random.integers(-10, 10**6 + 10, count), 2),
            "kva": Column(random.integers(0, 10**6 + 2, count), valid=kva),
        },
    )


PRICE = st.tuples(*(st.integers(-(10**6), 10**6) | st.sampled_from([0, 10**12, -(10**12)]) for _ in range(2)))


@given(
    st.lists(
        st.tuples(st.lists(PRICE, min_size=1, max_size=3), st.integers(0, 200), st.booleans()), min_size=1, max_size=9
    ),
    st.integers(1, 300),
    st.integers(0, 2**32),
)
@settings(max_examples=60, deadline=None)
def test_any_prices_and_days(drawn: list[tuple[list[tuple[int, int]], int, bool]], count: int, seed: int) -> None:
    """Numbers of any size, gaps before and after, changes inside periods, two structures: as one rule set alone."""
    rules = {
        f"r{at}": hand(f"r{at}", prices, START + later, START + later + 250 if at % 3 == 0 else None, kva)
        for at, (prices, later, kva) in enumerate(drawn)
    }
    rows = hand_rows(rules, count, np.random.default_rng(seed))
    expected, problems = one_at_a_time(rules, rows)

    done = dispatch(rules, rows, details=True)

    assert expected == told(done)
    assert problems == list(done.refused)


def test_bounds_of_all_that_nothing_holds_leave_rule_sets_apart() -> None:
    """Each holds its own product in 64 bits; a program with the bounds of both could not."""

    def product(name: str, *prices: int) -> Compiled:
        b = Builder()
        kwh = b.input("kwh", 2, 0, 10**6)
        amounts = [b.rounded("multiply_round", (kwh, b.constant(price, 4)), 2) for price in prices]
        compiled = b.compiled(b.binary("multiply", *amounts), id=name)
        return replace(compiled, program=replace(compiled.program, structure="product"))

    rules = {"first": product("first", 10**11, 0), "second": product("second", 0, 10**11)}
    rows = batch({"kwh": Column(np.arange(50), 2)}, 50)
    rows = replace(rows, ruleset=Column(np.arange(50) % 2, codes=tuple(rules)))
    expected, problems = one_at_a_time(rules, rows)

    done = dispatch(rules, rows, details=True)

    assert merged(list(rules.values())) is None
    assert len(done.groups) == 2
    assert expected == told(done)
    assert problems == list(done.refused)


def test_programs_that_differ_behind_one_structure_stay_apart() -> None:
    """A program may have been changed after it was compiled."""
    one, other = hand("one", [(1, 2)]), hand("other", [(3, 4)])
    steps = list(other.program.steps)
    steps[-1] = replace(steps[-1], primitive="subtract")
    other = replace(other, program=replace(other.program, steps=tuple(steps)))

    assert len(alike([one, other])) == 1
    assert merged([one, other]) is None


def test_bills_stay_as_they_are_while_later_batches_are_billed() -> None:
    """Memory is used again only once nobody holds what is in it."""
    rules = {
        **{f"a{at}": hand(f"a{at}", [(at, 5)]) for at in range(1, 4)},
        **{f"b{at}": hand(f"b{at}", [(at, 5)], kva=True) for at in range(1, 4)},
    }
    families = Families(rules)
    batches = [hand_rows(rules, 2_000, np.random.default_rng(seed)) for seed in range(6)]

    done = [dispatch(rules, rows, details=True, plans=families) for rows in batches]

    for rows, one in zip(batches, done, strict=True):
        assert one_at_a_time(rules, rows)[0] == told(one)


def test_plans_of_another_book() -> None:
    rules = {"a": hand("a", [(1, 5)])}

    with pytest.raises(ValueError, match="another rate book"):
        dispatch(rules, hand_rows(rules, 1, np.random.default_rng(1)), plans=Families({**rules}))


def test_rule_sets_that_share_an_id() -> None:
    """Each in force on days of its own; a row goes to the one of its day, beside another family's rows."""
    first, second = (book()[f"cn.jiangsu.residential.v{number}"] for number in (1, 2))
    cut = 20_500
    rules = {
        "a": replace(first, id="shared", end_day=cut),
        "b": replace(second, id="shared", first_day=cut),
        "c": replace(variant(first, 5), id="other"),
    }
    by_key = mixed([(key, draw(one, 60, at)) for at, (key, one) in enumerate(rules.items())], np.arange(180)[::-1])
    # The day decides between the first two, whichever key a row was drawn for.
    key = np.where(by_key.ruleset.values == 2, 2, by_key.period_from >= cut)
    expected, problems = one_at_a_time(rules, replace(by_key, ruleset=replace(by_key.ruleset, values=key)))
    names = replace(by_key.ruleset, values=(key == 2).astype(np.int64), codes=("shared", "other"))

    done = dispatch(rules, replace(by_key, ruleset=names), details=True)

    assert len(done.groups) == 1
    assert expected == told(done)
    assert problems == list(done.refused)
