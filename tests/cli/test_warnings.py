"""`dianjia warnings`: events in, warnings out, delivery; as text, as JSON and as exit codes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from engine.cli import main
from engine.warnings.webhook_signature import read_secret
from tests.triggers.gateway import SECRET, empty_database, gateway, status

RULES = """\
ruleset: cn.test.usage
title: 用电量预警
source: {standing: example, note: 测试}
in_force: {from: 2000-01-01, until_replaced: true}
events:
  usage_recorded:
    title: 一期用电量
    lateness: 3 days
    keys: [meter]
    inputs: {energy: {unit: kWh, places: 2, from: 0, to: 1000000}}
  bill_issued:
    title: 出账
    lateness: 1 day
    inputs: {amount: {unit: CNY, places: 2, from: 0, to: 1000000}}
  payment_received:
    title: 交费
    lateness: 1 day
    inputs: {amount: {unit: CNY, places: 2, from: 0, to: 1000000}}
triggers:
  rising_use:
    title: 连续两期用电增长
    kind: trend
    on: usage_recorded
    when: energy > previous.energy
    times: 2
    at_most_apart: 45 days
    each: [meter]
    level: yellow
    recipient: account_manager
    message: 本期 {energy} 千瓦时，上期 {previous.energy} 千瓦时
    causes: [新增设备]
    action: 回访用户
    source: {standing: example, note: 测试}
  unpaid:
    title: 三十天未交费
    kind: sequence
    steps:
      - {as: bill, on: bill_issued}
      - {absent: payment_received, within: 30 days}
    keeps: latest
    level: red
    recipient: credit_control
    message: 账单 {bill.amount} 元三十天未交
    causes: [遗忘, 争议]
    action: 催费
    source: {standing: example, note: 测试}
"""

RISING = """\
{"id": "e1", "event": "usage_recorded", "account": "C1", "at": "2025-01-31T08:00:00+08:00", "meter": "m1", "energy": "100.00", "region": "north"}
{"id": "e2", "event": "usage_recorded", "account": "C1", "at": "2025-02-28T08:00:00+08:00", "meter": "m1", "energy": 110.1}
{"id": "x2", "event": "usage_recorded", "account": "C1", "at": "2025-02-28T08:00:00+08:00", "meter": "m2", "energy": 5}

{"id": "e3", "event": "usage_recorded", "account": "C1", "at": "2025-03-31T08:00:00+08:00", "meter": "m1", "energy": 133}
"""  # noqa: E501  # one event a line
BILL = '{"id": "b1", "event": "bill_issued", "account": "C2", "at": "2025-02-01T00:00:00+08:00", "amount": "88.80"}\n'
HOST = '[a]\nurl = "https://h/"\nsecret_env = "KEY"\n'  # an endpoint that is as it should be


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with rules, events and a database of its own, as the current one."""
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "usage.ruleset.yaml").write_text(RULES, encoding="utf-8")
    (tmp_path / "rising.jsonl").write_text(RISING, encoding="utf-8")
    (tmp_path / "bill.jsonl").write_text(BILL, encoding="utf-8")
    empty_database(tmp_path / "desk.sqlite").close()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DIANJIA_DATABASE", "sqlite:///desk.sqlite")
    monkeypatch.delenv("DIANJIA_LANGUAGE", raising=False)
    monkeypatch.delenv("DIANJIA_WEBHOOKS", raising=False)
    return tmp_path


def dianjia(*arguments: str, given: str | None = None) -> Result:
    return CliRunner().invoke(main, ["warnings", *arguments], catch_exceptions=False, input=given)


def told(*arguments: str, code: int = 0, given: str | None = None) -> Any:
    """What a command tells a program."""
    done = dianjia(*arguments, "--format", "json", given=given)
    assert done.exit_code == code, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def recorded(here: Path) -> list[Any]:
    """Two warnings: rising use in March, a bill unpaid for thirty days; oldest first."""
    told("record", "rising.jsonl", "bill.jsonl", "--complete-until", "2025-06-30T00:00:00+08:00")
    found: list[Any] = told("list", "--since", "0")
    return found


class TestRecord:
    def test_what_became_of_the_events(self, here: Path) -> None:
        """The watermark is the latest event less the longest lateness, three days."""
        assert told("record", "rising.jsonl") == {
            "accepted": 4,
            "duplicates": 0,
            "refused": 0,
            "warnings": 0,
            "watermark": "2025-03-28T00:00:00Z",
            "problems": [],
        }

    def test_told_to_be_complete_deadlines_fire(self, here: Path) -> None:
        """The bill of 1 February is unpaid on 3 March, 30 days of 24 hours later."""
        done = told("record", "bill.jsonl", "--complete-until", "2025-03-03T00:00:01+08:00")
        (found,) = told("list")

        assert (done["warnings"], done["watermark"]) == (1, "2025-03-02T16:00:01Z")
        assert (found["trigger"], found["at"], found["event"]) == ("cn.test.usage:unpaid", "2025-03-02T16:00:00Z", "")
        assert (found["message"], found["values"]) == ("账单 88.80 元三十天未交", {"bill.amount": "88.80"})

    def test_sent_again_it_is_no_harm(self, here: Path) -> None:
        told("record", "rising.jsonl")

        assert (here / "desk.sqlite").exists()
        assert told("record", "rising.jsonl")["duplicates"] == 4

    def test_several_files_side_by_side(self, here: Path) -> None:
        """One after the other, the bill of February would be too late for the usage of March."""
        assert told("record", "rising.jsonl", "bill.jsonl")["refused"] == 0

    def test_a_file_that_is_not_in_order(self, here: Path) -> None:
        """Refused unless it is sorted first: the last line moves the watermark beyond the others."""
        lines = [line for line in RISING.splitlines() if line]
        (here / "mixed.jsonl").write_text("\n".join(reversed(lines)), encoding="utf-8")

        assert told("record", "mixed.jsonl", "--sort")["accepted"] == 4

    def test_from_standard_input(self, here: Path) -> None:
        assert told("record", "-", given=RISING)["accepted"] == 4

    def test_parquet_and_csv(self, here: Path) -> None:
        rows = [{**json.loads(line), "energy": "120.00"} for line in RISING.splitlines() if line]
        table = pa.Table.from_pylist([{**row, "region": row.get("region")} for row in rows])
        pq.write_table(table.slice(0, 3), here / "part.parquet")
        csv = "id,event,account,at,meter,energy\ne9,usage_recorded,C1,2025-03-31T08:00:00+08:00,m1,133.001\n"
        (here / "part.csv").write_text(csv, encoding="utf-8")

        done = told("record", "part.parquet", "part.csv", code=1)

        assert (done["accepted"], done["refused"]) == (3, 1)
        (problem,) = done["problems"]
        assert [problem[name] for name in ("file", "row", "id", "code", "field", "value")] == [
            "part.csv",
            1,
            "e9",
            "too-many-places",
            "energy",
            "133.001",
        ]

    def test_what_is_refused_with_line_field_and_reason(self, here: Path) -> None:
        """The others are taken; numbers are never binary fractions, so that 0.1 is 0.1."""
        at = "2025-01-31T08:00:00Z"
        usage = f'"event": "usage_recorded", "account": "C1", "at": "{at}", "meter": "m"'
        bill = f'"event": "bill_issued", "account": "C1", "at": "{at}"'
        lines = [
            f'{{"id": "e1", {usage}, "energy": 0.1}}',
            f'{{"id": "e2", {usage.replace(at, "2025-01-31")}, "energy": 1}}',
            f'{{"id": "e3", {usage.replace("usage_recorded", "usage")}}}',
            f'{{"id": 4, {bill}, "amount": 1}}',
            f'{{"id": "e5", {bill}, "amount": 1.001}}',
            f'{{"id": "e6", {bill}, "amount": 1, "vat": 0}}',
            f'{{"id": "e7", {bill}}}',
            '{"id": "e8", "id": "e9"}',
            '{"id": "e8", "amount": NaN}',
            '["e8"]',
            "no json",
            f'{{"id": "e1", {usage}, "energy": 0.2}}',
        ]
        (here / "odd.jsonl").write_text("\n".join(lines), encoding="utf-8")

        done = told("record", "odd.jsonl", code=1)
        text = dianjia("record", "odd.jsonl")

        assert (done["accepted"], done["duplicates"], done["refused"]) == (1, 0, 11)
        assert [(one["line"], one["code"], one["field"]) for one in done["problems"]] == [
            (2, "bad-event-time", "at"),
            (3, "unknown-event", "event"),
            (4, "bad-event-id", "id"),
            (5, "too-many-places", "amount"),
            (6, "unknown-event-value", "vat"),
            (7, "missing-value", "amount"),
            (8, "event-line", ""),
            (9, "event-line", ""),
            (10, "event-line", ""),
            (11, "event-line", ""),
            (12, "event-id-taken", "id"),
        ]
        assert text.exit_code == 1
        assert "odd.jsonl:8: event-line: the line is no event: `id` is there twice." in text.stderr
        assert "odd.jsonl:2: `e2` bad-event-time: " in text.stderr

    def test_in_chinese(self, here: Path) -> None:
        done = dianjia("record", "-", "--language", "zh", given="nothing\n")

        assert "-:1: event-line: 该行不是事件：从第 1 列起不是 JSON。" in done.stderr
        assert "已拒绝  1" in done.stdout

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (("missing.jsonl",), "dianjia: there is no file `missing.jsonl`.\n"),
            (
                ("rising.jsonl", "--complete-until", "2025-06-30"),
                "dianjia: --complete-until is `2025-06-30`, which is no time with a zone. "
                "Write 2026-01-31T00:00:00+08:00.\n",
            ),
        ],
    )
    def test_what_is_not_understood(self, here: Path, arguments: tuple[str, ...], said: str) -> None:
        done = dianjia("record", *arguments)

        assert (done.exit_code, done.stderr) == (2, said)


class TestList:
    def test_nothing_yet(self, here: Path) -> None:
        assert dianjia("list").stdout == "there are no warnings.\n"
        assert dianjia("list", "--language", "zh").stdout == "没有预警。\n"

    def test_newest_first_or_behind_a_cursor(self, recorded: list[Any]) -> None:
        cursors = [one["cursor"] for one in recorded]

        assert [one["cursor"] for one in told("list")] == cursors[::-1] == [2, 1]
        assert [one["cursor"] for one in told("list", "--since", "1")] == [2]
        assert [one["cursor"] for one in told("list", "--count", "1")] == [2]

    @pytest.mark.parametrize(
        ("arguments", "accounts"),
        [
            (("--level", "red"), ["C2"]),
            (("--level", "red", "--level", "yellow"), ["C1", "C2"]),
            (("--region", "north"), ["C1"]),
            (("--recipient", "credit_control"), ["C2"]),
            (("--trigger", "cn.test.usage:rising_use"), ["C1"]),
            (("--account", "C2"), ["C2"]),
            (("--ruleset", "cn.test.usage", "--state", "cleared"), []),
            (("--kind", "tariff_notice"), []),
            (("--acknowledged",), []),
            (("--unacknowledged",), ["C1", "C2"]),
        ],
    )
    def test_filters(self, recorded: list[Any], arguments: tuple[str, ...], accounts: list[str]) -> None:
        assert sorted(one["account"] for one in told("list", *arguments)) == accounts

    def test_as_text(self, recorded: list[Any]) -> None:
        heads, _, _, line = dianjia("list").stdout.splitlines()
        chinese = dianjia("list", "--language", "zh").stdout

        assert heads.split()[:4] == ["cursor", "at", "level", "state"]
        assert line.split()[:6] == ["1", "2025-03-03", "00:00:00+08:00", "red", "raised", "C2"]
        assert "红色" in chinese

    def test_times_are_those_of_the_place_of_the_trigger(self, recorded: list[Any], here: Path) -> None:
        """New York is five hours behind UTC in early March; without rules it is still told from where a time counts."""
        (here / "rules" / "usage.ruleset.yaml").write_text(
            RULES.replace("events:\n", "calendar: {timezone: America/New_York}\nevents:\n", 1), encoding="utf-8"
        )
        there = dianjia("list", "--account", "C2").stdout
        shutil.rmtree(here / "rules")
        without = dianjia("list", "--account", "C2", "--rules", "nothing").stdout

        assert "2025-03-02 11:00:00-05:00" in there
        assert "2025-03-03 00:00:00+08:00" in without
        assert [one["at"] for one in told("list", "--account", "C2")] == ["2025-03-02T16:00:00Z"]

    def test_what_nothing_fits(self, recorded: list[Any]) -> None:
        """It is told apart from a desk without warnings; a name that no trigger can have is not taken for a filter."""
        done = dianjia("list", "--trigger", "rising_use")

        assert dianjia("list", "--account", "C9").stdout == "there are no warnings that fit.\n"
        assert dianjia("list", "--account", "C9", "--language", "zh").stdout == "没有符合条件的预警。\n"
        assert (done.exit_code, done.stdout) == (2, "")
        assert "Write RULESET:NAME" in done.stderr
        assert dianjia("list", "--recipient", "credit-control").exit_code == 2

    @pytest.mark.parametrize("command", ["list", "watch"])
    def test_a_cursor_that_no_warning_has_had(self, recorded: list[Any], command: str) -> None:
        """As over gRPC: who goes on from there would miss what comes next."""
        done = dianjia(command, "--since", "3")

        assert (done.exit_code, done.stdout) == (1, "")
        assert done.stderr.startswith("cursor-ahead: `--since` is 3, and the newest warning has 2: ")


class TestShow:
    def test_with_the_rule_and_the_events_behind_it(self, recorded: list[Any]) -> None:
        """Of the meter that is meant, newest first."""
        (rising,) = [one for one in recorded if one["account"] == "C1"]

        found = told("show", rising["id"])

        assert found["place"] == "rules/usage.ruleset.yaml:20"
        assert found["keys"] == {"meter": "m1"}
        assert [(one["id"], one["energy"], one["completed"]) for one in found["events"]] == [
            ("e3", "133.00", True),
            ("e2", "110.10", False),
            ("e1", "100.00", False),
        ]

    def test_as_text(self, recorded: list[Any]) -> None:
        (rising,) = [one for one in recorded if one["account"] == "C1"]

        text = dianjia("show", rising["id"], "--language", "zh").stdout

        assert "本期 133.00 千瓦时，上期 110.10 千瓦时" in text
        assert "cn.test.usage:rising_use  rules/usage.ruleset.yaml:20" in text
        assert "相关事件\n2025-03-31 08:00:00+08:00  usage_recorded" in text

    def test_what_is_not_there(self, here: Path) -> None:
        done = dianjia("show", "nothing")

        assert done.exit_code == 1
        assert done.stderr.startswith("warning-not-found: ")


class TestWatchAndAcknowledge:
    def test_from_a_cursor(self, recorded: list[Any]) -> None:
        done = dianjia("watch", "--since", "0", "--count", "2", "--format", "json")

        assert [json.loads(line)["cursor"] for line in done.stdout.splitlines()] == [1, 2]
        assert done.stderr == "watching for warnings behind cursor 0; Ctrl-C ends it\n"

    def test_a_line_has_what_is_needed_to_take_it_up(self, recorded: list[Any]) -> None:
        line = dianjia("watch", "--since", "0", "--count", "1").stdout.rstrip()

        assert line.startswith("1  2025-03-03 00:00:00+08:00  red  raised  C2  三十天未交费  账单 88.80 元三十天未交  ")
        assert line.endswith(recorded[0]["id"])

    def test_taken_up_by_the_first_who_says_so(self, recorded: list[Any]) -> None:
        id_ = recorded[0]["id"]
        told("acknowledge", id_, "--by", "王", "--note", "已电话回访")

        again = told("acknowledge", id_, "--by", "李")

        assert (again["acknowledged"]["by"], again["acknowledged"]["note"]) == ("王", "已电话回访")
        assert [one["id"] for one in told("list", "--acknowledged")] == [id_]

    def test_whoever_comes_second_is_told(self, recorded: list[Any]) -> None:
        """Else they would believe that the note they typed is kept."""
        first, second = (dianjia("acknowledge", recorded[0]["id"], "--by", who) for who in ("王", "李"))

        assert (first.stderr, first.exit_code) == ("", 0)
        assert "taken up by 王" in second.stdout
        assert second.stderr == "it had been taken up before: that stays, and nothing was added.\n"


class TestKeeping:
    def test_a_replay_that_is_equal(self, recorded: list[Any]) -> None:
        found = told("replay")

        assert (found["equal"], found["events"], found["warnings"], found["kept"]) == (True, 5, 2, 2)

    def test_a_replay_with_other_rules(self, recorded: list[Any], here: Path) -> None:
        """Which warnings differ, and exit code 1."""
        text = RULES.replace("energy > previous.energy", "energy > 2 * previous.energy")
        (here / "rules" / "usage.ruleset.yaml").write_text(text, encoding="utf-8")

        found = told("replay", code=1)

        assert (found["missing_count"], found["unexpected_count"]) == (0, 1)
        assert found["unexpected"] == [one["id"] for one in recorded if one["account"] == "C1"]
        assert "the fresh run differs from what is kept" in dianjia("replay").stdout

    def test_status(self, recorded: list[Any]) -> None:
        found = told("status")
        text = dianjia("status").stdout

        assert (found["watermark"], found["lateness_seconds"]) == ("2025-06-29T16:00:00Z", 259_200)
        assert (found["events"], found["waiting"], found["warnings"], found["unacknowledged"]) == (5, 0, 2, 2)
        assert found["endpoints"] == []
        assert "lateness           3 days" in text

    def test_old_events_are_taken_out_of_the_log(self, recorded: list[Any]) -> None:
        """Five events before 30 June; the warnings stay, and memory cannot be made anew."""
        found = told("forget", "--before", "2025-06-30T00:00:00+08:00")

        assert (found["forgotten"], found["events"]) == (5, 0)
        assert told("list", "--since", "0") == recorded
        assert "log-too-short" in dianjia("replay", "--rebuild").stderr

    def test_a_snapshot_into_another_database(self, recorded: list[Any], here: Path) -> None:
        dianjia("snapshot", "desk.snapshot")
        other = ("--database", "sqlite:///other.sqlite")

        done = dianjia("restore", "desk.snapshot", *other)

        assert done.exit_code == 0
        assert told("list", "--since", "0", *other) == recorded
        assert dianjia("restore", "desk.snapshot", *other).exit_code == 1

    def test_in_postgresql(self, here: Path, postgresql_url: str) -> None:
        at = ("--database", postgresql_url)
        told("record", "rising.jsonl", "bill.jsonl", "--complete-until", "2025-06-30T00:00:00+08:00", *at)

        (found,) = told("list", "--account", "C1", *at)

        assert [one["id"] for one in told("show", found["id"], *at)["events"]] == ["e3", "e2", "e1"]
        assert told("replay", *at)["equal"]
        assert told("status", *at)["events"] == 5


class TestSend:
    def test_warnings_go_to_an_endpoint_and_dead_letters_may_go_again(
        self, recorded: list[Any], here: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("GATEWAY_SECRET", SECRET)
        with gateway(status(400, "who is this?")) as found:
            (here / "endpoints.toml").write_text(
                f'[gateway]\nurl = "{found.url}"\nsecret_env = "GATEWAY_SECRET"\nbegins = "beginning"\ntries = 1\n',
                encoding="utf-8",
            )
            first = told("send", "--endpoints", "endpoints.toml", "--once", code=1)
            dead = told("dead-letters", "list")
            listed = dianjia("dead-letters", "list").stdout
            again = dianjia("dead-letters", "retry", dead[0]["id"])
            second = told("send", "--endpoints", "endpoints.toml", "--once")

        assert [(one["endpoint"], one["taken"], one["failed"], one["dead"]) for one in first] == [("gateway", 1, 1, 1)]
        assert [(one["cursor"], one["tries"], one["reason"]) for one in dead] == [(1, 1, "HTTP 400: who is this?")]
        assert "who is this?" in listed
        assert again.stdout == "1 to be sent again\n"
        assert [(one["taken"], one["failed"]) for one in second] == [(1, 0)]
        assert sorted(json.loads(body)["cursor"] for _, body in found.came) == [1, 1, 2]
        assert told("dead-letters", "list") == []
        (stands,) = told("status")["endpoints"]
        assert (stands["cursor"], stands["taken"], stands["waiting"], stands["dead"]) == (2, 2, 0, 0)

    def test_a_secret(self) -> None:
        made = [dianjia("secret").stdout.strip() for _ in range(2)]

        assert [len(read_secret(one)) for one in made] == [32, 32]
        assert made[0] != made[1]

    @pytest.mark.parametrize(
        ("written", "code", "said"),
        [
            ("", "webhooks-file", "the endpoints in endpoints.toml cannot be read: it names no endpoint."),
            ("[a", "webhooks-file", "the endpoints in endpoints.toml cannot be read: "),
            (HOST + 'level = ["red"]', "webhook-key", "`level` is not a key of the endpoint `a` in endpoints.toml."),
            (HOST + 'levels = ["purple"]', "webhook-value", '`purple`; it has to be a list of "info", "yellow",'),
            (HOST + "tries = 0", "webhook-value", "is `0`; it has to be a whole number from 1 to 100."),
            (HOST.replace("https", "http"), "webhook-value", "is `http://h/`; it has to be `https://...`: over `http`"),
            (HOST.replace("h/", "me:hunter2@h/"), "webhook-value", "is `https://***@h/`; it has to be `https://HOST/"),
            (
                '[a]\nsecret_env = "KEY"',
                "webhook-value",
                "`url` of the endpoint `a` in endpoints.toml is ``; it has to",
            ),
            (HOST.replace("KEY", "NO_KEY"), "webhook-secret", "can be used: the variable `NO_KEY` is empty."),
            (HOST.replace("env", "file"), "webhook-secret", "can be used: the file `KEY` cannot be read."),
            (HOST + 'secret_file = "key"', "webhook-secret", "it needs one of `secret_env` and `secret_file`."),
            ('"B c" = 1', "webhook-value", "is `B c`; it has to be a table whose name has small letters,"),
        ],
    )
    def test_what_is_wrong_with_endpoints(
        self, here: Path, monkeypatch: pytest.MonkeyPatch, written: str, code: str, said: str
    ) -> None:
        monkeypatch.setenv("KEY", SECRET)
        (here / "endpoints.toml").write_text(written, encoding="utf-8")

        done = dianjia("send", "--endpoints", "endpoints.toml", "--once")

        assert done.exit_code == 1
        assert done.stderr.startswith(f"{code}: ")
        assert said in done.stderr

    def test_a_secret_is_not_repeated_where_it_is_wrong(self, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("KEY", "hunter2")
        (here / "endpoints.toml").write_text('[a]\nurl = "https://h/"\nsecret_env = "KEY"\n', encoding="utf-8")

        done = dianjia("send", "--endpoints", "endpoints.toml", "--once")

        assert done.stderr.startswith("webhook-secret: ")
        assert "hunter2" not in done.stderr

    def test_what_is_not_said(self, here: Path) -> None:
        assert dianjia("send").exit_code == 2
        assert dianjia("dead-letters", "retry").exit_code == 2
        assert dianjia("dead-letters", "retry", "--all").exit_code == 1


def test_a_test_that_fails_is_told_in_chinese_too(here: Path) -> None:
    """What was expected and what came: 30 days after 1 February, not 29."""
    text = """\
trigger_tests:
  - name: 期限
    vouched_by: {who: 手算, from: 写错的例子}
    events: [{event: bill_issued, at: 2025-02-01, amount: 88.80}]
    until: 2025-06-01
    expect: [{trigger: unpaid, at: 2025-03-02}]
"""
    (here / "rules" / "usage.ruleset.yaml").write_text(RULES + text, encoding="utf-8")

    done = CliRunner().invoke(main, ["test", "rules", "--language", "zh"])

    assert [line.split()[-2:] for line in done.stderr.strip().splitlines()[-2:]] == [["已触发", "无"], ["无", "已触发"]]
