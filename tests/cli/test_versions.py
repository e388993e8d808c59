"""`dianjia publish` to `dianjia history`, on a database and through a server: the same words either way."""

from __future__ import annotations

import hashlib
import json
import os
import re
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from engine.cli import main
from engine.registry.content import version_of
from tests.service.certifying import certificates
from tests.service.rate_books import FILE, RULESET, home, in_folder
from tests.service.serving import Server, serving, token_of
from tests.service.steps import TOKENS, bill, new_price

WANG, LI = ["--by", "wang"], ["--by", "li"]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with rules, as the current one, and a registry of its own."""
    in_folder(tmp_path / "rules", home())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("DIANJIA_CACHE", f"{os.environ['SHARED_BY_TESTS']}/dianjia")  # see tests/conftest.py
    for name in ("DIANJIA_LANGUAGE", "DIANJIA_DATABASE", "DIANJIA_SERVER", "DIANJIA_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def dianjia(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments), catch_exceptions=False)


def as_json(*arguments: str) -> Any:
    done = dianjia(*arguments, "--format", "json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def published(*options: str) -> str:
    """Publish the folder `rules`; give the version."""
    return str(as_json("publish", "--why", "a test", *(options or WANG))["version"])


def approved(price: str) -> str:
    """Publish a rate book of another price and approve it; give the version."""
    in_folder(Path("rules"), home(price))
    version = published()
    as_json("approve", version, *LI)
    return version


def without_hashes(text: str) -> str:
    """Text with every hash and instant made the same."""
    return re.sub(
        r"\b[0-9a-f]{12,64}\b", "HASH", re.sub(r"\d{4}-\d\d-\d\d[ T][\d:.]+(Z|[+-]\d\d:\d\d)", "INSTANT", text)
    )


class TestOnADatabase:
    def test_from_publication_to_withdrawal(self, here: Path) -> None:
        """Each step says what came of it and who must do what next."""
        first = approved("0.50")
        as_json("activate", first, *LI)
        in_folder(here / "rules", home("0.60"))
        (here / "rules" / "note.csv").write_text("a\n1\n")

        publish = dianjia("publish", "rules", "--why", "notice 12", *WANG)
        second = version_of({**home("0.60"), "note.csv": b"a\n1\n"})
        approve = dianjia("approve", second[:8], "--why", "read it", *LI)
        activate = dianjia("activate", second[:8], "--why", "due", *LI)
        withdraw = dianjia("withdraw", second[:8], "--reason", "misprint", "--return-to", first[:8], *LI)

        assert publish.stdout == (
            f"published {second}\n"
            "  1 rule set, 2 files\n"
            "  against the version that was active:\n"
            f"     changed  {FILE}\n"
            "     changed  note.csv\n"
            "next: somebody other than wang checks it and types\n"
            f"  dianjia approve {second[:12]}\n"
        )
        assert approve.stdout == (
            f"li approved {second}\nnext: let it answer, now or from an instant\n  dianjia activate {second[:12]}\n"
        )
        assert activate.stdout == f"activated {second}\nit answers calls that name no version\n"
        assert withdraw.stdout == f"withdrawn {second}\n{first[:12]} answers in its place\n"

    def test_history(self, here: Path) -> None:
        first, second = approved("0.50"), approved("0.60")
        as_json("withdraw", second, "--reason", "misprint", "--return-to", first, *LI)

        shown = dianjia("history", second)
        verified = dianjia("history", "--verify")
        rows = as_json("history")["entries"]

        assert without_hashes(shown.stdout).splitlines()[2:] == [
            "  3  INSTANT  wang  published  HASH                   a test",
            "  4  INSTANT  li    approved   HASH",
            "  5  INSTANT  li    withdrawn  HASH  -> HASH  misprint",
        ]
        assert verified.stdout.splitlines()[-1] == f"the chain of 5 rows holds; the last hash is {rows[-1]['hash']}"
        assert [(row["number"], row["who"], row["action"]) for row in rows] == [
            (1, "wang", "published"),
            (2, "li", "approved"),
            (3, "wang", "published"),
            (4, "li", "approved"),
            (5, "li", "withdrawn"),
        ]
        assert rows[4]["returns_to"] == first

    def test_the_chain_can_be_computed_by_hand(self, here: Path) -> None:
        """A row as JSON, without its hash, keys sorted and no blanks, is what the hash is of."""
        version = approved("0.50")
        as_json("activate", version, "--why", "到期", *LI)

        before = "0" * 64
        for row in as_json("history")["entries"]:
            told = row.pop("hash")
            text = json.dumps(row, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
            assert row["previous_hash"] == before
            assert told == hashlib.sha256(text.encode()).hexdigest()
            before = told

    def test_a_trail_that_was_changed_is_found(self, here: Path) -> None:
        """Somebody goes round the database's own refusal and rewrites who approved."""
        approved("0.50")
        with sqlite3.connect(here / "state" / "dianjia" / "registry.sqlite") as connection:
            triggers = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
            for (name,) in triggers:
                connection.execute(f"DROP TRIGGER {name}")
            connection.execute("UPDATE audit SET who = 'zhao' WHERE number = 2")
        connection.close()

        plain, verified = dianjia("history"), dianjia("history", "--verify")
        as_data = dianjia("history", "--format", "json")

        assert triggers
        assert (plain.exit_code, verified.exit_code, as_data.exit_code) == (1, 1, 1)
        assert verified.stderr == "the chain breaks at row 2: the trail was changed\n"
        assert json.loads(as_data.stdout)["chain_holds"] is False

    def test_not_approved_by_the_author(self, here: Path) -> None:
        version = published()

        english, chinese = dianjia("approve", version, *WANG), dianjia("approve", version, *WANG, "--language", "zh")

        assert (english.exit_code, english.stdout) == (1, "")
        assert english.stderr == (
            f"author-approves: wang published the version `{version}` and cannot approve it.\n"
            "  Somebody else has to look at it.\n"
        )
        assert f"版本 `{version}` 由 wang 发布，wang 不能批准它。" in chinese.stderr

    def test_what_does_not_compile_is_shown_with_its_line(self, here: Path) -> None:
        """As `dianjia check` shows it: the file as it is found from here, the line and the mark."""
        in_folder(here / "rules", home("0,50"))

        done = dianjia("publish", "--why", "a test", *WANG)
        as_data = dianjia("publish", "--why", "a test", *WANG, "--format", "json")

        checked = dianjia("check", "rules").stderr.split("\n\n")[0]
        assert done.exit_code == 1
        assert done.stderr.startswith(checked)
        assert f"rules/{FILE}:" in checked
        assert "rate-book-fails: " in done.stderr
        problems = json.loads(as_data.stdout)["problems"]
        assert problems[0]["place"]["file"] == f"rules/{FILE}"

    def test_what_is_gone_is_told(self, here: Path) -> None:
        (here / "rules" / "note.csv").write_text("a\n1\n")
        first = approved("0.50")
        as_json("activate", first, *LI)
        (here / "rules" / "note.csv").unlink()

        done = dianjia("publish", "--why", "a test", *WANG)

        assert "     gone  note.csv\n" in done.stdout

    @pytest.mark.parametrize("typed", ["0" * 64, "0" * 8, "abc", "not a version"])
    def test_of_a_version_that_is_missing(self, here: Path, typed: str) -> None:
        done = dianjia("activate", typed, *LI)

        assert done.exit_code == 1
        assert done.stderr.startswith(f"unknown-version: there is no version `{typed}`.")

    def test_of_one_that_nobody_approved(self, here: Path) -> None:
        version = published()

        done = dianjia("activate", version, *LI)

        assert done.exit_code == 1
        assert done.stderr.startswith("not-approved: ")

    def test_activated_from_an_instant(self, here: Path) -> None:
        version = approved("0.50")
        instant = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)

        done = as_json("activate", version, "--from", instant.astimezone().isoformat(), *LI)
        listed = dianjia("versions")

        assert (done["state"], done["active_from"]) == ("scheduled", instant.isoformat().replace("+00:00", "Z"))
        assert " scheduled " in listed.stdout

    @pytest.mark.parametrize(
        ("written", "code"),
        [
            ("2026-12-01", "bad-instant"),
            ("2030-01-01T00:00:00", "bad-instant"),
            ("2020-01-01T00:00:00Z", "instant-past"),
        ],
    )
    def test_an_instant_is_one_and_not_past(self, here: Path, written: str, code: str) -> None:
        version = approved("0.50")

        done = dianjia("activate", version, "--from", written, *LI)

        assert done.exit_code == 1
        assert done.stderr.startswith(f"{code}: ")

    def test_a_step_is_repeated_with_its_id(self, here: Path) -> None:
        """The answer was lost: the same id gives it again, and nothing is done twice."""
        version = published(*WANG, "--request-id", "of monday")

        again = published(*WANG, "--request-id", "of monday")
        without = dianjia("publish", "--why", "a test", *WANG)
        other = dianjia("approve", version, "--request-id", "of monday", *LI)

        assert again == version
        assert without.stderr.startswith("version-exists: ")
        assert other.stderr.startswith("request-id-reused: ")
        assert len(as_json("history")["entries"]) == 1

    def test_nothing_there_yet(self, here: Path) -> None:
        versions, history = dianjia("versions"), dianjia("history", "--verify")

        assert (versions.exit_code, versions.stderr) == (0, "no version is published yet\n")
        assert history.stdout == f"the chain of 0 rows holds; the last hash is {'0' * 64}\n"

    def test_in_chinese(self, here: Path) -> None:
        done = dianjia("publish", "--why", "十二号文", *WANG, "--language", "zh")
        listed = dianjia("versions", "--language", "zh")

        version = version_of(home())
        assert done.stdout == (
            f"已发布 {version}\n  1 个规则集，1 个文件\n  此前没有生效的版本\n"
            f"下一步：由 wang 以外的人审核，然后输入\n  dianjia approve {version[:12]}\n"
        )
        assert "已发布" in listed.stdout
        assert "十二号文" in listed.stdout


class TestWhere:
    def test_the_database_that_is_typed(self, here: Path) -> None:
        """Whatever the environment says; the state of the user is not touched."""
        url = f"sqlite:///{here}/own.sqlite"

        published(*WANG, "--database", url)

        assert len(as_json("versions", "--database", url)) == 1
        assert not (here / "state").exists()

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (["--database", "sqlite:///x.sqlite", "--server", "127.0.0.1:1"], "Type one."),
            (["--database", "mysql://x/y"], "SQLite or PostgreSQL"),
            (["--server", "example.org:50051", "--token-file", "token"], "plain text"),
        ],
    )
    def test_misuse_ends_with_2(self, here: Path, arguments: list[str], said: str) -> None:
        (here / "token").write_text("a secret")

        done = dianjia("versions", *arguments)

        assert (done.exit_code, done.stdout) == (2, "")
        assert said in done.stderr
        assert "Traceback" not in done.stderr

    def test_by_is_for_a_database(self, here: Path) -> None:
        done = dianjia("approve", "0" * 8, "--by", "li", "--server", "127.0.0.1:1")

        assert done.exit_code == 2
        assert "by your token" in done.stderr

    def test_what_is_typed_wins_over_the_environment(self, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DIANJIA_SERVER", "127.0.0.1:1")
        both = dianjia("versions", "--database", f"sqlite:///{here}/own.sqlite")
        monkeypatch.setenv("DIANJIA_DATABASE", f"sqlite:///{here}/own.sqlite")

        neither = dianjia("versions")

        assert (both.exit_code, both.stderr) == (0, "no version is published yet\n")
        assert neither.exit_code == 2

    def test_a_server_that_is_not_there(self, here: Path) -> None:
        done = dianjia("versions", "--server", "127.0.0.1:1")

        assert done.exit_code == 1
        assert done.stderr.startswith("dianjia: 127.0.0.1:1: ")
        assert "Traceback" not in done.stderr

    def test_a_database_that_is_not_there(self, here: Path) -> None:
        done = dianjia("versions", "--database", "postgresql://127.0.0.1:1/none")

        assert done.exit_code == 1
        assert done.stderr.startswith("registry-unavailable: ")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    rules = in_folder(folder / "rules", home())
    with serving(folder, rules=rules, tokens=TOKENS, settings={"follow_seconds": 0.1}) as found:
        yield found


@pytest.fixture
def as_(here: Path, server: Server) -> dict[str, list[str]]:
    """Options of each person: the server, and a file that holds their token."""
    found = {}
    for who in TOKENS:
        file = here / f"{who}.token"
        file.write_text(f"{token_of(who)}\n")
        found[who] = ["--server", server.address, "--token-file", str(file)]
    return found


class TestThroughAServer:
    def test_says_what_the_database_says(self, here: Path, as_: dict[str, list[str]]) -> None:
        """The same steps both ways, the same words; but for hashes, instants and what was active before."""
        in_folder(here / "rules", home(new_price()))
        said = []
        for wang, li in ((WANG, LI), (as_["wang"], as_["li"])):
            database = [] if "--by" not in wang else ["--database", f"sqlite:///{here}/own.sqlite"]
            publish = dianjia("publish", "--why", "notice", *wang, *database)
            version = re.findall(r"[0-9a-f]{64}", publish.stdout)[0]
            where = li[:-2] if database else li
            steps = [
                dianjia("approve", version[:8], *wang, *database),
                dianjia("approve", version[:8], "--why", "read it", *li, *database),
                dianjia("approve", version[:8], "--why", "read it", *li, *database),
                dianjia("activate", version[:8], "--from", "2020-01-01", *li, *database),
                dianjia("activate", version[:8], *li, *database),
                dianjia("activate", "0" * 8, *li, *database),
                dianjia("withdraw", version[:8], "--reason", "x", "--return-to", version[:8], *li, *database),
                dianjia("history", version[:8], *where, *database),
                dianjia("history", "--verify", *where, *database),
                dianjia("uses", version[:8], *where, *database),
            ]
            said.append([(one.exit_code, without_hashes(one.output)) for one in steps])

        by_database, through_server = said
        assert [code for code, _ in by_database] == [1, 0, 1, 1, 0, 1, 1, 0, 0, 0]
        assert through_server == by_database

    def test_what_does_not_compile_is_shown_with_its_line(self, here: Path, as_: dict[str, list[str]]) -> None:
        in_folder(here / "rules", home("0,50"))

        through_server = dianjia("publish", "--why", "a test", *as_["wang"])

        assert through_server.exit_code == 1
        assert through_server.stderr.startswith(dianjia("check", "rules").stderr.split("\n\n")[0])
        assert "rate-book-fails: " in through_server.stderr

    def test_what_the_token_does_not_allow(self, here: Path, as_: dict[str, list[str]]) -> None:
        done = dianjia("publish", "--why", "a test", *as_["reader"], "--language", "zh")

        assert done.exit_code == 1
        assert done.stderr.startswith("scope-missing: reader 无权这样做：缺少权限 `publish`。")

    def test_a_token_in_the_environment(self, here: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DIANJIA_SERVER", server.address)
        unknown = dianjia("versions")
        monkeypatch.setenv("DIANJIA_TOKEN", token_of("reader"))

        known = dianjia("versions")

        assert (unknown.exit_code, unknown.stderr.split(":")[0]) == (1, "token-missing")
        assert known.exit_code == 0

    def test_what_was_billed(self, here: Path, server: Server, as_: dict[str, list[str]]) -> None:
        in_folder(here / "rules", home(new_price()))
        version = published(*as_["wang"])
        with server.channel("li") as channel:
            bill(channel, version)

        (use,) = as_json("uses", version, *as_["li"])

        assert (use["run"], use["billing_month"], use["bills"]) == ("", "2026-01", 1)
        assert RULESET in (here / "rules" / FILE).read_text()

    def test_over_tls(self, here: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
        """With the authority that vouches for the server; without it there is no answer."""
        folder = tmp_path_factory.mktemp("tls")
        made = certificates(folder)
        rules = in_folder(folder / "rules", home())
        (here / "token").write_text(token_of("reader"))
        with serving(folder / "server", rules=rules, tokens=TOKENS, certificates=made) as server:
            asked = ["versions", "--server", server.address, "--token-file", "token"]
            with_authority = dianjia(*asked, "--ca", str(made.authority), "--format", "json")
            without = dianjia(*asked)

        assert [one["state"] for one in json.loads(with_authority.stdout)] == ["folder"]
        assert (without.exit_code, without.stdout) == (1, "")

    def test_over_mtls(self, here: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
        """A server that asks for a certificate gets the one that is named; half of one is a slip."""
        folder = tmp_path_factory.mktemp("mtls")
        made = certificates(folder)
        rules = in_folder(folder / "rules", home())
        (here / "token").write_text(token_of("reader"))
        with serving(
            folder / "server", rules=rules, tokens=TOKENS, certificates=made, client_certificates=True
        ) as server:
            asked = ["versions", "--server", server.address, "--token-file", "token", "--ca", str(made.authority)]
            shown = dianjia(*asked, "--cert", str(made.client), "--key", str(made.client_key), "--format", "json")
            half = dianjia(*asked, "--cert", str(made.client))

        assert [one["state"] for one in json.loads(shown.stdout)] == ["folder"]
        assert half.exit_code == 2
        assert "--cert and --key belong together. Name both." in half.stderr
