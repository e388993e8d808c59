"""The cache of compiled rules: it changes no result, and whatever is read takes part in the key."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import openpyxl
import pytest

from engine.cache import compiled as cache
from engine.cache.compiled import ROOMS, book_and_problems
from engine.cache.store import clear, keep_entry, kinds
from engine.compiler.book import RateBook
from engine.compiler.compile import compile_all
from engine.language.problems import Problem
from tests.documents import ROOT

NOTICE = """\
notice: cn.test.prices.2026
series: cn.test.prices
source: {standing: example}
in_force: {from: 2026-02-01, until_replaced: true}
tables:
  energy:
    keys: [voltage]
    columns: [price]
    unit: CNY/kWh
    places: 4
    file: ../tables/prices.csv
  extra:
    keys: [voltage]
    columns: [price]
    unit: CNY/kWh
    places: 4
    file: prices.xlsx
"""
FORM = """\
form: cn.test.form
source: {standing: example}
holes: [prices]
inputs:
  kwh: {unit: kWh, places: 2, from: 0, to: 100000}
  voltage: {codes: {low: low, high: high}}
energy: {total: kwh, priced_by: [energy]}
charges:
  energy: {quantity: kwh, price: "prices.energy[voltage].price"}
"""
RULESET = """\
ruleset: cn.test.home
source: {standing: example}
in_force: {from: 2026-02-01, until_replaced: true}
version_by: period_from
follows: cn.test.form
fills: {prices: cn.test.prices}
"""
LISTED = """\
ruleset: cn.test.listed
source: {standing: example}
in_force: {from: 2026-02-01, until_replaced: true}
version_by: period_from
lists:
  readings:
    at_most: 5
    inputs:
      kwh: {unit: kWh, places: 2, from: 0, to: 1000}
energy: {total: sum(readings.kwh), priced_by: [energy]}
charges:
  energy: {quantity: sum(readings.kwh), price: 0.5000}
tests:
  - name: two
    vouched_by: {who: worked by hand, from: 30 times the price}
    billing_period: 2026-02
    given: {readings: {file: readings.csv}}
    expect: {total: "15.00"}
"""
ADVICE = """\
advice: cn.test.advice
source: {standing: example}
for: [cn.test.listed, cn.test.home]
inputs: {how: {codes: {low: low, high: high}, optional: true}}
tables:
  saved:
    keys: [how]
    columns: [share]
    unit: 1
    places: 2
    file: saved.csv
quantities: {spared: "saved[how].share"}
alternatives:
  high: {title: high, kind: choice, lawful: spared > 0, ruleset: cn.test.home, set: {voltage: high, kwh: "100[kWh]"}}
tests:
  - name: three
    vouched_by: {who: worked by hand, from: 60 times the price}
    ruleset: cn.test.listed
    rows: [{billing_period: 2026-02, given: {readings: {file: advised.csv}}}]
    expect: {now: 30.00}
"""


@pytest.fixture
def rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder `rules` with each kind of file, in the current one; anything is dear enough to be kept."""
    monkeypatch.setenv("DIANJIA_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(cache, "SECONDS_MIN", 0.0)
    monkeypatch.setattr(cache, "_TICK_NS", -(10**18))  # these files were written a moment ago
    monkeypatch.setattr(cache, "_engine", lambda rooms: "the engine of this test")
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "rules"
    (folder / "cn").mkdir(parents=True)
    (folder / "cn" / "prices.notice.yaml").write_text(NOTICE)
    (folder / "tables").mkdir()
    (folder / "tables" / "prices.csv").write_text("voltage,price\nlow,0.5283\nhigh,0.5083\n")
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["voltage", "price"])
    sheet.append(["low", 0.5])
    sheet["B2"].number_format = "0.0000"
    book.save(folder / "cn" / "prices.xlsx")
    (folder / "cn" / "form.yaml").write_text(FORM)
    (folder / "cn" / "home.ruleset.yaml").write_text(RULESET)
    (folder / "cn" / "listed.ruleset.yaml").write_text(LISTED)
    (folder / "cn" / "readings.csv").write_text("kwh\n10\n20\n")
    (folder / "cn" / "home.advice.yaml").write_text(ADVICE)
    (folder / "cn" / "saved.csv").write_text("how,share\nlow,0.25\n")
    (folder / "cn" / "advised.csv").write_text("kwh\n10\n20\n30\n")
    return folder


def entries() -> int:
    return sum(one.entries for one in kinds())


class Counting:
    """Asks for the book, and says whether the compiler was asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from engine.compiler import compile as compiler

        self.compiled = 0
        really = compiler.compile_and_name

        def counted(paths: list[Path | str]) -> tuple[RateBook, list[Problem], frozenset[str]]:
            self.compiled += 1
            return really(paths)

        monkeypatch.setattr(compiler, "compile_and_name", counted)

    def __call__(self, *paths: Path | str) -> bool:
        before = self.compiled
        found, problems = book_and_problems(list(paths) or ["rules"])
        expected, expected_problems = compile_all(list(paths) or ["rules"])
        assert (expected, expected_problems) == (found, problems)
        assert list(expected.rulesets) == list(found.rulesets)
        assert list(expected.advice) == list(found.advice)
        return self.compiled - before == 2  # `compile_all` is one


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> Counting:
    return Counting(monkeypatch)


def test_rules_are_compiled_once(rules: Path, compiled: Counting) -> None:
    """And what is found again is what was compiled."""
    assert [True, False, False] == [compiled(), compiled(), compiled()]
    assert 2 == entries()


def test_each_byte_of_each_file_takes_part(rules: Path, compiled: Counting) -> None:
    """A notice, a form, a rule set, advice, a table in CSV and in XLSX, lists of tests; old content is found again."""
    compiled()
    for file in sorted(file for file in rules.rglob("*") if file.is_file()):
        old = file.read_bytes()
        file.write_bytes(old + b"\n")
        assert compiled(), file
        assert not compiled(), file
        file.write_bytes(old)
        assert not compiled(), file


def test_a_new_file_and_a_file_less_take_part(rules: Path, compiled: Counting) -> None:
    """So does a new name."""
    compiled()
    (rules / "cn" / "more.ruleset.yaml").write_text(RULESET.replace("cn.test.home", "cn.test.more"))
    assert compiled()
    (rules / "cn" / "more.ruleset.yaml").rename(rules / "more.ruleset.yaml")
    assert compiled()
    (rules / "more.ruleset.yaml").unlink()
    assert not compiled()


def test_files_that_no_rule_names_take_no_part(rules: Path, compiled: Counting) -> None:
    """A portfolio of a million rows that lies beside the rules is not read to find a key."""
    compiled()
    (rules / "portfolio.csv").write_text("row_id\n1\n")
    (rules / "cn" / "notes.txt").write_text("notes")

    assert not compiled()


def test_what_is_asked_for_takes_part(rules: Path, compiled: Counting) -> None:
    """All, or one file of them; a folder by two names, which places show alike, is the same."""
    assert compiled("rules")
    assert compiled("rules/cn/home.ruleset.yaml")
    assert not compiled(rules)
    assert not compiled("rules/cn/home.ruleset.yaml")


def test_the_current_folder_takes_part(rules: Path, compiled: Counting, monkeypatch: pytest.MonkeyPatch) -> None:
    """Places are shown relative to it."""
    compiled(rules)
    monkeypatch.chdir(rules)

    assert compiled(rules)


def test_rules_around_take_part(tmp_path: Path, rules: Path, compiled: Counting) -> None:
    """The folder `rules` of the current folder, when a file elsewhere is asked for."""
    (tmp_path / "own.yaml").write_text(RULESET.replace("cn.test.home", "cn.test.own"))
    assert compiled("own.yaml")
    assert not compiled("own.yaml")

    (rules / "cn" / "form.yaml").write_text(FORM.replace("100000", "100001"))

    assert compiled("own.yaml")


def test_a_table_elsewhere_takes_part(tmp_path: Path, rules: Path, compiled: Counting) -> None:
    """A file beside the rules may lie anywhere."""
    (tmp_path / "elsewhere.csv").write_text("voltage,price\nlow,0.5283\nhigh,0.5083\n")
    notice = rules / "cn" / "prices.notice.yaml"
    notice.write_text(NOTICE.replace("../tables/prices.csv", "../../elsewhere.csv"))
    assert [True, False] == [compiled(), compiled()]

    (tmp_path / "elsewhere.csv").write_text("voltage,price\nlow,0.5283\nhigh,0.5084\n")

    assert compiled()


def test_rules_with_a_problem_are_not_kept(rules: Path, compiled: Counting) -> None:
    """They say the same each time."""
    (rules / "cn" / "bad.ruleset.yaml").write_text("ruleset: cn.test.bad\nprcie: 1\n")

    assert [True, True] == [compiled(), compiled()]
    assert 0 == entries()


def test_a_path_that_is_not_there_is_told(rules: Path) -> None:
    book, problems = book_and_problems(["nowhere"])

    assert ({}, ["no-such-file"]) == (book.rulesets, [one.code for one in problems])


def test_cheap_rules_are_not_kept(rules: Path, compiled: Counting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "SECONDS_MIN", 60.0)

    assert [True, True] == [compiled(), compiled()]
    assert 0 == entries()


def test_without_a_cache_everything_is_compiled(
    rules: Path, compiled: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DIANJIA_CACHE", "off")

    assert [True, True] == [compiled(), compiled()]


def test_the_cache_may_be_deleted_at_any_time(tmp_path: Path, rules: Path, compiled: Counting) -> None:
    compiled()
    clear()
    assert compiled()
    assert not compiled()
    shutil.rmtree(tmp_path / "cache")
    assert compiled()


def test_an_entry_that_is_no_book_is_compiled_again(tmp_path: Path, rules: Path, compiled: Counting) -> None:
    """Cut off; or whole, and written by something else."""
    compiled()
    for entry in (tmp_path / "cache" / "compiled").glob("*.entry"):
        entry.write_bytes(entry.read_bytes()[:-1])
    assert [True, False] == [compiled(), compiled()]

    for entry in (tmp_path / "cache" / "compiled").glob("*.entry"):
        keep_entry(cache.KIND, entry.stem, b'{"not": "ours"}')
    assert [True, False] == [compiled(), compiled()]


def test_files_that_change_while_they_are_compiled_are_not_kept(
    rules: Path, compiled: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody knows which of the two contents was compiled; not even if the old one is there again afterwards."""
    from engine.compiler import compile as compiler

    file = rules / "cn" / "home.ruleset.yaml"
    really = compiler.compile_and_name

    def meanwhile(paths: list[Path | str]) -> object:
        found = really(paths)
        about = file.stat()
        file.write_bytes(file.read_bytes())
        os.utime(file, ns=(about.st_atime_ns, about.st_mtime_ns + 1))
        return found

    with monkeypatch.context() as changed:
        changed.setattr(compiler, "compile_and_name", meanwhile)
        book_and_problems(["rules"])

    assert 0 == entries()


def test_a_table_that_changes_while_it_is_compiled_is_not_kept(
    rules: Path, compiled: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was changed after the compile began, as far as anybody can tell."""
    monkeypatch.setattr(cache, "_TICK_NS", 10**12)

    assert [True, True] == [compiled(), compiled()]
    assert 0 == entries()


class TestEngine:
    """The engine's sources take part in every key."""

    @pytest.fixture
    def engine(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """A copy of them that takes the place of ours, from long ago."""
        copy = tmp_path / "engine"
        for room in ROOMS:
            shutil.copytree(ROOT / "engine" / room, copy / room, ignore=shutil.ignore_patterns("__pycache__"))
        monkeypatch.setattr(cache, "__file__", str(copy / "cache" / "compiled.py"))
        monkeypatch.setattr(cache, "_BEFORE_SECONDS", -3600.0)
        return copy

    @pytest.mark.parametrize("room", ROOMS)
    def test_a_changed_byte_changes_every_key(self, engine: Path, room: str) -> None:
        before = cache.key_of("book", [])
        source = min((engine / room).glob("*.py"))
        source.write_bytes(source.read_bytes() + b"\n")

        assert before is not None
        assert before != cache.key_of("book", [])

    def test_a_new_module_changes_every_key(self, engine: Path) -> None:
        before = cache.key_of("book", [])
        (engine / "charges" / "new_kind.py").write_text("")

        assert before != cache.key_of("book", [])

    @pytest.mark.parametrize("package", sorted(cache._PACKAGES))
    def test_another_release_of_what_reads_the_rules_changes_every_key(
        self, engine: Path, package: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before = cache.key_of("book", [])
        monkeypatch.setattr(cache, "_release", lambda name, file: "other" if name == package else "")
        other = cache.key_of("book", [])
        monkeypatch.setattr(cache, "_release", lambda name, file: "")

        assert 3 == len({before, other, cache.key_of("book", [])})

    def test_each_package_has_a_file_that_names_its_release(self) -> None:
        for package, file in cache._PACKAGES.items():
            found = find_spec(package)
            assert found is not None
            assert found.submodule_search_locations is not None
            text = (Path(found.submodule_search_locations[0]) / file).read_text(encoding="utf-8")
            assert "version" in text.lower(), package

    def test_sources_that_changed_since_this_process_began_turn_the_cache_off(
        self, engine: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What runs is not what stands there."""
        monkeypatch.setattr(cache, "_BEFORE_SECONDS", 2.0)

        assert None is cache.key_of("book", [])

    def test_an_engine_without_sources_has_no_cache(self, engine: Path) -> None:
        shutil.rmtree(engine)

        assert None is cache.key_of("book", [])

    def test_the_compiler_stands_on_these_rooms_alone(self) -> None:
        """A room that it would import and that takes no part in the key is a fault."""
        code = (
            "import sys; from engine.compiler.compile import compile_all; compile_all(['rules', 'tests/examples']); "
            "print(' '.join(sorted({one.split('.')[1] for one in sys.modules if one.startswith('engine.')})))"
        )
        done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

        assert set(done.stdout.split()) <= set(ROOMS)


def test_nothing_else_is_read() -> None:
    """Every file that is opened during a compile, but for Python's own and the timezones', is in the key."""
    code = (
        "import sys; from pathlib import Path\n"
        "from engine.compiler.compile import compile_and_name\n"
        "from engine.compiler.files import files_of\n"
        "opened = set()\n"
        "sys.addaudithook(lambda event, told: opened.add(str(told[0])) if event == 'open' else None)\n"
        "paths = [Path('rules'), Path('tests/examples')]\n"
        "book, problems, beside = compile_and_name(paths)\n"
        "known = {str(file.resolve()) for files in files_of(paths) for file in files}\n"
        "known |= {str(Path(file).resolve()) for file in beside}\n"
        "print('\\n'.join(sorted({str(Path(file).resolve()) for file in opened} - known)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    others = [line for line in done.stdout.splitlines() if not line.endswith((".py", ".pyc"))]
    assert [] == [line for line in others if "tzdata" not in line]


def test_the_shipped_rules_are_found_as_they_were_compiled(tmp_path: Path) -> None:
    """In a process of its own each: cold, warm, and without a cache."""
    code = (
        "import sys, time; from engine.cache.compiled import book_and_problems; "
        "from engine.cache.packed import pack; from engine.compiler.book import RateBook; "
        "from hashlib import sha256; book, problems = book_and_problems(['rules', 'benchmarks/rules']); "
        "assert not problems; print(book.hash, sha256(pack(book, RateBook)).hexdigest(), "
        "'engine.compiler.compile' in sys.modules)"
    )

    def run(where: str) -> list[str]:
        environment = {**os.environ, "DIANJIA_CACHE": where}
        return subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
        ).stdout.split()

    off, cold, warm = run("off"), run(str(tmp_path / "cache")), run(str(tmp_path / "cache"))

    assert off == cold
    assert [*off[:2], "False"] == warm
