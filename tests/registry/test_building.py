"""Compiling files that are bytes, in a real child process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from datetime import date
from io import BytesIO
from pathlib import Path

import openpyxl
import pytest

from engine.cache import compiled as cache
from engine.cache.packed import pack
from engine.calendars.days import day_number
from engine.compiler.book import RateBook
from engine.compiler.compile import compile_paths
from engine.language.problems import ProblemsFound, headline
from engine.registry.building import Builder, Built
from engine.registry.content import read_folder
from engine.registry.coverage import covered
from tests.registry.books import book, build_in_process, home

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture(scope="module")
def files() -> Mapping[str, bytes]:
    """The shipped rate book."""
    return read_folder(ROOT / "rules")


@pytest.fixture(scope="module")
def shipped(files: Mapping[str, bytes]) -> Built:
    """What a child process makes of it."""
    return Builder()(files)


def test_the_shipped_rate_book_comes_back_from_the_child_as_it_is_compiled_here(
    shipped: Built, files: Mapping[str, bytes]
) -> None:
    """Programs, constants, places and tests: the whole value, after it went through a pipe."""
    here = build_in_process(files)

    assert () == shipped.problems
    assert here == shipped


def test_every_rule_set_of_the_folder_is_built_and_every_test_is_run(shipped: Built) -> None:
    """The same rule sets with the same content as `dianjia` compiles from the folder."""
    book_of_folder = compile_paths([ROOT / "rules"])

    assert book_of_folder.hash == shipped.book.hash
    assert book_of_folder.rulesets.keys() == shipped.book.rulesets.keys()
    of_bills = sum(len(one.tests) for one in book_of_folder.rulesets.values())
    of_advice = sum(len(one.tests) for several in book_of_folder.advice.values() for one in several)
    assert of_bills + len(book_of_folder.watch.tests) + of_advice == shipped.tests


def test_places_and_files_are_paths_inside_the_rate_book(shipped: Built, files: Mapping[str, bytes]) -> None:
    """Nothing says in which folder they were compiled."""
    jiangsu = shipped.book.rulesets["cn.jiangsu.residential"]
    named = {file for one in shipped.book.rulesets.values() for file in one.files}

    assert "cn/jiangsu/residential.ruleset.yaml" == jiangsu.place.file
    assert named <= files.keys()


def test_coverage_ends_where_the_prices_end(shipped: Built) -> None:
    """Hubei's agency prices are there for January 2026 alone, while its rule set stays in force."""
    january = (day_number(date(2026, 1, 1)), day_number(date(2026, 2, 1)))

    found = covered([shipped.book.rulesets["cn.hubei.industry_commerce"]])

    assert {"cn.hubei.industry_commerce": (january,)} == found


def test_a_test_that_does_not_hold_is_a_problem_with_its_place() -> None:
    """In both languages, with what came and what was expected."""
    files = {"cn/home.ruleset.yaml": home(price="0.5283", total="52.84")}

    built = Builder()(files)

    (found,) = built.problems
    assert (
        "cn/home.ruleset.yaml:16:5: test-fails: the test `100 千瓦时` of `cn.test.home` does not hold: "
        "energy is 52.83, expected 52.84; total is 52.83, expected 52.84" == str(found)
    )
    assert (
        "`cn.test.home` 的测试 `100 千瓦时` 未通过：energy 为 52.83，应为 52.84；total 为 52.83，应为 52.84"
        == headline(found, "zh")
    )


def test_tests_are_not_run_again_for_a_version_that_was_published() -> None:
    """Whoever loads a version for billing asks for no tests."""
    files = {"home.ruleset.yaml": home(total="52.84")}

    built = Builder()(files, tests=False)

    assert ((), 0, ["cn.test.home"]) == (built.problems, built.tests, list(built.book.rulesets))


def test_problems_of_the_rules_come_with_their_lines_and_the_rest_is_compiled() -> None:
    """All problems at once."""
    files = book(bad=b"ruleset: cn.test.bad\nprcie: 1\n", worse=b"\xff")

    built = Builder()(files)

    assert {"bad.ruleset.yaml", "worse.ruleset.yaml"} == {one.place.file for one in built.problems if one.place}
    assert ["cn.test.home"] == list(built.book.rulesets)


@pytest.mark.parametrize("path", ["../../../etc/passwd", "/etc/passwd", "../..", "x/../../../x.csv"])
@pytest.mark.parametrize("key", ["file", '"\\x66ile"'])
def test_a_rate_book_reads_no_file_outside(path: str, key: str) -> None:
    """A test's list would show the first line of any file of the machine in a message."""
    reads = home().decode().replace("given: {kwh: 100}", f"given: {{kwh: {{{key}: {path}}}}}")

    built = build_in_process({"cn/home.ruleset.yaml": reads.encode()})

    (found,) = built.problems
    assert found.place is not None
    assert ("bad-path", path, "cn/home.ruleset.yaml") == (found.code, found.parameters["path"], found.place.file)
    assert {} == built.book.rulesets


def test_a_file_beside_another_folder_of_the_rate_book_is_inside() -> None:
    """`..` that stays inside is no way out."""
    reads = home().decode().replace("given: {kwh: 100}", "given: {kwh: {file: ../tables/x.csv}}")

    built = build_in_process({"cn/home.ruleset.yaml": reads.encode(), "tables/x.csv": b"a\n1\n"})

    assert "bad-path" not in {one.code for one in built.problems}


def test_a_rate_book_that_takes_too_long_is_given_up() -> None:
    """The child is ended, its folder goes, and the builder builds the next one."""
    builder = Builder(seconds_max=0.05)

    with pytest.raises(ProblemsFound) as found:
        builder(book())

    assert [("compile-too-long", {"seconds": "1"})] == [(one.code, one.parameters) for one in found.value.problems]


def test_a_rate_book_that_takes_too_much_memory_is_given_up() -> None:
    """One cell at the far end of a sheet: five kilobytes, of which a reader makes a hundred million cells."""
    workbook, written = openpyxl.Workbook(), BytesIO()
    sheet = workbook.create_sheet(index=0)
    sheet.cell(200_000, 500).value = 1
    workbook.save(written)
    reads = (
        "tables:\n  p: {unit: CNY/kWh, places: 4, keys: [voltage], columns: [flat], file: prices.xlsx, sheet: Sheet1}\n"
    )
    files = {"home.ruleset.yaml": home() + reads.encode(), "prices.xlsx": written.getvalue()}

    with pytest.raises(ProblemsFound) as found:
        Builder(memory_mib_max=500)(files)

    assert [("compile-too-large", {"mebibytes": "500"})] == [(one.code, one.parameters) for one in found.value.problems]


def test_a_child_whose_parent_is_gone_ends_by_itself() -> None:
    """Nobody else would end it, whatever it compiles."""
    child = "import sys, time; from engine.registry import child; child._SECONDS_BEYOND = 0; "
    endless = "child.build_here = lambda tests: time.sleep(60); sys.argv = ['', '1', '4096']; child.main()"

    ended = subprocess.run([sys.executable, "-c", child + endless], cwd=ROOT, timeout=30, check=False)

    assert -signal.SIGALRM == ended.returncode


def test_what_answers_next_does_not_stand_behind_callers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Callers have as many rate books tested as are compiled at once, for as long as they may."""
    builder, ended, busy = Builder(at_once=1), threading.Event(), threading.Event()

    def run(_: Builder, __: Path, tests: bool) -> bytes:
        if tests:
            busy.set()
            ended.wait(30)
        return pack(Built(RateBook({}), (), 0), Built)

    monkeypatch.setattr(Builder, "_run", run)
    caller = threading.Thread(target=builder, args=(book(),))
    caller.start()
    busy.wait(30)

    next_one = threading.Thread(target=builder, args=(book(), False))
    next_one.start()
    next_one.join(10)
    waits = next_one.is_alive()
    ended.set()
    caller.join()
    next_one.join()

    assert not waits


def test_files_that_are_no_rate_book_start_no_child() -> None:
    """They are refused before anything is written."""
    codes = []
    for files in ({}, {"../x.yaml": b""}):
        with pytest.raises(ProblemsFound) as found:
            Builder()(files)
        codes += [one.code for one in found.value.problems]

    assert ["rate-book-empty", "bad-path"] == codes


def test_compiling_leaves_this_process_where_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Its current folder stays, nothing is left behind, and a module there is not what the child imports."""
    (tmp_path / "engine.py").write_text("raise SystemExit('not this one')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(sys, "path", ["", *sys.path])

    built = Builder()(book())

    assert ["cn.test.home"] == list(built.book.rulesets)
    assert str(tmp_path) == os.getcwd()  # noqa: PTH109  # the very thing that is looked at
    assert ["engine.py"] == [path.name for path in tmp_path.iterdir()]


class TestKept:
    """What is loaded to answer is kept on the disk; what is sent to be tried is not."""

    @pytest.fixture
    def children(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[bool]:
        """A cache, and which child processes are started: with tests, or without."""
        started: list[bool] = []
        really = Builder._run

        def run(builder: Builder, folder: Path, tests: bool) -> bytes:
            started.append(tests)
            return really(builder, folder, tests)

        monkeypatch.setenv("DIANJIA_CACHE", str(tmp_path))
        monkeypatch.setattr(Builder, "_run", run)
        monkeypatch.setattr(cache, "_engine", lambda rooms: " ".join(rooms))
        return started

    def test_a_version_is_compiled_once(self, children: list[bool]) -> None:
        """The next server has it without a child; another version is another."""
        first, again = Builder()(book(), tests=False), Builder()(book(), tests=False)
        other = Builder()(book(price="0.5284"), tests=False)

        assert first == again
        assert first != other
        assert [False, False] == children

    def test_what_is_tried_is_compiled_each_time(self, children: list[bool], tmp_path: Path) -> None:
        """Whoever may call a server fills no disk of it, and the tests of a version that is published do run."""
        Builder()(book(), tests=True)
        Builder()(book(), tests=True)

        assert [True, True] == children
        assert [] == list(tmp_path.iterdir())

    def test_what_does_not_compile_is_not_kept(self, children: list[bool]) -> None:
        files = book(bad=b"ruleset: cn.test.bad\nprcie: 1\n")
        built = [Builder()(files, tests=False) for _ in range(2)]

        assert built[0] == built[1]
        assert built[0].problems
        assert [False, False] == children

    def test_a_damaged_entry_is_compiled_again(self, children: list[bool], tmp_path: Path) -> None:
        first = Builder()(book(), tests=False)
        (entry,) = (tmp_path / cache.KIND).glob("*.entry")
        entry.write_bytes(entry.read_bytes()[:-1])

        assert first == Builder()(book(), tests=False)
        assert [False, False] == children

    def test_an_engine_that_is_not_known_keeps_nothing(
        self, children: list[bool], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        """A server whose sources were replaced goes on with a child each time."""
        monkeypatch.setattr(cache, "_engine", lambda rooms: None)
        Builder()(book(), tests=False)
        Builder()(book(), tests=False)

        assert [False, False] == children
        assert [] == list(tmp_path.iterdir())
