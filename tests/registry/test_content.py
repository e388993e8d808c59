"""A rate book is named by its content, wherever it lies."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.language.problems import ProblemsFound
from engine.registry.content import BYTES_MAX, changed, check_files, read_folder, version_of


def test_a_version_is_the_hash_that_other_tools_compute() -> None:
    """The expected hash was made with sha256sum, from the description in docs/decisions/0017."""
    files = {"甲/乙.csv": b"", "a b.yaml": b"x"}

    version = version_of(files)

    assert "f4992e58d7c8bb97c4fa4b90573f299fa8a7bec8c0cbc216b8cc9b8ce61107b2" == version


@pytest.mark.parametrize(
    "other",
    [{"a.yaml": b"2", "b.yaml": b"2"}, {"b.yaml": b"1", "a.yaml": b"2"}, {"a.yaml": b"1"}, {"a.yaml\0b.yaml": b"1"}],
    ids=["content", "swapped", "fewer", "joined"],
)
def test_other_content_has_another_name(other: dict[str, bytes]) -> None:
    """Contents, paths and which belongs to which all count."""
    files = {"a.yaml": b"1", "b.yaml": b"2"}

    versions = {version_of(files), version_of(other)}

    assert 2 == len(versions)


def test_a_folder_has_the_files_that_rules_read(tmp_path: Path) -> None:
    """The schema for editors, a workbook's lock file and folders are left out; paths do not say where the folder is."""
    for name in ("b.csv", "a.yaml", "cn/x.yml", "cn/Preise.XLSX", "schema.json", "cn/~$Preise.XLSX", "notes.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
    (tmp_path / "folder.yaml").mkdir()

    files = read_folder(tmp_path)

    assert {name: name.encode() for name in ("a.yaml", "b.csv", "cn/Preise.XLSX", "cn/x.yml")} == files


def test_a_folder_that_is_not_there_is_a_problem(tmp_path: Path) -> None:
    """It is not an empty rate book."""
    with pytest.raises(ProblemsFound) as found:
        read_folder(tmp_path / "ruels")

    assert ["no-such-file"] == [one.code for one in found.value.problems]


@pytest.mark.parametrize(
    "path",
    [
        "/etc/x.yaml",
        "../x.yaml",
        "a/../x.yaml",
        "./x.yaml",
        "a//x.yaml",
        "a\\x.yaml",
        "a\0.yaml",
        "x.json",
        "x",
        "",
        "a/" * 100 + "x.yaml",
        "电" * 84 + ".yaml",  # 257 bytes; no file system takes such a name
        "\udcff.yaml",
        "home.yaml/x.yaml",
    ],
)
def test_a_path_that_is_none_inside_a_rate_book_is_refused(path: str) -> None:
    """Nothing is written outside the folder that is compiled, and each file has one name."""
    with pytest.raises(ProblemsFound) as found:
        check_files({"home.yaml": b"", path: b""})

    assert [("bad-path", path)] == [(one.code, one.parameters["path"]) for one in found.value.problems]


def test_paths_in_any_script_are_taken() -> None:
    """Also dots inside a name, blanks, and an extension in capitals."""
    files = {"cn/江苏/2026.01 价格.yaml": b"", "tables/Prices.XLSX": b"", "..a/b..yml": b"", "c.csv": b""}

    check_files(files)

    assert 4 == len(files)


def test_a_rate_book_is_neither_empty_nor_larger_than_is_published() -> None:
    """The two limits are told with their numbers."""
    problems = []
    for files in ({}, {"a.yaml": bytes(BYTES_MAX), "b.csv": b"1"}):
        with pytest.raises(ProblemsFound) as found:
            check_files(files)
        problems += [(one.code, one.parameters) for one in found.value.problems]

    assert [
        ("rate-book-empty", {}),
        ("rate-book-too-large", {"found": "33554433", "at_most": "33554432"}),
    ] == problems


def test_changed_files_are_those_that_are_new_gone_or_otherwise() -> None:
    """A file that both have alike is not named."""
    before = {"same": "1", "gone": "1", "otherwise": "1"}

    found = changed({"same": "1", "new": "1", "otherwise": "2"}, before)

    assert ("gone", "new", "otherwise") == found
