"""The shipped rules in a folder of their own, with some printed numbers typed anew: what a setting is compared with."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from random import Random

from engine.calendars.days import day_date
from engine.comparison.cells import spots
from engine.comparison.settings import Setting
from engine.compiler.book import RateBook
from engine.compiler.compile import compile_all
from engine.compiler.program import Compiled, Figure
from engine.evaluator.draw import draw
from engine.evaluator.evaluate import evaluate
from engine.evaluator.rows import Rows
from engine.language.problems import Problem
from tests.billing import ROOT, outcomes
from tests.oracles.amounts import Lines, Refused


def copied_rules(folder: Path) -> Path:
    """A copy of the shipped rules."""
    return Path(shutil.copytree(ROOT / "rules", folder / "rules"))


def typed(figure: Figure, number: str) -> None:
    """Put a number where another one is printed, in its YAML or CSV file."""
    place = figure.place
    assert place is not None
    path = Path(place.file)
    lines = path.read_text(encoding="utf-8").split("\n")
    line = lines[place.line - 1]
    before = line[place.column - 1 : place.end_column - 1]
    assert before == figure.text, f"{place}: {before}"
    lines[place.line - 1] = line[: place.column - 1] + number + line[place.end_column - 1 :]
    path.write_text("\n".join(lines), encoding="utf-8")


def chosen_numbers(book: RateBook, random: Random) -> dict[str, tuple[Setting, Figure]]:
    """A printed number of each rule set, and another one for it, such that no two rule sets read one file."""
    files = Counter(file for one in book.rulesets.values() for file in one.files)
    found: dict[str, tuple[Setting, Figure]] = {}
    for key, compiled in book.rulesets.items():
        several = list(_own_numbers(compiled, files))
        if several:
            name, first, figure = random.choice(several)
            found[key] = Setting(key, name, day_date(first), None, other_number(figure.text, random)), figure
    return found


def _own_numbers(compiled: Compiled, files: Mapping[str, int]) -> Iterable[tuple[str, int, Figure]]:
    """Name, first day and figure of the numbers that stand in files of one rule set alone."""
    for name, where in spots(compiled).items():
        spot = where[0]
        for version, row in zip(compiled.constants.versions, compiled.constants.figures, strict=True):
            figure = row[spot.slot][spot.cell]
            if figure is None or figure.place is None:
                continue
            path = Path(figure.place.file)
            plain = path.suffix == ".yaml" and files[figure.place.file] == 1
            on_its_line = figure.place.line == figure.place.end_line
            if plain and on_its_line and _text_at(path, figure) == figure.text:
                yield name, version.first_day, figure
            break


def _text_at(path: Path, figure: Figure) -> str:
    assert figure.place is not None
    line = path.read_text(encoding="utf-8").split("\n")[figure.place.line - 1]
    return line[figure.place.column - 1 : figure.place.end_column - 1]


def other_number(text: str, random: Random) -> str:
    """A number near another one, with its decimal places, and never the same."""
    before = Decimal(text)
    step = Decimal(1).scaleb(int(before.as_tuple().exponent))
    after = (before * Decimal(random.choice(["0.83", "0.97", "1.04", "1.21"]))).quantize(step)
    return f"{after if after != before else before + step:f}"


def compiled_folder(folder: Path) -> tuple[RateBook, list[Problem]]:
    """What of a folder compiles, and the problems of the rest."""
    return compile_all([folder])


def drawn_rows(compiled: Compiled, count: int, seed: int) -> Rows:
    """Random rows, edges more often than the middle; the same for a rule set with other numbers."""
    return draw(compiled, count, seed)


def bills(compiled: Compiled, rows: Rows) -> list[Lines | Refused]:
    """Lines and total of each row, or why it is refused."""
    return outcomes(compiled, evaluate(compiled, rows), len(rows))


def differing(one: Sequence[Lines | Refused], other: Sequence[Lines | Refused]) -> list[int]:
    """Positions at which two lists of bills differ."""
    return [at for at, (a, b) in enumerate(zip(one, other, strict=True)) if a != b]
