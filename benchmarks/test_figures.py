"""What `make bench-check` says of figures, on measurements that are made up; and where the report writes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from benchmarks import check, figures, report
from benchmarks.figures import FIGURES, GROUPS, Figure, Found, NotMeasured
from benchmarks.report import README, SECTIONS, replace_between

Group = Callable[[figures.Progress], Found]


def test_figures_are_of_groups_and_the_readme_has_a_place_for_each_section() -> None:
    """Nothing is asked that is not measured, and nothing measured that has no place."""
    text = README.read_text(encoding="utf-8")

    assert {figure.group for figure in FIGURES} <= GROUPS.keys()
    assert len({(figure.group, figure.key) for figure in FIGURES}) == len(FIGURES)
    for section in ("figures", *SECTIONS):
        assert "\n\nnew\n\n" in replace_between(text, section, "new")


def test_figures_hold_up_to_what_is_asked() -> None:
    """The bound itself holds, one step beyond does not; a figure that is only told always holds."""
    least, most = Figure("fast", "g", "k", least=2.5), Figure("small", "g", "k", most=4)

    assert [least.holds(2.5), least.holds(2.49), most.holds(4), most.holds(4.01)] == [True, False, True, False]
    assert Figure("told", "g", "k").holds(1e9)
    assert (least.asked, most.asked) == ("at least 2.50 ×", "at most 4.00 ×")


@pytest.mark.parametrize(
    ("measured", "code", "said"),
    [
        ([Found({"k": 3.0}, 10, 0)], 0, "3.00 ×                    holds"),
        ([Found({"k": 2.0}, 10, 0), Found({"k": 2.6}, 10, 0)], 0, "2.00 ×, then 2.60 ×       holds"),
        ([Found({"k": 2.0}, 10, 0), Found({"k": 2.1}, 10, 0)], 1, "2.00 ×, then 2.10 ×       FALLS SHORT"),
        ([Found({"k": 3.0}, 10, 1)], 1, "1 of 10                   FALLS SHORT"),
        ([NotMeasured("run this first")], 1, "run this first            NOT MEASURED"),
    ],
    ids=["holds", "holds the second time", "falls short twice", "a wrong total", "not there"],
)
def test_figures_that_fall_short_are_measured_once_more(
    measured: list[Found | NotMeasured],
    code: int,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The exit code is 0 where every figure holds at the first or the second try and no total is wrong."""
    left = iter(measured)

    def group(progress: figures.Progress) -> Found:
        one = next(left)
        if isinstance(one, NotMeasured):
            raise one
        return one

    monkeypatch.setattr(check, "FIGURES", (Figure("speed", "g", "k", least=2.5),))
    monkeypatch.setattr(check, "GROUPS", {"g": group})

    assert check.main([]) == code
    assert said in capsys.readouterr().out
    assert list(left) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--side", "fortran"], "argument --side: invalid choice: 'fortran' (choose from "),
        (["--rounds", "0"], "argument --rounds: '0' is not a whole number of 1 or more"),
        (["--rows", "1e6"], "argument --rows: '1e6' is not a whole number of 1 or more"),
    ],
)
def test_the_report_refuses_what_it_cannot_measure(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        report.main(arguments)

    assert said in capsys.readouterr().err


def test_a_section_whose_packages_are_missing_stays_as_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = README.read_text(encoding="utf-8")
    monkeypatch.setattr("benchmarks.tier_decisions.missing", lambda: "run `make bench-peers`")

    code = report.main(["--only", "durable"])

    assert code == 0
    assert capsys.readouterr().out == "durable: not measured: run `make bench-peers`\n"
    assert before == README.read_text(encoding="utf-8")
