"""`dianjia cache`, and that commands say and bill the same with a cache and without."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from engine.cache import compiled as cache
from engine.cache.store import TAG, keep_entry
from engine.cli import main
from engine.commands.cache import KINDS
from engine.evaluator import native
from tests.bulk.book import HOME_YAML, SHOP_YAML

BILL = ("bill", "cn.test.home", "--period", "2026-01", "--set", "kwh=100", "--set", "household_size=3")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with `rules`, as the current one, and a cache in which anything is kept."""
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "home.ruleset.yaml").write_text(HOME_YAML, encoding="utf-8")
    (tmp_path / "rules" / "shop.ruleset.yaml").write_text(SHOP_YAML, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DIANJIA_LANGUAGE", raising=False)
    monkeypatch.setenv("DIANJIA_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(cache, "SECONDS_MIN", 0.0)
    monkeypatch.setattr(cache, "_engine", lambda rooms: "the engine of this test")
    return tmp_path


def dianjia(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments), catch_exceptions=False)


@pytest.mark.parametrize(
    "arguments",
    [
        ("check",),
        ("check", "--format", "json"),
        ("test",),
        ("test", "--random", "20"),
        BILL,
        ("explain", *BILL[1:]),
        ("list", "--format", "json"),
        ("due", "--on", "2026-01-01"),
        ("bill", "cn.test.hoem", *BILL[2:]),
    ],
)
def test_commands_say_the_same_with_a_cache(
    arguments: tuple[str, ...], here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cold, warm, and without one."""
    told = [dianjia(*arguments) for _ in range(2)]
    monkeypatch.setenv("DIANJIA_CACHE", "off")
    told.append(dianjia(*arguments))

    assert 2 == len(list((here / "cache" / cache.KIND).glob("*.entry")))
    assert 1 == len({(one.exit_code, one.stdout, one.stderr) for one in told})


def test_what_it_holds(here: Path) -> None:
    dianjia("check")
    size = sum(file.stat().st_size for file in (here / "cache" / cache.KIND).glob("*.entry"))

    told, told_zh, for_program = (dianjia("cache", *more) for more in ((), ("--language", "zh"), ("--format", "json")))

    assert ["kind", "files", "size"] == told.stdout.splitlines()[2].split()
    assert [cache.KIND, "2", f"{size / 1e3:.1f}", "kB"] == told.stdout.splitlines()[4].split()
    assert ["类别", "文件数", "大小"] == told_zh.stdout.splitlines()[2].split()
    assert {
        "path": str(here / "cache"),
        "used": True,
        "reason": None,
        "entries": 2,
        "bytes": size,
        "kinds": [{"name": cache.KIND, "entries": 2, "bytes": size}],
        "cleared": False,
    } == json.loads(for_program.stdout)


def test_deleting_it(here: Path) -> None:
    dianjia("check")

    deleted, empty, empty_zh = dianjia("cache", "--clear"), dianjia("cache"), dianjia("cache", "--language", "zh")

    assert deleted.stdout.startswith(f"{here / 'cache'}: 2 files, ")
    assert deleted.stdout.endswith("B, deleted\n")
    assert f"{here / 'cache'}: empty\n" == empty.stdout
    assert f"{here / 'cache'}：空\n" == empty_zh.stdout
    assert [] == list((here / "cache").iterdir())


def test_deleting_it_in_chinese(here: Path) -> None:
    keep_entry("made", "ab" * 32, b"x" * 200_000)

    assert "：已删除 1 个文件，0.2 MB\n" in dianjia("cache", "--clear", "--language", "zh").stdout


@pytest.mark.parametrize("way", ["open", "foreign"])
def test_a_cache_that_is_not_safe_is_not_used_and_said_once(
    way: str, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On standard error, so that what a program reads stays as it is."""
    (here / "cache").mkdir(mode=0o700)
    if way == "open":
        (here / "cache").chmod(0o777)
    elif os.geteuid() == 0:
        os.chown(here / "cache", 12345, 12345)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: 12345)

    told, told_zh = dianjia("check"), dianjia("check", "--language", "zh")
    shown = dianjia("cache")

    why = "others may write to it" if way == "open" else "it belongs to another user"
    assert "2 rule sets of 2 files: no problem\n" == told.stdout
    assert f"dianjia: the cache {here / 'cache'} is not used: {why}" in told.stderr
    assert 1 == told.stderr.count("is not used")
    assert f"dianjia: 不使用缓存 {here / 'cache'}：" in told_zh.stderr
    assert why in shown.stdout
    assert [] == list((here / "cache").iterdir())


def test_a_cache_that_cannot_be_made_is_none(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A home that may only be read costs time, and not a word."""
    monkeypatch.setenv("DIANJIA_CACHE", str(here / "rules" / "home.ruleset.yaml" / "cache"))

    told = dianjia("check")

    assert (0, "") == (told.exit_code, told.stderr)
    assert "cannot be made" in dianjia("cache").stdout


@pytest.mark.parametrize("off", ["off", "OFF"])
def test_no_cache_is_wanted(off: str, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIANJIA_CACHE", off)

    assert "the cache is not used: DIANJIA_CACHE says `off`.\n" == dianjia("cache").stdout


def test_a_folder_that_is_not_the_caches_is_left_alone_and_said(here: Path) -> None:
    """The tag is gone, or the folder is somebody's own: nothing is kept there, so every command compiles."""
    dianjia("check")
    (here / "cache" / cache.KIND / TAG).write_text("cut off")

    told, told_zh = dianjia("cache"), dianjia("cache", "--clear", "--language", "zh")

    assert f"{here / 'cache' / cache.KIND} is left alone, and nothing is kept there: it lacks" in told.stdout
    assert "不予使用" in told_zh.stdout
    assert list((here / "cache" / cache.KIND).glob("*.entry"))


def test_the_kinds_that_it_knows() -> None:
    assert (cache.KIND, native.KIND) == KINDS
    assert "不使用缓存：DIANJIA_CACHE 设为 `off`。\n" == dianjia("cache", "--language", "zh").stdout
