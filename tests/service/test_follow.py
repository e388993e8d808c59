"""What answers follows the registry: a real one, with rate books that are really compiled."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from engine.language.problems import ProblemsFound
from engine.registry.building import Builder, Built
from engine.registry.content import version_of
from engine.registry.registry import Registry
from engine.service.follow import FollowedBooks
from tests.service.rate_books import RULESET, Remembering, activate, activated, approved, home, in_folder, withdraw

NEVER = 3600.0  # between two looks: what the test is about is not left to one
JANUARY = 2026 * 12  # the billing month, as year x 12 + month - 1


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.at = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.at


@dataclass
class Place:
    """A registry in a folder, with a folder of rules beside it."""

    registry: Registry
    file: Path
    folder: Path
    clock: Clock
    build: Builder

    @contextmanager
    def books(
        self, follow_seconds: float = 0.05, folder: bool = True, versions_loaded: int = 4, build: Builder | None = None
    ) -> Iterator[FollowedBooks]:
        found = FollowedBooks(
            Registry(f"sqlite:///{self.file}", self.clock, self.build),
            self.folder if folder else None,
            build or self.build,
            follow_seconds=follow_seconds,
            versions_loaded=versions_loaded,
            clock=self.clock,
        )
        found.start()
        try:
            yield found
        finally:
            found.close()


@pytest.fixture(scope="module")
def build() -> Builder:
    return Remembering()


@pytest.fixture
def place(tmp_path: Path, build: Builder) -> Iterator[Place]:
    file, clock = tmp_path / "registry.sqlite", Clock()
    registry = Registry(f"sqlite:///{file}", clock, build)
    yield Place(registry, file, in_folder(tmp_path / "rules", home()), clock, build)
    registry.close()


def wait_for(what: Callable[[], bool], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, f"it did not come about within {seconds} s"
        time.sleep(0.01)


def ready(books: FollowedBooks, version: str) -> Callable[[], bool]:
    return lambda: version in books.versions


def answers(books: FollowedBooks, version: str) -> Callable[[], bool]:
    return lambda: books.choose().version == version


def codes(call: Callable[[], object]) -> list[str]:
    with pytest.raises(ProblemsFound) as found:
        call()
    return [one.code for one in found.value.problems]


class TestWithoutAnActiveVersion:
    def test_the_folder_answers(self, place: Place) -> None:
        """Nothing is published: the folder answers, under the hash of its content."""
        with place.books() as books:
            chosen = books.choose()

        assert chosen.version == version_of(home())
        assert list(chosen.rulesets) == [RULESET]

    def test_without_a_folder_nothing_answers(self, place: Place) -> None:
        with place.books(folder=False) as books:
            found = codes(books.choose)

        assert found == ["no-version-active"]

    def test_without_a_registry_the_folder_answers(self, place: Place) -> None:
        books = FollowedBooks(None, place.folder, Builder())
        books.start()

        chosen, other = books.choose(), codes(lambda: books.choose("0" * 64))
        books.used(chosen.version, "", {JANUARY: 1})
        books.close()

        assert chosen.version == version_of(home())
        assert other == ["version-not-here"]
        assert books.registry_age_seconds is None

    def test_a_folder_that_does_not_compile_does_not_start(self, place: Place) -> None:
        in_folder(place.folder, home(price="0,50"))

        with pytest.raises(ProblemsFound) as found, place.books():
            pass

        assert "decimal-comma" in [one.code for one in found.value.problems]

    def test_an_active_version_needs_no_folder_that_compiles(self, place: Place) -> None:
        version = activated(place.registry, home("0.60"))
        in_folder(place.folder, home(price="0,50"))

        with place.books() as books:
            chosen = books.choose()

        assert chosen.version == version


class TestActivation:
    def test_is_followed(self, place: Place) -> None:
        """The version before it answers until the new one is compiled, then the new one; nobody waits."""
        with place.books() as books:
            before = books.choose().version
            version = activated(place.registry, home("0.60"))
            wait_for(lambda: books.choose().version != before)

            after = books.choose()

        assert after.version == version
        assert before == version_of(home())

    def test_takes_effect_at_its_instant(self, place: Place) -> None:
        """Not a microsecond before it, and without another look at the registry."""
        first = activated(place.registry, home("0.60"))
        instant = place.clock.at + timedelta(days=3)
        second = activated(place.registry, home("0.70"), instant)
        with place.books(NEVER) as books:
            wait_for(lambda: second in books.versions)
            place.clock.at = instant - timedelta(microseconds=1)
            before = books.choose().version
            place.clock.at = instant

            after = books.choose().version

        assert (before, after) == (first, second)

    def test_several_instants_follow_one_another(self, place: Place) -> None:
        """Each version is compiled before it is due, so that the clock alone decides."""
        start = place.clock.at
        versions = [activated(place.registry, home(f"0.6{n}"), start + timedelta(days=n)) for n in range(4)]
        answered = []
        with place.books(NEVER) as books:
            for day in range(4):
                wait_for(ready(books, versions[day]))
                place.clock.at = start + timedelta(days=day)
                answered.append(books.choose().version)

        assert answered == versions

    def test_an_approved_version_is_ready_before_anybody_activates_it(self, place: Place) -> None:
        first = activated(place.registry, home("0.60"))
        with place.books() as books:
            second = approved(place.registry, home("0.70"))

            wait_for(lambda: second in books.versions)
            found = books.choose().version

        assert found == first

    def test_a_call_keeps_the_version_that_it_began_with(self, place: Place) -> None:
        """What a call has taken does not change under it, and no reader ever sees parts of two versions."""
        prices = {activated(place.registry, home("0.60")): "0.60"}
        torn: list[str] = []
        done = threading.Event()
        with place.books() as books:

            def read() -> None:
                while not done.wait(0.0001):
                    chosen = books.choose()
                    price = chosen.files["cn/test/home.ruleset.yaml"].decode().split("price: ")[1][:4]
                    compiled = chosen.rulesets[RULESET].constants.figures[0]
                    text = next(figure.text for slot in compiled for figure in slot if figure is not None)
                    if not price == text == prices.get(chosen.version, price):
                        torn.append(f"{chosen.version}: {price} {text}")

            readers = [threading.Thread(target=read) for _ in range(4)]
            for reader in readers:
                reader.start()
            for price in ("0.70", "0.80", "0.61"):
                version = activated(place.registry, home(price))
                prices[version] = price
                wait_for(answers(books, version))
            done.set()
            for reader in readers:
                reader.join()

        assert torn == []
        assert len(prices) == 4

    def test_what_cannot_be_loaded_leaves_the_version_before_it(self, place: Place) -> None:
        """The new version is compiled in no time at all, which is too little: the one before goes on."""
        first = activated(place.registry, home("0.60"))
        slow = Slow()
        with place.books(build=slow) as books:
            slow.builder = Builder(seconds_max=0.001)
            second = activated(place.registry, home("0.70"))
            wait_for(lambda: slow.failed > 0)

            found = books.choose().version
            named = codes(lambda: books.choose(second))

        assert found == first
        assert named == ["compile-too-long"]


class Slow(Builder):
    """A builder whose limit can be changed."""

    def __init__(self) -> None:
        super().__init__()
        self.builder = Builder()
        self.failed = 0

    def __call__(self, files: Mapping[str, bytes], tests: bool = True) -> Built:
        try:
            return self.builder(files, tests)
        except ProblemsFound:
            self.failed += 1
            raise


class TestNamed:
    def test_a_published_version_answers_by_its_hash(self, place: Place) -> None:
        """Also one that nobody has activated: that is how it is compared before it is."""
        version = approved(place.registry, home("0.60"))
        with place.books() as books:
            chosen = books.choose(version)

        assert chosen.version == version

    def test_the_folder_answers_by_its_hash_after_an_activation(self, place: Place) -> None:
        """A stream that began with it can go on."""
        activated(place.registry, home("0.60"))
        with place.books() as books:
            chosen = books.choose(version_of(home()))

        assert chosen.version == version_of(home())

    @pytest.mark.parametrize("named", ["0" * 64, "first 8 digits", "active", "A" * 64, "x" * 5000])
    def test_nothing_else_is_here(self, place: Place, named: str) -> None:
        """A version is named by its whole hash: half of it could one day mean two."""
        version = activated(place.registry, home("0.60"))
        with place.books() as books:
            found = codes(lambda: books.choose(version[:8] if named == "first 8 digits" else named))

        assert found == ["version-not-here"]

    def test_few_stay_loaded_and_what_answers_always(self, place: Place) -> None:
        """With room for two: the version that answers, the next one, and whatever was named last."""
        start = place.clock.at
        now = activated(place.registry, home("0.60"))
        later = activated(place.registry, home("0.70"), start + timedelta(days=1))
        others = [place.registry.publish(home(f"0.8{n}"), who="w", why="", request_id=f"{n}").version for n in range(3)]
        with place.books(versions_loaded=2) as books:
            wait_for(lambda: later in books.versions)
            loaded = []
            for version in others:
                books.choose(version)
                loaded.append(set(books.versions))

        assert loaded == [{now, later, other} for other in others]


class TestWithdrawal:
    def test_returns_to_the_version_that_it_names(self, place: Place) -> None:
        first = activated(place.registry, home("0.60"))
        second = activated(place.registry, home("0.70"))
        with place.books() as books:
            before = books.choose().version
            withdraw(place.registry, second, first)
            wait_for(lambda: books.choose().version != second)

            after = books.choose().version

        assert (before, after) == (second, first)

    def test_bills_nobody_who_does_not_insist(self, place: Place) -> None:
        first = activated(place.registry, home("0.60"))
        second = activated(place.registry, home("0.70"))
        withdraw(place.registry, second, first)
        with place.books() as books:
            with pytest.raises(ProblemsFound) as found:
                books.choose(second)
            insisted = books.choose(second, allow_withdrawn=True)

        (problem,) = found.value.problems
        assert (problem.code, problem.parameters["returns_to"]) == ("version-withdrawn", first)
        assert insisted.version == second

    def test_leave_without_a_name_is_refused(self, place: Place) -> None:
        with place.books() as books:
            found = codes(lambda: books.choose("", allow_withdrawn=True))

        assert found == ["allow-withdrawn-alone"]

    def test_a_call_waits_for_the_version_that_it_returns_to(self, place: Place) -> None:
        """A withdrawn version does not answer while the other one is still being compiled."""
        first = approved(place.registry, home("0.60"))
        second = activated(place.registry, home("0.70"))
        with place.books(NEVER, versions_loaded=1) as books:
            wait_for(lambda: first in books.versions)
            others = [approved(place.registry, home("0.80")), approved(place.registry, home("0.81"))]
            activate(place.registry, others[0], place.clock.at + timedelta(days=300))
            withdraw(place.registry, second, first)
            books.look()
            wait_for(lambda: books.active_version == first)

            found = books.choose().version

        assert found == first


class TestWithoutTheDatabase:
    def test_everything_known_goes_on(self, place: Place) -> None:
        """The file is moved away: calls, named versions and planned instants go on, and later the registry is back."""
        first = activated(place.registry, home("0.60"))
        instant = place.clock.at + timedelta(days=1)
        second = activated(place.registry, home("0.70"), instant)
        away = place.file.with_suffix(".away")
        with place.books() as books:
            wait_for(lambda: second in books.versions)
            _move(place.file, away)
            wait_for(lambda: (books.registry_age_seconds or 0) > 0.3)
            gone = [books.choose().version, books.choose(second).version]
            place.clock.at = instant
            gone.append(books.choose().version)
            unknown = codes(lambda: books.choose("0" * 64))
            _move(away, place.file)
            third = activated(place.registry, home("0.80"))
            wait_for(lambda: books.choose().version == third)

        assert gone == [first, second, second]
        assert unknown == ["registry-unavailable"]

    def test_what_is_billed_meanwhile_is_written_later(self, place: Place) -> None:
        version = activated(place.registry, home("0.60"))
        away = place.file.with_suffix(".away")
        with place.books() as books:
            books.used(version, "before", {JANUARY: 1})
            _move(place.file, away)
            books.used(version, "before", {JANUARY: 2})
            books.used(version, "meanwhile", {JANUARY: 3, JANUARY + 1: 4})
            _move(away, place.file)
            wait_for(lambda: len(place.registry.uses(version)) == 3)
            found = {(one.run, one.month): one.bills for one in place.registry.uses(version)}

        assert found == {("before", JANUARY): 3, ("meanwhile", JANUARY): 3, ("meanwhile", JANUARY + 1): 4}

    def test_no_version_is_guessed_at_the_start(self, place: Place) -> None:
        """Which version is active is not known: the folder does not answer in its place."""
        activated(place.registry, home("0.60"))
        place.file.write_bytes(b"this is no database" * 100)

        with pytest.raises(ProblemsFound) as found, place.books():
            pass

        assert [one.code for one in found.value.problems] == ["registry-unavailable"]


class TestUse:
    def test_a_new_key_is_written_before_the_answer(self, place: Place) -> None:
        with place.books(NEVER) as books:
            books.used("a" * 64, "", {JANUARY: 2})

            found = [(one.run, one.month, one.bills) for one in place.registry.uses("a" * 64)]

        assert found == [("", JANUARY, 2)]

    def test_counts_follow_within_a_look(self, place: Place) -> None:
        with place.books() as books:
            for _ in range(5):
                books.used("a" * 64, "month end", {JANUARY: 2})
            wait_for(lambda: place.registry.uses("a" * 64)[0].bills == 10)

    def test_counts_are_written_at_the_end(self, place: Place) -> None:
        with place.books(NEVER) as books:
            for _ in range(5):
                books.used("a" * 64, "", {JANUARY: 2})

        assert [one.bills for one in place.registry.uses("a" * 64)] == [10]

    def test_none_is_lost_between_threads(self, place: Place) -> None:
        """Eight threads count a thousand bills each while counts are written."""
        with place.books() as books:

            def count() -> None:
                for _ in range(1000):
                    books.used("a" * 64, "", {JANUARY: 1})

            threads = [threading.Thread(target=count) for _ in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

        assert [one.bills for one in place.registry.uses("a" * 64)] == [8000]


def _move(file: Path, to: Path) -> None:
    """Move a database with what SQLite keeps beside it."""
    for suffix in ("-wal", "-shm", ""):
        found = file.with_name(file.name + suffix)
        if found.exists():
            found.rename(to.with_name(to.name + suffix))
