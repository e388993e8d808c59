"""The folder of a run's results: made free for them, marked as this run's, and tidied of what was cut short.

OUTPUT/bills  refused  warnings  lines/STRUCTURE       results
OUTPUT/summary.json                                    of a run that is finished
OUTPUT/_run                                            what the run needs besides: rate book, copy of the input, lock
"""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

from engine.bulk.partitions import FORMATS
from engine.bulk.problems import FileProblem
from engine.bulk.profiles import PROFILES
from engine.bulk.sinks import FOLDER, OVER_TIME, OWNER, PARTIAL, SUMMARY, TABLES, owner_of, sync, writing
from engine.runs.staging import STAGING
from engine.runs.stored import FETCHED, JOINED

HISTORY: Final = "history"
COPIES: Final = (STAGING, JOINED, FETCHED, HISTORY)  # folders below FOLDER, of what was copied of the input


def is_folder(output: str) -> bool:
    """Whether results go to files of a folder."""
    return "://" not in output and not output.startswith("delta:")


def refuse_results(output: str) -> None:
    """Refuse a folder that holds results of an earlier run.

    Raises:
        FileProblem: it does.
    """
    for file in _earlier(Path(output)) if is_folder(output) else ():
        raise FileProblem("output-not-empty", output, found=file.relative_to(output).as_posix())


def clear(output: str) -> None:
    """Take away the results of an earlier run; the folder must be another's by then, so that it cannot go on.

    Raises:
        FileProblem: they cannot be.
    """
    if not is_folder(output):
        return
    folder = Path(output)
    with writing(folder):
        # The summary goes first: wherever this is cut short, no summary speaks for files that are gone.
        for file in _earlier(folder):
            file.unlink(missing_ok=True)
        for name in COPIES:
            shutil.rmtree(folder / FOLDER / name, ignore_errors=True)


def take_strays(output: str, known: Collection[str]) -> None:
    """Take away result files without the ledger's word: of attempts that ended before it, or outlived a driver.

    Args:
        output: of the run.
        known: names of files that the ledger has as done.

    Raises:
        FileProblem: they cannot be.
    """
    if is_folder(output):
        folder = Path(output)
        with writing(folder):
            for file in result_files(folder):
                if file.relative_to(folder).as_posix() not in known:
                    file.unlink(missing_ok=True)


def _earlier(folder: Path) -> list[Path]:
    found = [folder / SUMMARY, *result_files(folder), *(folder / FOLDER).glob("book-*")]
    return [file for file in found if file.exists()]


def result_files(folder: Path) -> list[Path]:
    """The files that a reader of the folder takes for results of its run."""
    return [file for one in _result_folders(folder) for file in _results(one)]


def own(folder: Path, run: str) -> None:
    """Say in a run's folder whose it is."""
    with writing(folder):
        partial = folder / (OWNER + PARTIAL)
        partial.write_text(run + "\n", encoding="utf-8")
        sync(partial)
        partial.replace(folder / OWNER)
        sync(folder)


def refuse_replaced(folder: Path, run: str) -> None:
    """Refuse to write into a folder that another run has taken since.

    Raises:
        FileProblem: it has.
    """
    other = owner_of(folder)
    if other and other != run:
        raise FileProblem("run-replaced", run, folder=folder.parent, other=other)


def sweep(output: str) -> None:
    """Take away what attempts left that did not end: this is the one driver, so they are nobody's."""
    if is_folder(output):
        summary = Path(output) / (SUMMARY + PARTIAL)
        for file in (summary, *(one for of in _result_folders(Path(output)) for one in of.glob(f"*{PARTIAL}"))):
            with suppress(OSError):
                file.unlink()


def tidy(output: str, folder: Path) -> None:
    """Take away what planning left; folders that hold something else stay."""
    shutil.rmtree(folder, ignore_errors=True)
    if is_folder(output):
        with suppress(OSError):
            Path(output).rmdir()


def _result_folders(folder: Path) -> Iterable[Path]:
    yield from (folder / name for name in (*TABLES, PROFILES, *OVER_TIME))
    if (folder / "lines").is_dir():
        yield from sorted(one for one in (folder / "lines").iterdir() if one.is_dir())


def _results(folder: Path) -> Iterable[Path]:
    return (file for format_ in FORMATS for file in sorted(folder.glob(f"*.{format_}")))
