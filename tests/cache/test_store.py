"""The cache's folder: where it is, when it is not used, and that nothing about it ever fails a command."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from engine.cache import store
from engine.cache.store import (
    cache_directory,
    clear,
    drop_entry,
    find_cache,
    folder_of,
    keep_entry,
    kinds,
    read_entry,
)

KEY = "ab" * 32
OTHER = "cd" * 32


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the cache will be."""
    monkeypatch.setenv("DIANJIA_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def entry(folder: Path, key: str = KEY) -> Path:
    return folder / "made" / f"{key}.entry"


class TestWhere:
    def test_the_variable_names_it(self, tmp_path: Path) -> None:
        found = find_cache({"DIANJIA_CACHE": str(tmp_path / "a"), "XDG_CACHE_HOME": str(tmp_path / "b")})

        assert tmp_path / "a" == found.path

    def test_else_it_stands_with_other_caches(self, tmp_path: Path) -> None:
        found = find_cache({"DIANJIA_CACHE": "", "XDG_CACHE_HOME": str(tmp_path)})

        assert tmp_path / "dianjia" == found.path

    @pytest.mark.parametrize("base", ["", "relative"])
    def test_else_at_home(self, base: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """The XDG specification has relative paths ignored."""
        monkeypatch.setenv("HOME", str(tmp_path))

        assert tmp_path / ".cache" / "dianjia" == find_cache({"XDG_CACHE_HOME": base}).path

    def test_off(self, tmp_path: Path) -> None:
        found = find_cache({"DIANJIA_CACHE": "off", "XDG_CACHE_HOME": str(tmp_path)})

        assert (None, "off") == (found.path, found.refused)
        assert [] == list(tmp_path.iterdir())

    def test_it_is_made_for_its_owner_alone(self, folder: Path) -> None:
        assert folder == cache_directory()
        assert 0o700 == stat.S_IMODE(folder.stat().st_mode)

    @pytest.mark.parametrize("mode", [0o777, 0o770, 0o1777])
    def test_it_is_not_used_where_others_may_write(self, folder: Path, mode: int) -> None:
        folder.mkdir()
        folder.chmod(mode)

        assert "others-may-write" == find_cache().refused
        assert cache_directory() is None
        assert not keep_entry("made", KEY, b"x")

    def test_it_is_not_used_where_it_belongs_to_another_user(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder.mkdir(mode=0o700)
        if os.geteuid() == 0:
            os.chown(folder, 12345, 12345)
        else:
            monkeypatch.setattr(os, "geteuid", lambda: 12345)

        assert "other-owner" == find_cache().refused
        assert (None, False, [], []) == (read_entry("made", KEY), keep_entry("made", KEY, b"x"), kinds(), clear())

    def test_what_root_has_made_may_be_read(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A cache in an image is made when the image is."""
        really = Path.stat

        def of_root(path: Path, *, follow_symlinks: bool = True) -> os.stat_result:
            found = list(really(path, follow_symlinks=follow_symlinks))
            found[stat.ST_UID] = 0
            return os.stat_result(found)

        folder.mkdir(mode=0o755)
        monkeypatch.setattr(Path, "stat", of_root)
        monkeypatch.setattr(os, "geteuid", lambda: 12345)

        assert folder == cache_directory()

    @pytest.mark.parametrize("place", ["file/cache", "file", "a\0b", "x" * 300])
    def test_a_folder_that_cannot_be_made_means_no_cache(self, place: str, tmp_path: Path) -> None:
        """A file in its place, a name that no file system takes; a home that cannot be written is the same."""
        (tmp_path / "file").write_text("")

        found = find_cache({"DIANJIA_CACHE": str(tmp_path / place)})

        assert (None, "not-there") == (found.path, found.refused)


class TestEntries:
    def test_what_is_kept_is_read(self, folder: Path) -> None:
        assert keep_entry("made", KEY, b"first\nsecond")

        assert b"first\nsecond" == read_entry("made", KEY)
        assert None is read_entry("made", OTHER)
        assert None is read_entry("another", KEY)
        assert ["CACHEDIR.TAG", f"{KEY}.entry"] == sorted(one.name for one in (folder / "made").iterdir())

    def test_a_key_is_no_path(self, folder: Path) -> None:
        with pytest.raises(ValueError):
            read_entry("made", "../../etc/passwd")

    @pytest.mark.parametrize("length", [0, 1, 40, 150, 160])
    def test_an_entry_that_was_cut_off_is_taken_away(self, folder: Path, length: int) -> None:
        keep_entry("made", KEY, b"x" * 100)
        whole = entry(folder).read_bytes()
        entry(folder).write_bytes(whole[:length])

        assert None is read_entry("made", KEY)
        assert not entry(folder).exists()

    def test_any_changed_byte_is_found(self, folder: Path) -> None:
        keep_entry("made", KEY, b"123")
        whole = entry(folder).read_bytes()

        for at in range(len(whole)):
            changed = bytearray(whole)
            changed[at] ^= 1
            entry(folder).write_bytes(changed)
            assert None is read_entry("made", KEY), at

    def test_an_entry_under_another_name_is_refused(self, folder: Path) -> None:
        keep_entry("made", KEY, b"123")
        entry(folder).rename(entry(folder, OTHER))

        assert None is read_entry("made", OTHER)

    def test_a_full_disk_leaves_nothing_behind(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def full(path: Path, target: Path) -> Path:
            raise OSError(28, "No space left on device")

        keep_entry("made", OTHER, b"old")
        monkeypatch.setattr(Path, "replace", full)

        assert not keep_entry("made", KEY, b"new")
        assert {"CACHEDIR.TAG", f"{OTHER}.entry"} == {one.name for one in (folder / "made").iterdir()}

    def test_a_folder_that_holds_something_else_is_left_alone(self, folder: Path) -> None:
        """Somebody names the folder of his rules as the cache."""
        (folder / "made").mkdir(parents=True, mode=0o700)
        (folder / "made" / "own.yaml").write_text("mine")
        folder.chmod(0o700)

        assert not keep_entry("made", KEY, b"x")
        assert [] == kinds() == clear()
        assert "mine" == (folder / "made" / "own.yaml").read_text()

    def test_what_was_not_used_for_longest_goes_first(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        keys = [f"{number:064x}" for number in range(4)]
        for at, key in enumerate(keys[:3]):
            keep_entry("made", key, b"x" * 1000)
            os.utime(entry(folder, key), (1000 + at, 1000 + at))
        assert read_entry("made", keys[0]) is not None  # used now
        monkeypatch.setattr(store, "BYTES_MAX", 3500)

        keep_entry("made", keys[3], b"x" * 1000)

        assert [True, False, True, True] == [entry(folder, key).exists() for key in keys]
        assert sum(one.size for one in kinds()) <= 3500

    def test_more_than_all_of_it_is_not_kept(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(store, "BYTES_MAX", 10)

        assert not keep_entry("made", KEY, b"x" * 11)

    def test_files_left_half_written_go_after_an_hour(self, folder: Path) -> None:
        room = folder_of("made")
        assert room is not None
        (room / ".writing-old").write_bytes(b"x")
        (room / ".writing-new").write_bytes(b"x")
        os.utime(room / ".writing-old", (1000, 1000))

        keep_entry("made", KEY, b"x")

        assert [".writing-new"] == [one.name for one in room.iterdir() if one.name.startswith(".")]

    def test_dropping_what_is_not_there_is_nothing(self, folder: Path) -> None:
        drop_entry("made", KEY)


class TestClearing:
    def test_it_says_what_it_deletes(self, folder: Path) -> None:
        keep_entry("made", KEY, b"x")
        other = folder_of("other")
        assert other is not None
        (other / "deeper").mkdir()
        (other / "deeper" / "file").write_bytes(b"123")
        (folder / "not ours").write_text("stays")

        deleted = clear()

        assert [("made", 1), ("other", 1)] == [(one.name, one.entries) for one in deleted]
        assert 3 == deleted[1].size
        assert ["not ours"] == [one.name for one in folder.iterdir()]
        assert [] == kinds()

    def test_it_may_be_deleted_while_it_is_used(self, folder: Path) -> None:
        """A writer and a reader go on; nothing raises, and what is read is whole."""
        ended = threading.Event()
        wrong: list[object] = []

        def work() -> None:
            while not ended.is_set():
                keep_entry("made", KEY, b"x" * 10_000)
                found = read_entry("made", KEY)
                if found not in (None, b"x" * 10_000):
                    wrong.append(found)

        def guarded() -> None:
            try:
                work()
            except BaseException as error:  # noqa: BLE001  # whatever it is, the test has to know
                wrong.append(error)

        threads = [threading.Thread(target=guarded) for _ in range(2)]
        for thread in threads:
            thread.start()
        for _ in range(50):
            clear()
        ended.set()
        for thread in threads:
            thread.join()

        assert [] == wrong


def test_processes_that_write_at_once_leave_one_whole_entry(folder: Path) -> None:
    """Each writes to a file of its own, and the last name wins."""
    code = (
        "import sys; from engine.cache.store import keep_entry, read_entry\n"
        "for _ in range(100):\n"
        "    assert keep_entry('made', sys.argv[1], sys.argv[2].encode() * 50_000)\n"
        "    assert read_entry('made', sys.argv[1]) in (b'a' * 50_000, b'b' * 50_000)\n"
    )
    writers = [subprocess.Popen([sys.executable, "-c", code, KEY, letter]) for letter in "ab"]

    assert [0, 0] == [writer.wait(60) for writer in writers]
    assert read_entry("made", KEY) in (b"a" * 50_000, b"b" * 50_000)
    assert 1 == kinds()[0].entries
