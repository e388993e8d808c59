"""Who calls, and what they may do: tokens, scopes, days of expiry, a file that changes."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import pytest

from dianjia.ratebooks.v1 import ratebooks_pb2, ratebooks_pb2_grpc
from dianjia.rulesets.v1 import rulesets_pb2
from engine.language.problems import ProblemsFound
from engine.service.authentication import read_tokens
from engine.service.interceptors import scope_of
from tests.service.asking import household, rating, rule_sets, unscaled
from tests.service.serving import Server, run_server, serving, token_of, write_tokens
from tests.service.told import told

TOKENS = {"billing": "rate", "desk": "read", "wang": "read publish", "li": "read approve"}
UNAUTHENTICATED = grpc.StatusCode.UNAUTHENTICATED


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("server"), tokens=TOKENS) as found:
        yield found


@pytest.fixture(scope="module")
def open_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("open")) as found:
        yield found


def approve(channel: grpc.Channel) -> object:
    request = ratebooks_pb2.ApproveRateBookRequest(request_id="1", name=f"rateBooks/{'0' * 64}", why="x")
    return ratebooks_pb2_grpc.RateBookServiceStub(channel).ApproveRateBook(request)


def publish(channel: grpc.Channel) -> object:
    request = ratebooks_pb2.PublishRateBookRequest(request_id="1", why="x")
    return ratebooks_pb2_grpc.RateBookServiceStub(channel).PublishRateBook(iter([request]))


class TestTokens:
    def test_a_token_lets_its_holder_in_and_names_it(self, server: Server) -> None:
        with server.channel("billing") as channel:
            answer = rating(channel).CalculateBill(household())
        server.wait_for(lambda: any(one["principal"] == "billing" for one in server.calls()))

        assert unscaled(answer) == (5283, 2, "CNY")

    def test_none_is_missed(self, server: Server) -> None:
        with server.channel() as channel:
            found = told(lambda: rating(channel).CalculateBill(household()))

        assert (found.status, found.code) == (UNAUTHENTICATED, "token-missing")

    @pytest.mark.parametrize(
        "authorization",
        [
            f"Bearer {token_of('somebody else')}",
            f"Bearer {token_of('billing')}0",
            f"Bearer {token_of('billing')[:-1]}",
            f"Basic {token_of('billing')}",
            token_of("billing"),
            "Bearer ",
            "Bearer",
            "",
            f"Bearer {hashlib.sha256(token_of('billing').encode()).hexdigest()}",
        ],
    )
    def test_a_wrong_one_is_not_known(self, server: Server, authorization: str) -> None:
        """Neither another's, nor a part, nor what stands in the file."""
        with server.channel() as channel:
            found = told(
                lambda: rating(channel).CalculateBill(household(), metadata=(("authorization", authorization),))
            )

        assert (found.status, found.code) == (UNAUTHENTICATED, "token-unknown")

    def test_a_token_stands_nowhere_in_the_log(self, server: Server) -> None:
        with server.channel("billing") as channel:
            rating(channel).CalculateBill(household())
            told(lambda: rule_sets(channel).ListRuleSets(rulesets_pb2.ListRuleSetsRequest()))
        server.wait_for(lambda: any(one.get("problem") == "scope-missing" for one in server.calls()))

        assert token_of("billing") not in str(server.log())

    def test_a_refused_call_stands_in_the_log(self, server: Server) -> None:
        with server.channel() as channel:
            told(lambda: rating(channel).CalculateBill(household(), metadata=(("x-request-id", "no-token"),)))
        server.wait_for(lambda: any(one.get("caller_request") == "no-token" for one in server.calls()))

        (line,) = [one for one in server.calls() if one.get("caller_request") == "no-token"]
        assert (line["code"], line["problem"], line["principal"]) == ("UNAUTHENTICATED", "token-missing", "")


class TestScopes:
    def test_one_who_may_rate_may_not_read(self, server: Server) -> None:
        with server.channel("billing") as channel:
            found = told(lambda: rule_sets(channel).ListRuleSets(rulesets_pb2.ListRuleSetsRequest()))

        assert (found.status, found.code) == (grpc.StatusCode.PERMISSION_DENIED, "scope-missing")
        assert found.parameters == {"who": "billing", "scope": "read"}

    def test_one_who_may_read_may_not_rate(self, server: Server) -> None:
        with server.channel("desk") as channel:
            listed = rule_sets(channel).ListRuleSets(rulesets_pb2.ListRuleSetsRequest())
            found = told(lambda: rating(channel).CalculateBill(household()))

        assert [one.id for one in listed.rule_sets] == ["cn.jiangsu.residential"]
        assert (found.code, found.parameters["scope"]) == ("scope-missing", "rate")

    def test_publishing_and_approving_are_two_things(self, server: Server) -> None:
        """Who has the scope gets as far as being told what else is wrong with the call."""
        with server.channel("wang") as wang, server.channel("li") as li:
            found = {
                ("wang", "publish"): told(lambda: publish(wang)).code,
                ("wang", "approve"): told(lambda: approve(wang)).code,
                ("li", "publish"): told(lambda: publish(li)).code,
                ("li", "approve"): told(lambda: approve(li)).code,
            }

        assert found == {
            ("wang", "publish"): "rate-book-empty",
            ("wang", "approve"): "scope-missing",
            ("li", "publish"): "scope-missing",
            ("li", "approve"): "unknown-version",
        }

    def test_every_method_has_its_scope(self) -> None:
        """As the comments of the .proto files have it."""
        service = "/dianjia.ratebooks.v1.RateBookService/"
        names = [method.name for method in ratebooks_pb2.DESCRIPTOR.services_by_name["RateBookService"].methods]

        assert {name: scope_of(service + name) for name in names} == {
            "PublishRateBook": "publish",
            "ApproveRateBook": "approve",
            "ActivateRateBook": "approve",
            "WithdrawRateBook": "approve",
            "GetRateBook": "read",
            "ListRateBooks": "read",
            "GetHistory": "read",
            "ListVersionUse": "read",
        }
        assert scope_of("/dianjia.rating.v1.RatingService/CompareBills") == "rate"
        assert scope_of("/dianjia.rulesets.v1.RuleSetService/ValidateRuleSet") == "read"
        assert scope_of("/dianjia.recalculations.v1.RecalculationService/GetRecalculation") == "recalculate"
        service = "/dianjia.warnings.v1.WarningService"
        assert scope_of(f"{service}/RecordEvents") == "record-events"
        assert [scope_of(f"{service}/{name}") for name in ("WatchWarnings", "ListWarnings")] == ["read-warnings"] * 2
        assert scope_of(f"{service}/AcknowledgeWarning") == "acknowledge"


class TestWithoutTokens:
    def test_anybody_on_this_machine_rates_and_reads(self, open_server: Server) -> None:
        with open_server.channel() as channel:
            answer = rating(channel).CalculateBill(household())
            listed = rule_sets(channel).ListRuleSets(rulesets_pb2.ListRuleSetsRequest())

        assert unscaled(answer) == (5283, 2, "CNY")
        assert listed.total_size == 1

    def test_whoever_changes_something_has_a_name(self, open_server: Server) -> None:
        with open_server.channel() as channel:
            found = [told(lambda: publish(channel)), told(lambda: approve(channel))]

        assert [(one.status, one.code) for one in found] == [(UNAUTHENTICATED, "token-missing")] * 2

    def test_a_token_that_nobody_can_check_is_not_known(self, open_server: Server) -> None:
        with open_server.channel("wang") as channel:
            found = told(lambda: rating(channel).CalculateBill(household()))

        assert found.code == "token-unknown"


class TestExpiry:
    def test_past_and_still_to_come(self, tmp_path: Path) -> None:
        """Two tokens of one file, one a second past and one good for an hour, each with an offset of its own."""
        now = datetime.now(UTC)
        with serving(tmp_path, tokens=TOKENS) as server:
            past = write_tokens(tmp_path / "past", {"old": "rate"}, (now - timedelta(seconds=1)).isoformat())
            later = write_tokens(tmp_path / "later", {"new": "rate"}, (now + timedelta(hours=1)).isoformat())
            (tmp_path / "tokens.toml").write_text(past.read_text() + later.read_text())
            server.wait_for(lambda: answers(server, "new"))
            with server.channel("old") as channel:
                found = told(lambda: rating(channel).CalculateBill(household()))

        assert (found.status, found.code) == (UNAUTHENTICATED, "token-unknown")


def answers(server: Server, who: str) -> bool:
    with server.channel(who) as channel:
        try:
            rating(channel).CalculateBill(household())
        except grpc.RpcError:
            return False
    return True


class TestChangedFile:
    def test_tokens_come_and_go_without_a_restart(self, tmp_path: Path) -> None:
        with serving(tmp_path, tokens={"old": "rate"}) as server:
            before = answers(server, "old"), answers(server, "new")
            write_tokens(tmp_path / "tokens.toml", {"new": "rate"})
            server.wait_for(lambda: answers(server, "new"))
            after = answers(server, "old"), answers(server, "new")

        assert before == (True, False)
        assert after == (False, True)
        assert [one["event"] for one in server.log() if one.get("event", "").startswith("tokens")] == ["tokens-changed"]

    def test_a_slip_in_it_leaves_the_tokens_before(self, tmp_path: Path) -> None:
        """It is told in the log, once, and put right without a restart."""
        with serving(tmp_path, tokens={"old": "rate"}) as server:
            (tmp_path / "tokens.toml").write_text("[[token]]\nname = 'x'\n")
            server.wait_for(
                lambda: answers(server, "old") and any(one.get("event") == "tokens-not-changed" for one in server.log())
            )
            still = answers(server, "old")
            write_tokens(tmp_path / "tokens.toml", {"new": "rate"})
            server.wait_for(lambda: answers(server, "new"))

        (line,) = [one for one in server.log() if one.get("event") == "tokens-not-changed"]
        assert still
        assert "`sha256` is 64 small hexadecimal digits." in line["why"]


GOOD = f'name = "a"\nsha256 = "{"0" * 64}"\nscopes = ["rate"]\n'


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("[[token]\n", "Expected ']]' at the end of an array declaration"),
        ("token = 3\n", "each token stands under a `[[token]]` of its own."),
        ("[tokens]\n", "each token stands under a `[[token]]` of its own."),
        (f"[[token]]\n{GOOD}[[token]]\n{GOOD}", "`a` has the token of another."),
        (f"[[token]]\n{GOOD}secret = 1\n", "token 1: `secret` is not a key of a token"),
        (f"[[token]]\n{GOOD}expires = 2027-01-01T00:00:00\n", "token 1: `expires` is an instant with its offset"),
        (f"[[token]]\n{GOOD}expires = 2027-01-01\n", "token 1: `expires` is an instant with its offset"),
        (f"[[token]]\n{GOOD.replace('rate', 'write')}", "token 1: `scopes` is a list of some of rate, read"),
        (f"[[token]]\n{GOOD.replace('[', '').replace(']', '')}", "token 1: `scopes` is a list"),
        (f"[[token]]\n{GOOD.replace('000', 'xyz')}", "token 1: `sha256` is 64 small hexadecimal digits."),
        (f"[[token]]\n{GOOD}".replace('"a"', '"a\\nb"'), "token 1: `name` is 1 to 100 letters"),
    ],
)
def test_what_a_file_of_tokens_cannot_say(tmp_path: Path, content: str, reason: str) -> None:
    file = tmp_path / "tokens.toml"
    file.write_text(content)

    with pytest.raises(ProblemsFound) as raised:
        read_tokens(file)

    assert str(raised.value.problems[0]).startswith(f"tokens-file: the tokens in {file} cannot be read: {reason}")


def test_a_file_that_cannot_be_read_stops_the_start(tmp_path: Path) -> None:
    """With every reason, and with where its lines come from."""
    file = tmp_path / "tokens.toml"
    file.write_text("[[token]]\n[[token]]\nname = 3\n")

    done = run_server(tmp_path, "--port", "0", "--database", "none", "--tokens", str(file))

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("tokens-file: ") == 6
    assert "`dianjia token NAME --scope rate` prints the lines that belong there." in done.stderr


class TestCommand:
    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "engine.start", "token", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)

    def test_it_prints_a_token_and_its_lines(self, tmp_path: Path) -> None:
        """The lines are read as a file of tokens; the token is the one whose hash they have."""
        done = self.run("billing", "--scope", "rate", "--scope", "read", "--expires", "2027-01-01T00:00:00+08:00")

        made, _, lines = done.stdout.partition("\n\n")
        file = tmp_path / "tokens.toml"
        file.write_text(lines)
        (found,) = read_tokens(file)
        assert found.principal.name == "billing"
        assert found.principal.scopes == {"rate", "read"}
        assert found.digest == hashlib.sha256(made.encode()).digest()
        assert found.expires == datetime(2026, 12, 31, 16, tzinfo=UTC).timestamp()
        assert len(made) >= 40

    def test_it_adds_them_to_a_file_that_others_cannot_read(self, tmp_path: Path) -> None:
        file = tmp_path / "tokens.toml"

        made = [self.run(name, "--scope", "rate", "--file", str(file)).stdout.strip() for name in ("a", "b")]

        found = {one.principal.name: one.digest for one in read_tokens(file)}
        assert found == {name: hashlib.sha256(text.encode()).digest() for name, text in zip("ab", made, strict=True)}
        assert file.stat().st_mode & 0o077 == 0

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (["a\nb", "--scope", "rate"], "is no name"),
            (["a", "--scope", "rate", "--expires", "2027-01-01"], "is no instant with its offset"),
            (["a", "--scope", "rate", "--file", "/no/such/folder/t"], "cannot be written"),
            (["a"], "--scope"),
        ],
    )
    def test_it_says_what_it_does_not_take(self, arguments: list[str], words: str) -> None:
        done = self.run(*arguments)

        assert done.returncode in {1, 2}
        assert words in done.stderr
        assert done.stdout == ""
