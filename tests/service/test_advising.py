"""`AdviseCustomer`: what each account is told, what it is refused, and that a call is bounded.

Of a kWh 0.50 CNY; of a kW of the contract 10 CNY, of a kW above it 20: see tests/service/advice_rules.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import grpc
import pytest

from dianjia.advice.v1 import advice_pb2 as messages
from dianjia.advice.v1.advice_pb2_grpc import AdviceServiceStub
from dianjia.rating.v1 import rating_pb2
from dianjia.rulesets.v1 import rulesets_pb2
from dianjia.type.v1 import type_pb2 as types
from engine.compiler.compile import compile_paths
from engine.language.problems import ProblemsFound
from engine.service.advising import AdviceServicer
from engine.service.books import Books, LoadedBook, loaded
from engine.service.calls import Call, Principal
from tests.service.advice_rules import ADVICE, SHOP, advice_book
from tests.service.asking import rating, rule_sets
from tests.service.rate_books import in_folder
from tests.service.refusals import refusal
from tests.service.serving import Server, serving

MONTHS = (20_454, 20_485, 20_513, 20_544)  # first days of 2026, in days since 1970-01-01
ROWS_MAX = 12

Given = tuple[str, int, int | None, int | None, int | None, int | None]
"""Account, month, kWh, contract and demand in kW, kWh that can be spared."""

A: list[Given] = [("a", at, 2000, 100, demand, None) for at, demand in enumerate((80, 100, 60))]
B: list[Given] = [("b", 0, 500, 50, 50, 20)]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    rules = in_folder(tmp_path_factory.mktemp("book"), dict(advice_book()))
    tokens = {"wang": "rate read", "li": "read"}
    settings = {"rows_per_advice": ROWS_MAX}
    with serving(tmp_path_factory.mktemp("server"), rules=rules, tokens=tokens, settings=settings) as server:
        yield server


@pytest.fixture(scope="module")
def channel(server: Server) -> Iterator[grpc.Channel]:
    with server.channel("wang") as channel:
        yield channel


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> LoadedBook:
    """The rate book in this process."""
    return loaded("0" * 64, compile_paths([in_folder(tmp_path_factory.mktemp("book"), dict(advice_book()))]), {})


def request(*given: Given, rulesets: dict[str, str] | None = None, **more: Any) -> messages.AdviseCustomerRequest:
    """Ask for advice; `rulesets`: account -> another one than the shop's."""
    names = list(dict.fromkeys(one[0] for one in given))
    own = [(rulesets or {}).get(one[0], SHOP) for one in given]
    codes = list(dict.fromkeys(own))
    chunk = types.Chunk(
        rows=len(given),
        row_id_texts=types.Texts(values=[f"{one[0]}{one[1]}" for one in given]),
        rulesets=types.Codes(names=codes, positions=[codes.index(one) for one in own]),
        period_from=[MONTHS[one[1]] for one in given],
        period_to=[MONTHS[one[1] + 1] for one in given],
    )
    for at, name in enumerate(("kwh", "contract_kw", "demand_kw", "spare_kwh"), start=2):
        values = [cast("int | None", one[at]) for one in given]
        there = sum(1 << row for row, value in enumerate(values) if value is not None)
        chunk.columns.append(
            types.Column(
                name=name,
                numbers=types.Numbers(values=[value or 0 for value in values]),
                given=there.to_bytes(-(-len(given) // 8), "little"),
            )
        )
    accounts = types.Codes(names=names, positions=[names.index(one[0]) for one in given])
    return messages.AdviseCustomerRequest(chunk=chunk, accounts=accounts, **more)


def advice(channel: grpc.Channel) -> AdviceServiceStub:
    return AdviceServiceStub(channel)


def told(answer: messages.AdviseCustomerResponse, account: str) -> dict[str, messages.Outcome]:
    """Outcomes of an account by the names of the alternatives, in order."""
    (own,) = (one for one in answer.advised if one.account == account)
    return {answer.alternatives[one.alternative].id: one for one in own.outcomes}


def fen(of: types.Decimal) -> int:
    assert of.places == 2
    return of.unscaled


class TestAnswer:
    def test_an_account_with_its_alternatives(self, channel: grpc.Channel) -> None:
        """2,000 kWh and 100 kW each month: 2,000.00. With 80 kW: 1,800.00, 2,200.00 (20 kW above), 1,800.00."""
        answer = advice(channel).AdviseCustomer(request(*reversed(A)))

        (own,) = answer.advised
        assert (answer.received, answer.billed, len(answer.unadvised)) == (3, 3, 0)
        assert (own.account, list(own.index), own.currency) == ("a", [2, 1, 0], "CNY")  # by first day
        assert (list(own.bills.values), own.bills.places, fen(own.total)) == ([200_000] * 3, 2, 600_000)
        assert [answer.rule_sets[at].ruleset for at in own.rule_sets] == [SHOP] * 3
        found = told(answer, "a")
        assert list(found) == ["contract_at_best", "save", "other", "spare"]
        best = found["contract_at_best"]
        assert (list(best.bills.values), fen(best.total), fen(best.saving)) == (
            [180_000, 220_000, 180_000],
            580_000,
            20_000,
        )
        assert (best.best.unscaled, best.best.places, best.now.unscaled) == (80, 0, 100)
        assert not best.HasField("cost")

    def test_what_work_costs_and_what_is_dearer(self, channel: grpc.Channel) -> None:
        """100 kWh a month less: 50.00; once 250.00. At 1.50 a kWh, 3,000.00 a month."""
        found = told(advice(channel).AdviseCustomer(request(*A)), "a")

        assert (fen(found["save"].saving), fen(found["save"].cost)) == (15_000, 25_000)
        assert (fen(found["other"].total), fen(found["other"].saving)) == (900_000, -300_000)

    def test_why_not(self, channel: grpc.Channel) -> None:
        """b: 50 kW is the best already; 500 kWh are too few; it spares 10.00. `e` would spare more than it uses."""
        e: list[Given] = [("e", 0, 500, 50, 50, 20), ("e", 1, 500, 50, 50, 600)]

        answer = advice(channel).AdviseCustomer(request(*A, *B, *e))

        b, refused = told(answer, "b"), told(answer, "e")["spare"]
        assert [(name, messages.AlternativeState.Name(one.state)[18:]) for name, one in b.items()] == [
            ("spare", "BILLED"),
            ("other", "BILLED"),
            ("contract_at_best", "UNCHANGED"),
            ("save", "NOT_LAWFUL"),
        ]
        assert [fen(b[name].saving) for name in ("spare", "other")] == [1_000, 0]
        assert (b["save"].reason, b["save"].row, b["save"].HasField("total")) == ("只用了 500 千瓦时", 3, False)
        spare = told(answer, "a")["spare"]
        assert (spare.state, spare.reason) == (messages.ALTERNATIVE_STATE_NOT_KNOWN, "spare_kwh")
        assert (refused.state, refused.row) == (messages.ALTERNATIVE_STATE_REFUSED, 5)
        error = refused.row_error
        assert (error.row_id, error.index, error.code, error.field, error.ruleset) == (
            *("e1", 5, "out-of-bounds"),
            *("kwh", SHOP),
        )

    def test_accounts_that_are_not_advised(self, channel: grpc.Channel) -> None:
        """c has a row that is refused, d a rule set without advice, f a row twice; a has its advice all the same."""
        c: list[Given] = [("c", 0, 2000, 100, 80, None), ("c", 1, -1, 100, 80, None)]
        f: list[Given] = [("f", 0, 500, 50, 50, None)] * 2

        answer = advice(channel).AdviseCustomer(
            request(*c, ("d", 0, 500, None, None, None), *A, *f, rulesets={"d": "cn.test.other"})
        )

        assert [one.account for one in answer.advised] == ["a"]
        assert (answer.received, answer.billed) == (8, 3)
        assert [
            (one.account, list(one.index), [(of.index, of.code, of.field) for of in one.row_errors], list(one.rulesets))
            for one in answer.unadvised
        ] == [
            ("c", [0, 1], [(1, "out-of-bounds", "kwh")], [SHOP]),
            ("d", [2], [], ["cn.test.other"]),
            ("f", [6, 7], [(7, "duplicate-row", "row_id")], [SHOP]),
        ]

    def test_the_words_are_said_once(self, channel: grpc.Channel) -> None:
        """As the advice file has them, whichever accounts there are."""
        answer = advice(channel).AdviseCustomer(request(*A, *B))

        assert len(answer.alternatives) == 4
        best = next(one for one in answer.alternatives if one.id == "contract_at_best")
        assert (best.advice, best.title, best.kind) == (
            ADVICE,
            "合同最大需量取最省的值",
            messages.ALTERNATIVE_KIND_CHOICE,
        )
        assert best.best == messages.BestInput(input="contract_kw", title="合同最大需量", unit="kW")
        assert best.how == "申请变更合同最大需量"
        assert [(one.text, one.standing) for one in best.conditions] == [("提前15个工作日申请", "recalled")]
        assert best.place.file.endswith("cn/test/shop.advice.yaml")
        assert [(one.ruleset, one.title, bool(one.ruleset_hash)) for one in answer.rule_sets] == [(SHOP, "商户", True)]

    def test_the_bills_are_those_of_bill(self, channel: grpc.Channel) -> None:
        """The rows with the best contract, billed one by one."""
        answer = advice(channel).AdviseCustomer(request(*A))

        best = told(answer, "a")["contract_at_best"]
        billed = []
        for demand in (80, 100, 60):
            row = types.Row(ruleset=SHOP, period_from="2026-01-01", period_to="2026-02-01")
            for name, value in (("kwh", 2000), ("contract_kw", best.best.unscaled), ("demand_kw", demand)):
                row.values[name].number.unscaled = value
            bill = rating(channel).CalculateBill(rating_pb2.CalculateBillRequest(row=row)).bill
            billed.append(bill.total.unscaled)
        assert list(best.bills.values) == billed
        assert answer.version == bill.version


class TestAsked:
    def test_some_alternatives(self, channel: grpc.Channel) -> None:
        of_name = advice(channel).AdviseCustomer(request(*A, only=["save", f"{ADVICE}:other"]))
        of_kind = advice(channel).AdviseCustomer(request(*A, kinds=[messages.ALTERNATIVE_KIND_PLAN]))

        assert list(told(of_name, "a")) == ["save", "other"]
        assert list(told(of_kind, "a")) == ["other"]

    @pytest.mark.parametrize(
        ("asked", "message"),
        [
            (request(*A, only=["sav"]), "unknown-choice: `only[0]` is `sav`, which stands for nothing here."),
            (request(*A, kinds=[cast(Any, 9)]), "unknown-choice: `kinds[0]` is 9, which stands for nothing here."),
            (request(*A * 5), "too-many-rows: the chunk has 15 rows; at most 12 are billed at once."),
            (messages.AdviseCustomerRequest(), "field-missing: `chunk` is not given."),
            (messages.AdviseCustomerRequest(chunk=request(*A).chunk), "field-missing: `accounts` is not given."),
            (
                messages.AdviseCustomerRequest(chunk=request(*A).chunk, accounts=request(*A, *B).accounts),
                "column-length: `accounts.positions` has 4 values; 3 belong there.",
            ),
            (
                messages.AdviseCustomerRequest(chunk=request(*B).chunk, accounts=types.Codes(names=[""])),
                "field-missing: `accounts.names[0]` is not given.",
            ),
        ],
    )
    def test_what_is_wrong_with_a_call(
        self, channel: grpc.Channel, asked: messages.AdviseCustomerRequest, message: str
    ) -> None:
        found = refusal(lambda: advice(channel).AdviseCustomer(asked))

        assert (found.status, found.message) == (grpc.StatusCode.INVALID_ARGUMENT, message)

    def test_no_row_is_no_account(self, channel: grpc.Channel) -> None:
        answer = advice(channel).AdviseCustomer(
            messages.AdviseCustomerRequest(chunk=types.Chunk(), accounts=types.Codes())
        )

        assert (answer.received, len(answer.advised), len(answer.unadvised)) == (0, 0, 0)

    def test_it_needs_the_scope_of_bills(self, server: Server) -> None:
        with server.channel("li") as channel:
            found = refusal(lambda: advice(channel).AdviseCustomer(request(*A)))

        assert found.status is grpc.StatusCode.PERMISSION_DENIED
        assert found.message.startswith("scope-missing")

    def test_the_log_says_how_many(self, server: Server, channel: grpc.Channel) -> None:
        d: Given = ("d", 0, 500, None, None, None)
        asked = request(*A, *B, d, rulesets={"d": "cn.test.other"})

        advice(channel).AdviseCustomer(asked, metadata=(("x-request-id", "counted"),))

        def lines() -> list[dict[str, Any]]:
            return [one for one in server.calls("AdviseCustomer") if one.get("caller_request") == "counted"]

        server.wait_for(lambda: bool(lines()))
        (line,) = lines()
        assert (line["rows"], line["accounts"], line["advised"], line["code"]) == (5, 3, 2, "OK")


class _Context:
    """A call that is over after so many looks at it."""

    def __init__(self, looks: int) -> None:
        self.looks = looks

    def is_active(self) -> bool:
        self.looks -= 1
        return self.looks >= 0


class _Books:
    """The one version."""

    def __init__(self, book: LoadedBook) -> None:
        self.book = book

    def choose(self, version: str = "", allow_withdrawn: bool = False) -> LoadedBook:
        return self.book


def call(looks: int = 1_000) -> Any:
    return Call(cast(Any, _Context(looks)), Principal("", frozenset()), "1")


def servicer(book: LoadedBook, **more: int) -> AdviceServicer:
    return AdviceServicer(cast(Books, _Books(book)), **more)


class TestBounds:
    def test_pieces_say_what_the_whole_says(self, book: LoadedBook) -> None:
        """Accounts that come mixed, advised one by one and all at once."""
        mixed = [one for pair in zip(A, [("g", *one[1:]) for one in A], strict=True) for one in pair]
        asked = request(*mixed, *B, *[("c", 0, -1, 100, 80, None)])

        whole = servicer(book).AdviseCustomer(asked, call())
        pieces = servicer(book, piece_rows=1).AdviseCustomer(asked, call())

        assert [one.account for one in whole.advised] == ["a", "g", "b"]
        assert whole == pieces

    def test_it_stops_when_nobody_waits(self, book: LoadedBook) -> None:
        """Two accounts are two pieces; after the first the deadline has passed."""
        with pytest.raises(ProblemsFound) as raised:
            servicer(book, piece_rows=1).AdviseCustomer(request(*A, *B), call(looks=1))

        assert [one.code for one in raised.value.problems] == ["call-over"]

    def test_few_at_once(self, book: LoadedBook) -> None:
        """One is under way; a second is told to come later, and a third finds the place free again."""
        busy = servicer(book, advices=1)
        waiting: list[str] = []

        class Meanwhile(_Context):
            def is_active(self) -> bool:
                with pytest.raises(ProblemsFound) as raised:
                    busy.AdviseCustomer(request(*B), call())
                waiting.extend(one.code for one in raised.value.problems)
                return super().is_active()

        busy.AdviseCustomer(request(*B), cast(Any, Call(cast(Any, Meanwhile(1)), Principal("", frozenset()), "1")))
        answer = busy.AdviseCustomer(request(*B), call())

        assert (waiting, len(answer.advised)) == (["too-many-calls"], 1)


class TestProfiles:
    def test_a_bill_has_scores_and_segments(self, channel: grpc.Channel) -> None:
        """2,000 kWh: 95, 80 kW: 50, half of each: 72.5, gold."""
        row = types.Row(ruleset=SHOP, period_from="2026-01-01", period_to="2026-02-01")
        for name, value in (("kwh", 2000), ("contract_kw", 100), ("demand_kw", 80)):
            row.values[name].number.unscaled = value

        bill = rating(channel).CalculateBill(rating_pb2.CalculateBillRequest(row=row)).bill

        (score,), (level,) = bill.scores, bill.segments
        assert (score.id, score.title, score.value) == ("size", "规模", types.Decimal(unscaled=725, places=1))
        assert (level.id, level.title, level.class_id, level.class_title) == ("level", "等级", "gold", "金牌客户")
        assert list(level.services) == ["客户经理", "上门服务"]

    def test_columns_have_them_too(self, channel: grpc.Channel) -> None:
        """100 kW: 100 points, so 97.5; 500 kWh and 50 kW: 10 and 25, so 35.0; another rule set has none."""
        chunk = request(*A[:2], *B, ("d", 0, 1, None, None, None), rulesets={"d": "cn.test.other"}).chunk
        del chunk.columns[3]
        asked = rating_pb2.CalculateBillsRequest(chunk=chunk)

        (answer,) = rating(channel).CalculateBills(iter([asked]))
        (totals,) = rating(channel).CalculateBills(
            iter([rating_pb2.CalculateBillsRequest(chunk=chunk, detail=rating_pb2.DETAIL_TOTALS)])
        )

        of = {group.ruleset: group for group in answer.groups}
        (score,), (level,) = of[SHOP].scores, of[SHOP].segments
        assert (score.id, list(score.values.values), score.values.places) == ("size", [725, 975, 350], 1)
        assert (level.id, [level.classes.names[at] for at in level.classes.positions]) == (
            "level",
            ["gold", "gold", "ordinary"],
        )
        assert not of["cn.test.other"].scores
        assert [len(group.scores) for group in totals.groups] == [0, 0]

    def test_a_rule_set_describes_them(self, channel: grpc.Channel) -> None:
        asked = rulesets_pb2.GetRuleSetRequest(name=f"ruleSets/{SHOP}", without_files=True)

        found = rule_sets(channel).GetRuleSet(asked).rule_set

        (score,), (segment,), (own,) = found.scores, found.segments, found.advice
        assert (score.id, score.places, [one.id for one in score.indicators]) == ("size", 1, ["use", "demand"])
        assert (segment.id, [(one.id, list(one.services)) for one in segment.classes]) == (
            "level",
            [("ordinary", []), ("gold", ["客户经理", "上门服务"])],
        )
        assert (own.id, own.title, own.standing) == (ADVICE, "降低用电成本的办法", "example")
        assert [(one.name, one.unit, one.required) for one in own.inputs] == [("spare_kwh", "kWh", False)]
        assert [one.id for one in own.alternatives] == ["contract_at_best", "save", "spare", "other"]
