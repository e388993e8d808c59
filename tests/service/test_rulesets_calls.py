"""The calls of rule sets, on a real server with every shipped rule set."""

from __future__ import annotations

import re
from collections.abc import Iterator

import grpc
import pytest

from dianjia.rating.v1 import rating_pb2 as rating
from dianjia.rating.v1.rating_pb2_grpc import RatingServiceStub
from dianjia.rulesets.v1 import rulesets_pb2 as rulesets
from dianjia.rulesets.v1.rulesets_pb2_grpc import RuleSetServiceStub
from dianjia.type.v1 import type_pb2 as types
from engine.registry.content import read_folder, version_of
from engine.service.sent_files import FILES_MAX
from tests.service.drawing import chunk
from tests.service.rate_books import FILE, home
from tests.service.serving import SHIPPED, Server, serving
from tests.service.told import told

ROWS = 32
# What says that a column is not as its description: a client that builds it from there never hears of these. Nor of
# `missing-value` where an input is required, nor of `out-of-bounds` where it is an input that is outside.
OF_SHAPE = frozenset(
    {
        *("unknown-column", "too-many-places", "not-a-number", "unknown-code", "bad-date"),
        *("binary-float", "not-a-list", "too-many-items", "unknown-item-key", "interval-count", "unknown-ruleset"),
        *("duplicate-row", "bad-period", "period-too-long"),
    }
)
JIANGSU = "ruleSets/cn.jiangsu.residential"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("server"), rules=SHIPPED) as found:
        yield found


@pytest.fixture(scope="module")
def channel(server: Server) -> Iterator[grpc.Channel]:
    with server.channel() as found:
        yield found


@pytest.fixture(scope="module")
def calls(channel: grpc.Channel) -> RuleSetServiceStub:
    return RuleSetServiceStub(channel)


@pytest.fixture(scope="module")
def everything(calls: RuleSetServiceStub) -> list[rulesets.RuleSetSummary]:
    return list(calls.ListRuleSets(rulesets.ListRuleSetsRequest(page_size=1000)).rule_sets)


def shipped_version() -> str:
    return version_of(read_folder(SHIPPED))


class TestListRuleSets:
    def test_in_order_of_id_and_first_day(self, everything: list[rulesets.RuleSetSummary]) -> None:
        """All that stand in files, those that share an id behind one another by their first day."""
        texts = [file.read_text("utf-8") for file in SHIPPED.rglob("*.ruleset.yaml")]
        watching = [text for text in texts if re.search("^triggers:", text, re.M)]  # these are not here
        files = [text for text in texts if text not in watching or re.search("^charges:", text, re.M)]

        order = [(one.id, one.in_force_from) for one in everything]

        assert order == sorted(order)
        assert len(everything) == len(files)
        assert [one.name for one in everything if one.id == "cn.national.aluminium"] == [
            "ruleSets/cn.national.aluminium@2014-01-01",
            "ruleSets/cn.national.aluminium@2022-01-01",
        ]

    def test_says_what_a_rule_set_is(self, everything: list[rulesets.RuleSetSummary]) -> None:
        found = next(one for one in everything if one.name == JIANGSU)

        assert found.id == "cn.jiangsu.residential"
        assert (found.place, found.customer_class, found.currency) == ("cn.jiangsu", "residential", "CNY")
        assert found.title
        assert found.source
        assert found.in_force_through == ""

    def test_pages_make_the_whole(self, calls: RuleSetServiceStub, everything: list[rulesets.RuleSetSummary]) -> None:
        """Seven at a time: the same rule sets in the same order, each once, all of one version."""
        found, tokens, versions = [], [""], set()
        while tokens[-1] or len(tokens) == 1:
            page = calls.ListRuleSets(rulesets.ListRuleSetsRequest(page_size=7, page_token=tokens[-1]))
            found += [one.name for one in page.rule_sets]
            tokens.append(page.next_page_token)
            versions.add(page.version)
            assert page.total_size == len(everything)

        assert found == [one.name for one in everything]
        assert versions == {shipped_version()}

    @pytest.mark.parametrize(
        ("place", "expected"),
        [
            ("cn.jiangsu", True),
            ("cn", True),
            ("cn.jiang", False),  # places begin and end at dots
            ("us", False),
        ],
    )
    def test_of_a_place(self, calls: RuleSetServiceStub, place: str, expected: bool) -> None:
        found = calls.ListRuleSets(rulesets.ListRuleSetsRequest(place=place, page_size=1000))

        assert (JIANGSU in [one.name for one in found.rule_sets]) == expected
        assert {one.place for one in found.rule_sets if not f"{one.place}.".startswith(f"{place}.")} == set()

    def test_of_a_class(self, calls: RuleSetServiceStub, everything: list[rulesets.RuleSetSummary]) -> None:
        found = calls.ListRuleSets(rulesets.ListRuleSetsRequest(customer_class="residential", page_size=1000))

        residential = [one.name for one in everything if one.customer_class == "residential"]
        assert [one.name for one in found.rule_sets] == residential
        assert JIANGSU in residential

    @pytest.mark.parametrize(
        ("day", "expected"), [("2021-12-31", "2014-01-01"), ("2022-01-01", "2022-01-01"), ("2013-12-31", None)]
    )
    def test_in_force_on_a_day(self, calls: RuleSetServiceStub, day: str, expected: str | None) -> None:
        """The last day of the first of two, the first day of the second, the day before both."""
        found = calls.ListRuleSets(rulesets.ListRuleSetsRequest(in_force_on=day, page_size=1000))

        assert [one.in_force_from for one in found.rule_sets if one.id == "cn.national.aluminium"] == (
            [] if expected is None else [expected]
        )

    def test_filters_are_joined(self, calls: RuleSetServiceStub) -> None:
        asked = rulesets.ListRuleSetsRequest(place="cn.jiangsu", customer_class="residential", in_force_on="2026-01-01")

        found = calls.ListRuleSets(asked)

        assert [one.name for one in found.rule_sets] == [JIANGSU]
        assert (found.total_size, found.next_page_token) == (1, "")

    def test_a_token_belongs_to_its_filters(self, calls: RuleSetServiceStub) -> None:
        first = calls.ListRuleSets(rulesets.ListRuleSetsRequest(page_size=1, place="cn"))
        other = rulesets.ListRuleSetsRequest(page_size=1, place="us", page_token=first.next_page_token)

        found = told(lambda: calls.ListRuleSets(other))

        assert (found.status, found.code) == (grpc.StatusCode.INVALID_ARGUMENT, "bad-page")
        assert found.parameters["field"] == "page_token"

    @pytest.mark.parametrize("token", ["x", "AAAA", "WzEsMiwzXQ==", "WyJhIiwiYiIsImMiXQ==", "名" * 500, "W" * 3000])
    def test_a_made_up_token_has_no_page(self, calls: RuleSetServiceStub, token: str) -> None:
        found = told(lambda: calls.ListRuleSets(rulesets.ListRuleSetsRequest(page_token=token)))

        assert found.code == "bad-page"

    @pytest.mark.parametrize("size", [-1, 1001, 2**31 - 1])
    def test_a_page_has_at_most_a_thousand(self, calls: RuleSetServiceStub, size: int) -> None:
        found = told(lambda: calls.ListRuleSets(rulesets.ListRuleSetsRequest(page_size=size)))

        assert (found.code, found.parameters["value"]) == ("bad-page", str(size))

    def test_a_day_is_a_day(self, calls: RuleSetServiceStub) -> None:
        found = told(lambda: calls.ListRuleSets(rulesets.ListRuleSetsRequest(in_force_on="2026-02-30")))

        assert (found.code, found.parameters["value"]) == ("bad-day", "2026-02-30")

    def test_of_a_version_that_is_not_here(self, calls: RuleSetServiceStub) -> None:
        asked = rulesets.ListRuleSetsRequest(version=types.VersionChoice(version="0" * 64))

        found = told(lambda: calls.ListRuleSets(asked))

        assert (found.status, found.code) == (grpc.StatusCode.FAILED_PRECONDITION, "version-not-here")


class TestGetRuleSet:
    def test_describes_inputs(self, calls: RuleSetServiceStub) -> None:
        """As the rule set has them, read off its file."""
        found = calls.GetRuleSet(rulesets.GetRuleSetRequest(name=JIANGSU)).rule_set

        inputs = {one.name: one for one in found.inputs}
        voltage = inputs["voltage"]
        assert voltage.kind == rulesets.INPUT_KIND_CODE
        assert "below_1kv" in [code.code for code in voltage.codes]
        assert all(code.title for code in voltage.codes)
        numbers = [one for one in found.inputs if one.kind == rulesets.INPUT_KIND_NUMBER and one.unit == "kWh"]
        assert numbers
        assert all(one.low.places == one.high.places == one.places for one in numbers)
        assert {"period_from", "period_to", "day", "part"} & set(inputs) == set()

    def test_carries_the_files_that_it_is_compiled_from(self, calls: RuleSetServiceStub) -> None:
        """Its own, its form's and its shared ones; not the whole rate book."""
        asked = rulesets.GetRuleSetRequest(name="ruleSets/cn.anhui.two_part_industry")

        found = calls.GetRuleSet(asked).rule_set

        assert [file.path for file in found.files] == [
            "cn/anhui/two_part_industry.ruleset.yaml",
            "cn/national/load_curve.form.yaml",
            "cn/national/power_factor.shared.yaml",
        ]
        assert [file.content for file in found.files] == [(SHIPPED / file.path).read_bytes() for file in found.files]

    def test_leaves_files_out(self, calls: RuleSetServiceStub) -> None:
        found = calls.GetRuleSet(rulesets.GetRuleSetRequest(name=JIANGSU, without_files=True))

        assert list(found.rule_set.files) == []
        assert found.version == shipped_version()

    def test_of_several_that_share_an_id(self, calls: RuleSetServiceStub) -> None:
        """Each by its first day; by the id alone both names are told."""
        names = [f"ruleSets/cn.national.aluminium@{day}" for day in ("2014-01-01", "2022-01-01")]

        found = [calls.GetRuleSet(rulesets.GetRuleSetRequest(name=name)).rule_set.summary.name for name in names]
        refused = told(lambda: calls.GetRuleSet(rulesets.GetRuleSetRequest(name="ruleSets/cn.national.aluminium")))

        assert found == names
        assert (refused.status, refused.code) == (grpc.StatusCode.NOT_FOUND, "unknown-resource")
        assert refused.parameters["form"] == " / ".join(names)

    def test_by_its_first_day_where_it_is_alone(self, calls: RuleSetServiceStub) -> None:
        begins = calls.GetRuleSet(rulesets.GetRuleSetRequest(name=JIANGSU)).rule_set.summary.in_force_from

        found = calls.GetRuleSet(rulesets.GetRuleSetRequest(name=f"{JIANGSU}@{begins}"))

        assert found.rule_set.summary.name == JIANGSU

    @pytest.mark.parametrize("name", ["", "ruleSets/", "cn.jiangsu.residential", "ruleSets/cn.nowhere", "rateBooks/x"])
    def test_nothing_else_has_a_name(self, calls: RuleSetServiceStub, name: str) -> None:
        found = told(lambda: calls.GetRuleSet(rulesets.GetRuleSetRequest(name=name)))

        assert found.code == "unknown-resource"

    def test_says_which_days_have_an_hour_more_or_less(self, calls: RuleSetServiceStub) -> None:
        """Pacific time: the second Sunday of March has 23 hours, the first of November 25."""
        name = "ruleSets/us.san_diego_gas_electric.tou_dr_1_coastal_baseline_region"
        (found,) = calls.GetRuleSet(rulesets.GetRuleSetRequest(name=name)).rule_set.lists

        odd = {one.day: one.intervals for one in found.odd_days}
        hour = 60 // found.interval_minutes
        assert (odd["2026-03-08"], odd["2026-11-01"]) == (23 * hour, 25 * hour)
        assert [day for day in odd if day.startswith("2026")] == ["2026-03-08", "2026-11-01"]

    def test_is_enough_to_build_columns(
        self, channel: grpc.Channel, calls: RuleSetServiceStub, everything: list[rulesets.RuleSetSummary]
    ) -> None:
        """Rows drawn from the description of each shipped rule set alone: none is refused for its shape.

        Rules have reasons of their own to refuse what was drawn at random; of many rule sets some rows are billed.
        """
        described = [
            calls.GetRuleSet(rulesets.GetRuleSetRequest(name=one.name, without_files=True)).rule_set
            for one in everything
        ]
        requests = [
            rating.CalculateBillsRequest(sequence=at, chunk=chunk(one, ROWS, at * ROWS))
            for at, one in enumerate(described)
        ]

        answers = list(RatingServiceStub(channel).CalculateBills(iter(requests)))

        wrong, billed = [], 0
        for one, answer in zip(described, answers, strict=True):
            billed += answer.billed > 0
            wrong += [
                f"{one.summary.name}: {found.code} {found.field} {found.value}: {found.reason}"
                for found in answer.row_errors
                if found.code in OF_SHAPE or (found.code, _name(found.field)) in _never(one)
            ]
        assert wrong == []
        assert billed > len(everything) // 2

    def test_a_value_outside_its_description_is_refused(self, channel: grpc.Channel, calls: RuleSetServiceStub) -> None:
        """What the test above looks for is there to be found: above the bound, a place too many, a name more."""
        described = calls.GetRuleSet(rulesets.GetRuleSetRequest(name=JIANGSU)).rule_set
        rows = chunk(described, 1)
        numbers = next(one for one in rows.columns if one.name == "kwh_total" or one.name.startswith("kwh"))
        spec = next(one for one in described.inputs if one.name == numbers.name)
        above, fine, more = types.Chunk(), types.Chunk(), types.Chunk()
        for at, copy in enumerate((above, fine, more)):
            copy.CopyFrom(rows)
            copy.row_id_numbers.values[0] = at
        _column(above, numbers.name).numbers.values[0] = spec.high.unscaled + 1
        _column(fine, numbers.name).numbers.values[0] = 1
        _column(fine, numbers.name).numbers.places = spec.places + 1
        more.columns.add(name="nonsense").numbers.values.append(1)
        for copy in (above, fine, more):
            for one in copy.columns:
                if one.name == numbers.name:
                    one.given = b""

        answers = RatingServiceStub(channel).CalculateBills(
            rating.CalculateBillsRequest(sequence=at, chunk=one) for at, one in enumerate((above, fine, more))
        )

        assert [found.code for answer in answers for found in answer.row_errors] == [
            "out-of-bounds",
            "too-many-places",
            "unknown-column",
        ]


class TestValidateRuleSet:
    def test_a_changed_file_among_those_of_the_version(self, calls: RuleSetServiceStub) -> None:
        """A price that the notice's own checks do not hold for: the problem has its place and both languages."""
        path = "cn/jiangsu/residential.ruleset.yaml"
        content = (SHIPPED / path).read_bytes().replace(b"0.5283, 0.5783", b"0.5283, 0.5784")
        asked = rulesets.ValidateRuleSetRequest(files=[rulesets.SourceFile(path=path, content=content)])

        found = calls.ValidateRuleSet(asked, timeout=120)

        assert [one.code for one in found.problems] == ["check-failed"]
        (problem,) = found.problems
        line = content.decode().splitlines()[problem.place.line - 1]
        assert problem.place.file == path
        assert line[problem.place.column - 1 : problem.place.end_column - 1] == "0.5784"
        assert problem.headline
        assert problem.headline_zh
        assert problem.parameters["printed"] == "0.5784"
        assert found.problems_found == 1
        assert found.version == version_of({**read_folder(SHIPPED), path: content})

    def test_a_whole_rate_book(self, calls: RuleSetServiceStub) -> None:
        files = [rulesets.SourceFile(path=path, content=content) for path, content in home().items()]

        found = calls.ValidateRuleSet(rulesets.ValidateRuleSetRequest(files=files, alone=True), timeout=60)

        assert (list(found.problems), found.rule_sets, found.tests) == ([], 1, 0)
        assert found.version == version_of(home())

    def test_runs_the_tests(self, calls: RuleSetServiceStub) -> None:
        """One that does not hold is a problem; who works by hand gets 100 kWh x 0.50 right."""
        content = (
            home()[FILE]
            + (
                "\ntests:\n"
                + "".join(
                    f"  - name: {total}\n    vouched_by: {{who: worked by hand, from: 100 × 0.50}}\n"
                    f"    billing_period: 2026-01\n    given: {{kwh: 100}}\n    expect: {{total: {total}}}\n"
                    for total in ("50.00", "51.00")
                )
            ).encode()
        )
        files = [rulesets.SourceFile(path=FILE, content=content)]

        found = calls.ValidateRuleSet(rulesets.ValidateRuleSetRequest(files=files, alone=True), timeout=60)

        assert found.tests == 2
        assert [(one.code, one.parameters["name"]) for one in found.problems] == [("test-fails", "51.00")]

    @pytest.mark.parametrize(
        "path", ["../x.yaml", "/etc/x.yaml", "a/../x.yaml", "a\\x.yaml", "x.py", "", "a//x.yaml", "x\n.yaml", "a" * 400]
    )
    def test_files_stay_inside(self, calls: RuleSetServiceStub, path: str) -> None:
        files = [rulesets.SourceFile(path=path, content=b"x")]

        found = told(lambda: calls.ValidateRuleSet(rulesets.ValidateRuleSetRequest(files=files, alone=True)))

        assert (found.status, found.code) == (grpc.StatusCode.INVALID_ARGUMENT, "bad-path")

    def test_a_file_comes_once(self, calls: RuleSetServiceStub) -> None:
        files = [rulesets.SourceFile(path="x.yaml", content=b"x")] * 2

        found = told(lambda: calls.ValidateRuleSet(rulesets.ValidateRuleSetRequest(files=files)))

        assert (found.code, found.parameters["path"]) == ("file-twice", "x.yaml")

    def test_files_are_not_too_many(self, calls: RuleSetServiceStub) -> None:
        """Of files without a byte too: their names take memory."""
        files = [rulesets.SourceFile(path=f"{number}.csv") for number in range(FILES_MAX + 1)]

        found = told(lambda: calls.ValidateRuleSet(rulesets.ValidateRuleSetRequest(files=files)))

        assert (found.code, found.parameters["field"]) == ("too-many-entries", "files")

    def test_nothing_is_no_rate_book(self, calls: RuleSetServiceStub) -> None:
        found = told(lambda: calls.ValidateRuleSet(rulesets.ValidateRuleSetRequest(alone=True)))

        assert found.code == "rate-book-empty"

    def test_many_at_once_are_told_to_come_later(self, calls: RuleSetServiceStub) -> None:
        """They are compiled two at a time, and none of the others waits and holds a thread."""
        path = "cn/jiangsu/residential.ruleset.yaml"
        file = rulesets.SourceFile(path=path, content=(SHIPPED / path).read_bytes())
        under_way = [calls.ValidateRuleSet.future(rulesets.ValidateRuleSetRequest(files=[file])) for _ in range(6)]

        ended = [one.code() for one in under_way]

        assert ended.count(grpc.StatusCode.OK) >= 2
        assert ended.count(grpc.StatusCode.OK) + ended.count(grpc.StatusCode.RESOURCE_EXHAUSTED) == 6
        assert grpc.StatusCode.RESOURCE_EXHAUSTED in ended


def _never(described: rulesets.RuleSet) -> set[tuple[str, str]]:
    """What no row that is drawn from a description is told: code and input."""
    inputs = [(put.name, put.required) for put in described.inputs]
    inputs += [(put.name, put.required) for put in described.lists]
    inputs += [(f"{put.name}.{item.name}", item.required) for put in described.lists for item in put.inputs]
    return {("out-of-bounds", name) for name, _ in inputs} | {
        ("missing-value", name) for name, needed in inputs if needed
    }


def _name(field: str) -> str:
    """The input of a field: transformers.kva of transformers[3].kva."""
    axis, bracket, rest = field.partition("[")
    return f"{axis}{rest.partition(']')[2]}" if bracket else field


def _column(of: types.Chunk, name: str) -> types.Column:
    return next(one for one in of.columns if one.name == name)
