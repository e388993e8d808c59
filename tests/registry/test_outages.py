"""A database that is not there, that goes and comes back, or that another release has made."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

import pytest
from sqlalchemy import MetaData, text

from engine.language.problems import ProblemsFound
from engine.registry.database import Database, layout_of
from engine.registry.registry import Registry
from engine.registry.tables import LAYOUT, METADATA
from engine.runs.adjustment_tables import ADJUSTMENT
from engine.runs.queue_tables import RECALCULATION
from engine.runs.tables import METADATA as RUNS
from engine.warnings.tables import METADATA as WARNINGS
from engine.warnings.webhook_tables import WEBHOOK_MESSAGE
from tests.postgresql import Cluster
from tests.registry.books import NOON, Clock, book, build_in_process
from tests.registry.office import Office, codes


def test_a_postgresql_that_stops_and_starts_is_there_again(
    own_postgresql: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    """The same registry object: every kind of call is refused meanwhile, and goes on afterwards with what there was."""
    registry = Registry(own_postgresql.create_database(), Clock(), build_in_process)
    office = Office(registry)
    record = office.activate(office.approved())

    own_postgresql.stop()
    with caplog.at_level(logging.WARNING, "dianjia.registry"):
        refused = codes(registry.schedule) + codes(lambda: office.publish("0.6000"))
        refused += codes(lambda: registry.note_use("v", "", {24300: 1}, NOON)) + codes(registry.history)
    own_postgresql.start()

    assert ["registry-unavailable"] * 4 == refused
    assert record.version == registry.schedule().active(NOON)
    assert office.publish("0.6000") == registry.records(1)[0]
    assert registry.chain_holds()
    assert ["the registry's database does not answer"] == [one.getMessage()[:39] for one in caplog.records]
    registry.close()


def test_a_registry_may_be_made_before_its_postgresql_answers(own_postgresql: Cluster) -> None:
    """Nothing is opened before it is used, and nothing is given up for good."""
    url = own_postgresql.create_database()
    own_postgresql.stop()
    registry = Registry(url, Clock(), build_in_process)
    refused = codes(registry.open)

    own_postgresql.start()

    assert ["registry-unavailable"] == refused
    assert [] == registry.records()
    registry.close()


def test_a_file_that_is_gone_is_not_made_anew(tmp_path: Path) -> None:
    """Whoever moved it away finds it as it was when it is back, and nothing was written elsewhere meanwhile."""
    file, elsewhere = tmp_path / "registry.sqlite", tmp_path / "elsewhere.sqlite"
    registry = Registry(f"sqlite:///{file}", Clock(), build_in_process)
    record = Office(registry).publish()
    file.rename(elsewhere)

    refused = codes(registry.schedule) + codes(lambda: registry.note_use("v", "", {24300: 1}, NOON))

    assert ["registry-unavailable"] * 2 == refused
    assert not file.exists()
    elsewhere.rename(file)
    assert [record] == registry.records()


def test_a_file_that_is_no_database_is_not_written_over(tmp_path: Path) -> None:
    """It is somebody's, and stays."""
    file = tmp_path / "registry.sqlite"
    file.write_bytes(b"minutes of the meeting of 1 March, and much else\n" * 100)

    refused = codes(Registry(f"sqlite:///{file}").open)

    assert ["registry-unavailable"] == refused
    assert file.read_bytes().startswith(b"minutes of the meeting")


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    """A file stands where the folder should be."""
    (tmp_path / "state").write_bytes(b"")

    refused = codes(Registry(f"sqlite:///{tmp_path / 'state' / 'registry.sqlite'}").open)

    assert ["registry-unavailable"] == refused


def test_a_later_layout_is_left_alone(database_url: str) -> None:
    """This release does not know what its tables mean."""
    database, registry = Database(database_url), Registry(database_url)
    with database.writing() as connection:
        connection.execute(text("UPDATE registry_layout SET version_num = '9001'"))
    database.close()

    with pytest.raises(ProblemsFound) as found:
        registry.records()

    registry.close()
    assert [("registry-newer", {"found": "9001"})] == [(one.code, one.parameters) for one in found.value.problems]


def test_the_migrations_make_the_tables_that_are_read(database_url: str) -> None:
    """Columns, types, keys and indexes, as Alembic compares them; and the last one is this release's layout."""
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    database = Database(database_url)
    database.open()

    with database.reading() as connection:
        options = {"compare_type": True, "version_table": "registry_layout"}
        differences = compare_metadata(MigrationContext.configure(connection, opts=options), _all_tables())
        found = layout_of(connection)

    database.close()
    assert [] == differences
    assert LAYOUT == found


def _all_tables() -> MetaData:
    """The registry's, those of runs and those of warnings, which one chain of migrations makes."""
    assert ADJUSTMENT.metadata is RECALCULATION.metadata is RUNS, "tables of another place would not be compared"
    assert WEBHOOK_MESSAGE.metadata is WARNINGS, "likewise"
    found = MetaData()
    for table in (*METADATA.sorted_tables, *RUNS.sorted_tables, *WARNINGS.sorted_tables):
        table.to_metadata(found)
    return found


def test_threads_open_one_registry_at_once(database_url: str) -> None:
    """Several objects on one database, in one process: Alembic runs once at a time."""
    registries = [Registry(database_url) for _ in range(8)]
    failed: list[BaseException] = []

    def open_(registry: Registry) -> None:
        try:
            registry.open()
        except BaseException as error:  # noqa: BLE001  # whatever happens in a thread is told below
            failed.append(error)

    threads = [threading.Thread(target=open_, args=[registry]) for registry in registries]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [] == failed
    assert all([] == registry.records() for registry in registries)
    for registry in registries:
        registry.close()


def test_a_migration_that_fails_leaves_nothing(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of it or none: whoever comes next begins where it began."""
    database = Database(database_url)
    monkeypatch.setattr("alembic.command.upgrade", _half_way)
    with pytest.raises(RuntimeError, match="half way"):
        database.open()
    monkeypatch.undo()

    database.open()

    with database.reading() as connection:
        assert LAYOUT == layout_of(connection)
    database.close()


def _half_way(config: object, _revision: str) -> None:
    connection = config.attributes["connection"]  # type: ignore[attr-defined]  # Alembic's
    connection.execute(text("CREATE TABLE version (version TEXT)"))
    raise RuntimeError("half way")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("registry.sqlite", "`registry.sqlite` is no URL of a database"),
        ("sqlite://", "`sqlite://` names no file"),
        ("sqlite:///:memory:", "`sqlite:///%3Amemory%3A` names no file"),
        ("mysql://li:secret@host/db", "`mysql://li:***@host/db` is of mysql"),
    ],
)
def test_a_url_that_cannot_be_a_registry_is_told_at_once(url: str, said: str) -> None:
    """Without its password."""
    with pytest.raises(ValueError) as found:
        Registry(url)

    assert said in str(found.value)


def test_a_relative_file_is_meant_where_the_registry_was_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not where the process goes later."""
    monkeypatch.chdir(tmp_path)
    registry = Registry("sqlite:///state/my registry%.sqlite", Clock(), build_in_process)
    (tmp_path / "later").mkdir()
    monkeypatch.chdir(tmp_path / "later")

    registry.publish(book(), who="Li", why="", request_id="1")

    assert (tmp_path / "state" / "my registry%.sqlite").exists()
