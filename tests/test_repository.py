"""House rules that a machine can check: what may stand in the repository, and how the code may be written."""

from __future__ import annotations

import ast
import re
import stat
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.documents import ROOT, pages, without_blocks

CORE = ("language", "calendars", "charges", "compiler", "evaluator")
TEXT = {".py", ".md", ".toml", ".yaml", ".yml", ".json", ".csv", ".lock", ".txt", ".cfg", ""}
BAD_EXAMPLES = ("tests/bad/",)  # files that are wrong on purpose: tabs, other encodings, missing newlines

# Put together here so that this file does not contain what it looks for.
NOTES_TO_SELF = re.compile(r"\b(?:" + "|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK")) + r")\b")
MACHINE_PATHS = re.compile(
    r"(?<![\w.])/(?:" + "|".join(("wo" + "rk", "ho" + "me", "ro" + "ot", "Us" + "ers")) + r")/|\.\./sha" + "red"
)
REGISTRY_HOSTS = re.compile(r"py" + r"pi\.|pytho" + r"nhosted|npm" + r"js|deb\.deb" + r"ian", re.IGNORECASE)
TRACKER = re.compile(r"\b[Ii]ss" + r"ue #?\d")
CONFLICT = re.compile(r"^(?:<{7}|>{7}|={7})(?: |$)", re.MULTILINE)


def _files() -> list[Path]:
    """Return what is committed or would be: git's list where there is git, else every file that is not made."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode == 0 and listed.stdout:
        return sorted({ROOT / name for name in listed.stdout.splitlines() if (ROOT / name).is_file()})
    made = {".venv", ".git", "build", "dist", "__pycache__"}
    return sorted(p for p in ROOT.rglob("*") if p.is_file() and not made & set(p.relative_to(ROOT).parts))


FILES = _files()
SOURCES = [p for p in FILES if p.suffix == ".py"]
ENGINE = [p for p in SOURCES if p.is_relative_to(ROOT / "engine")]
IN_CORE = [p for p in ENGINE if p.relative_to(ROOT / "engine").parts[0] in CORE]


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _texts() -> Iterator[tuple[str, str]]:
    for path in FILES:
        if path.suffix in TEXT and not _name(path).startswith(BAD_EXAMPLES):
            yield _name(path), path.read_text(encoding="utf-8")


def _found(pattern: re.Pattern[str], exempt: tuple[str, ...] = ()) -> list[str]:
    """Return `file:line: what was found` for each match in the repository's text."""
    return [
        f"{name}:{text.count(chr(10), 0, m.start()) + 1}: {m[0]}"
        for name, text in _texts()
        if not name.startswith(exempt)
        for m in pattern.finditer(text)
    ]


def _trees(paths: list[Path]) -> Iterator[tuple[str, ast.Module]]:
    for path in paths:
        yield _name(path), ast.parse(path.read_text(encoding="utf-8"))


def _imports(tree: ast.AST) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return found


def test_top_level_is_the_agreed_one() -> None:
    """Nothing lies about at the top of the repository."""
    agreed = {
        ".ci",
        ".editorconfig",
        ".gitignore",
        "CHANGELOG.md",
        "LICENSE",
        "Makefile",
        "README.md",
        "README.zh-CN.md",
    }
    agreed |= {"benchmarks", "docs", "engine", "proto", "rules", "tests"}
    agreed |= {"pyproject.toml", "requirements.lock", "server.py"}

    assert {path.relative_to(ROOT).parts[0] for path in FILES} - agreed == set()


def test_no_notes_to_self() -> None:
    assert _found(NOTES_TO_SELF) == []


def test_no_paths_of_somebodys_machine() -> None:
    assert _found(MACHINE_PATHS) == []


def test_no_registry_is_named() -> None:
    """Where packages come from is the machine's business: pip's own settings say it."""
    assert _found(REGISTRY_HOSTS) == []


def test_the_repository_speaks_of_itself_alone() -> None:
    """No numbers of a tracker that a reader of the repository does not have."""
    assert _found(TRACKER, exempt=("tests/data/", "LICENSE")) == []


def test_no_conflict_marks() -> None:
    assert _found(CONFLICT) == []


def test_text_is_tidy() -> None:
    """UTF-8 without a byte-order mark, one newline at the end, no blanks at line ends, tabs in the Makefile alone."""
    untidy = []
    for name, text in _texts():
        if text.startswith("\ufeff") or "\r" in text:
            untidy.append(f"{name}: a byte-order mark or a carriage return")
        if text and (not text.endswith("\n") or text.endswith("\n\n")):
            untidy.append(f"{name}: does not end in one newline")
        untidy += [
            f"{name}:{number}: blanks at the end, or a tab"
            for number, line in enumerate(text.splitlines(), 1)
            if line != line.rstrip() or ("\t" in line and name != "Makefile")
        ]

    assert untidy == []


def test_lines_of_prose_are_short() -> None:
    """Pages keep to 140 characters a line, tables, lists of links and blocks apart; ruff sees to the code."""
    long = [
        f"{_name(page)}:{number}: {len(line)} characters"
        for page in pages()
        for number, line in enumerate(without_blocks(page).splitlines(), 1)
        if len(line) > 140 and not line.lstrip().startswith(("|", "- [")) and "://" not in line
    ]

    assert long == []


def test_no_large_files() -> None:
    assert [_name(p) for p in FILES if p.stat().st_size > 1_000_000] == []


def test_scripts_can_be_run() -> None:
    assert (ROOT / ".ci" / "run").stat().st_mode & stat.S_IXUSR


def test_licence_is_apache() -> None:
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")

    assert "Apache License" in text
    assert "Version 2.0, January 2004" in text
    assert "END OF TERMS AND CONDITIONS" in text


def _project() -> dict[str, object]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert isinstance(project, dict)
    return project


def test_changelog_has_this_version() -> None:
    """The newest entry is the version that pyproject names, with rules apart from engine."""
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")

    newest = re.split(r"^## ", text, flags=re.MULTILINE)[1]

    assert newest.startswith(str(_project()["version"]))
    assert re.findall(r"^### (.*)$", newest, re.MULTILINE) == ["Engine", "Rules"]


def test_lock_pins_everything_that_is_asked_for() -> None:
    """Every dependency and extra of pyproject stands in the lock with an exact version."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *(d for extra in project["optional-dependencies"].values() for d in extra)]
    lines = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]

    pinned = {pin.split("==")[0] for pin in pins if re.match(r"[a-z0-9-]+==[\w.]+( ; .*)?$", pin)}

    assert len(pins) >= len(pinned)
    assert all("==" in pin for pin in pins)
    assert {re.split(r"[\[><=]", d)[0].lower().replace("_", "-") for d in wanted} - {"dianjia"} - pinned == set()


def test_no_module_is_called_utils() -> None:
    """A module is named after what it is about."""
    vague = {"utils", "util", "helpers", "common", "misc"}

    assert [_name(p) for p in SOURCES if p.stem in vague or vague & set(p.relative_to(ROOT).parts)] == []


def test_engine_files_are_one_thing_each() -> None:
    """A file of more than 450 lines is seldom one thing; a catalogue of messages is one table."""
    files = [p for p in ENGINE if not p.name.startswith("catalogue")]
    lengths = {_name(p): len(p.read_text(encoding="utf-8").splitlines()) for p in files}

    assert {name: lines for name, lines in lengths.items() if lines > 450} == {}


def test_engine_modules_say_what_they_are_for() -> None:
    assert [name for name, tree in _trees(ENGINE) if tree.body and ast.get_docstring(tree) is None] == []


def test_ignores_have_their_reason() -> None:
    """`noqa` and `type: ignore` name what they ignore, and a reason stands beside them."""
    bare = re.compile(
        r"#\s*type:\s*ignore\b(?!\[[\w, -]+\] +(?:# )?\S)|#\s*noqa\b(?!: [A-Z]+\d+(?:, ?[A-Z]+\d+)* +[^\w\s]? ?\w)"
    )

    assert _found(bare, exempt=("tests/test_repository.py", "docs/", "README", "CHANGELOG")) == []


def test_no_test_is_skipped() -> None:
    """A test that is skipped or expected to fail proves nothing."""
    silenced = re.compile(r"pytest\.(?:mark\.)?(?:skip|xfail)|import" + r"orskip")

    assert _found(silenced, exempt=("tests/test_repository.py", "benchmarks/")) == []


_MUTABLE_CALLS = {"list", "dict", "set", "defaultdict", "deque", "Counter", "OrderedDict", "bytearray"}
_READ_ONLY = ("Mapping[", "Sequence[", "Set[", "AbstractSet[", "Final", "TypeAlias")


def test_engine_has_no_module_level_mutable_state() -> None:
    """A table at module level is annotated with a type that cannot be written to, or `Final`."""
    open_tables = []
    for name, tree in _trees(ENGINE):
        for node in tree.body:
            if not isinstance(node, ast.Assign | ast.AnnAssign) or node.value is None:
                continue
            value = node.value
            mutable = isinstance(value, ast.List | ast.Dict | ast.Set | ast.ListComp | ast.DictComp | ast.SetComp) or (
                isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id in _MUTABLE_CALLS
            )
            annotation = ast.unparse(node.annotation) if isinstance(node, ast.AnnAssign) else ""
            if mutable and not annotation.startswith(_READ_ONLY) and "__all__" not in ast.unparse(node):
                open_tables.append(f"{name}:{node.lineno}: {ast.unparse(node)[:60]}")
        open_tables += [f"{name}:{n.lineno}: global" for n in ast.walk(tree) if isinstance(n, ast.Global)]

    assert open_tables == []


def test_core_has_no_clock_and_no_chance() -> None:
    """Dates are arguments: the same rules and rows give the same bills on any day."""
    clocks = {"today", "now", "utcnow", "time_ns", "perf_counter", "monotonic", "fromtimestamp"}
    used = []
    for name, tree in _trees(IN_CORE):
        used += [
            f"{name}:{node.lineno}: {ast.unparse(node)}"
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute) and (node.attr in clocks or ast.unparse(node) == "time.time")
        ]
        used += [f"{name}: imports {module}" for module in _imports(tree) & {"random", "secrets", "time"}]

    assert used == []


def test_engine_rounds_by_its_own_rules_alone() -> None:
    """float32 is not exact and `numpy.round` rounds binary fractions half to even: neither appears."""
    forbidden = {"np.round", "np.around", "np.float32", "np.float16", "np.single", "np.half", "np.longdouble"}
    used = [
        f"{name}:{node.lineno}: {ast.unparse(node)}"
        for name, tree in _trees(ENGINE)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and ast.unparse(node) in forbidden
    ]

    assert used == []


@pytest.mark.parametrize("heavy", ["openpyxl", "pyarrow", "rich", "click"])
def test_core_imports_nothing_heavy_at_its_top(heavy: str) -> None:
    """openpyxl is imported where an XLSX table is read; the others not at all."""
    at_top = [
        name
        for name, tree in _trees(IN_CORE)
        for node in tree.body
        if isinstance(node, ast.Import | ast.ImportFrom) and heavy in {m.split(".")[0] for m in _imports(node)}
    ]

    assert at_top == []


def test_oracles_import_nothing_from_the_engine() -> None:
    """An oracle that used the engine would agree with its mistakes."""
    oracles = [p for p in SOURCES if p.is_relative_to(ROOT / "tests" / "oracles")]

    guilty = [name for name, tree in _trees(oracles) if any(m.split(".")[0] == "engine" for m in _imports(tree))]

    assert oracles
    assert guilty == []


def test_every_charge_kind_has_an_oracle() -> None:
    """Each kind's file in engine/charges that declares a `kind` has a namesake in tests/oracles."""
    kinds = {
        p.stem
        for p in ENGINE
        if p.parent.name == "charges"
        and re.search(r"^    kind: Literal\[", p.read_text(encoding="utf-8"), re.MULTILINE)
    }
    oracles = {p.stem for p in (ROOT / "tests" / "oracles").glob("*.py")}

    assert kinds - oracles == set()


def test_make_targets_say_what_they_do() -> None:
    """Each target that can be typed has its line in `make help`."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8")

    phony = set(re.findall(r"^\.PHONY: (.*)$", text, re.MULTILINE)[0].split())

    assert phony == set(re.findall(r"^([a-z-]+):.*##", text, re.MULTILINE))
