"""What a run would bill, and what it came to, as a person reads it: counts, totals, warnings, refusals, overlaps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from engine.commands.output import Language, complain, emit, table
from engine.commands.words import filter_text, words

if TYPE_CHECKING:
    from engine.bulk.over_time import OverTime
    from engine.bulk.overlaps import Overlaps
    from engine.bulk.summary import RulesetSummary, Summary
    from engine.runs.manifest import Manifest


def summary_text(summary: Summary, language: Language) -> str:
    """A run as a person reads it: counts, totals by charge and rule set, scores and classes, warnings, refusals."""
    say = words(language)
    head = [
        [say("run"), summary.run],
        [say("received"), f"{summary.rows:,}"],
        [say("billed"), f"{summary.billed:,}"],
        [say("refused"), f"{summary.refused_rows:,}"],
        *([[say("left out"), f"{summary.left_out:,}"]] if summary.left_out else []),
        *([[say("filter"), filter_text(summary.filter, language)]] if summary.filter else []),
        [say("seconds"), f"{summary.seconds:.2f}"],
        [say("bills a second"), f"{summary.bills_per_second:,.0f}"],
    ]
    if summary.native is not None and summary.native[1]:
        head.append([say("in machine code"), "{:,} / {:,}".format(*summary.native)])
    parts = [table(head, align="<>"), ""]
    if summary.native is not None and not summary.native[1]:
        parts += [_none_native(language), ""]
    rows = []
    for ruleset in summary.rulesets:
        named = f"{ruleset.id}@{ruleset.in_force_from}" if ruleset.in_force_from else ruleset.id
        money = [f"{ruleset.total:,f}", ruleset.currency] if ruleset.lines else ["", ""]  # else it bills nobody
        rows.append([named, "", f"{ruleset.billed:,}", *money])
        rows += [["", charge, "", f"{amount:,f}", ""] for charge, amount in ruleset.charges.items()]
    headers = [say("rule set"), say("charge"), say("bills"), say("amount"), say("currency")]
    parts.append(table(rows, headers, "<<>>"))
    parts += _profiles(summary.rulesets, language)
    if summary.warnings:
        rows = [[level, id_, f"{count:,}"] for level, ids in summary.warnings.items() for id_, count in ids.items()]
        parts += ["", table(rows, [say("level"), say("warning"), say("rows")], "<<>")]
    if summary.over_time is not None:
        parts += ["", *_over_time(summary.over_time, language)]
    if summary.refused:
        parts += ["", table(_counted(summary.refused), [say("refused"), say("rows")], "<>")]
    if summary.overlaps is not None and summary.overlaps.rows:
        parts += ["", _overlapping(summary.overlaps, language)]
    return "\n".join(parts)


def _profiles(rulesets: Sequence[RulesetSummary], language: Language) -> list[str]:
    """Means of scores, and rows by class, with an empty line before each table; none where nothing has any."""
    say, parts = words(language), list[str]()
    means, classes = [], []
    for ruleset in rulesets:
        for score in ruleset.scores:
            means.append([ruleset.id, score.id, score.title, f"{score.rows:,}", f"{score.mean:f}"])
        for segment in ruleset.segments:
            rows = [[id_, title, f"{count:,}"] for id_, title, count in segment.classes]
            names = [ruleset.id, segment.id, segment.title]
            classes += [[*(names if not at else ["", "", ""]), *row] for at, row in enumerate(rows)]
    if means:
        headers = [say("rule set"), say("score"), say("title"), say("rows"), say("mean")]
        parts += ["", table(means, headers, "<<<>>")]
    if classes:
        headers = [say("rule set"), say("segment"), say("title"), say("is"), say("title"), say("rows")]
        parts += ["", table(classes, headers, "<<<<<>")]
    return parts


def _over_time(found: OverTime, language: Language) -> list[str]:
    """Events that triggers looked at, and the warnings that they found since a day."""
    say = words(language)
    refused = sum(found.refused.values())
    names = sorted({*found.events, *found.rows})
    counts = [[name, f"{found.events.get(name, 0):,}", f"{found.rows.get(name, 0):,}"] for name in names]
    parts = [table(counts, [say("event"), say("history"), say("of rows")], "<>>")]
    rows = [[level, id_, f"{count:,}"] for level, ids in found.raised.items() for id_, count in ids.items()]
    rows += [[say("cleared"), id_, f"{count:,}"] for id_, count in found.cleared.items()]
    # Deadlines up to there have passed: a period that ends far in the future shows here.
    until = f"截至 {found.until}" if language == "zh" else f"until {found.until}"
    since = f"{say('since')} {found.since}, {until}"
    if rows:
        parts += [
            "",
            table(rows, [say("level"), f"{say('warning')} ({since})", say("count")], "<<>"),
        ]
    else:
        parts += [
            "",
            f"无跨期预警（{since}）。" if language == "zh" else f"no warnings over time ({since}).",
        ]
    if found.duplicates:
        parts += ["", f"{say('events that came twice')}  {found.duplicates:,}"]
    if refused:
        parts += ["", table(_counted(found.refused), [say("refused events"), say("count")], "<>")]
    return parts


def _none_native(language: Language) -> str:
    """Say why nothing was in machine code though it was asked for."""
    from engine.evaluator.families import NATIVE_ROWS_MIN

    rows = f"{NATIVE_ROWS_MIN:,}"
    if language == "zh":
        return f"没有用机器码：一种结构累计 {rows} 行后才编译，本次均由 numpy 出账。"
    return f"nothing in machine code: numpy bills the first {rows} rows of each structure, and there were no more."


def _overlapping(found: Overlaps, language: Language) -> str:
    """A warning of rows of one account that bill the same days; they were billed."""
    say = words(language)
    count = f"{found.rows:,}"
    head = (
        f"{count} 行与同一户号的另一行计费周期重叠（均已出账）："
        if language == "zh"
        else f"{count} billed rows overlap another row of their account and rule set:"
    )
    rows = [
        [one.account, one.ruleset, one.row_id, one.period, one.other_row_id, one.other_period] for one in found.first
    ]
    headers = [say("account"), say("rule set"), say("row"), say("period"), say("with row"), say("period")]
    return f"{head}\n{table(rows, headers)}"


def _counted(counts: Mapping[str, int]) -> list[list[str]]:
    return [[code, f"{count:,}"] for code, count in counts.items()]


def show_plan(manifest: Manifest, part: bool, format_: str, language: Language) -> None:
    """Say what a run would bill; of a part of the rows, also by rule set."""
    if format_ == "json":
        emit(
            {
                "rows": manifest.rows,
                "partitions": {"how": manifest.how, "count": len(manifest.partitions)},
                "accounts": manifest.keys.accounts,
                "repeated_row_ids": manifest.keys.duplicates,
                **({"without": dict(manifest.without)} if manifest.without else {}),
                "rows_to_bill": dict(manifest.wanted_counts),
            }
        )
        return
    say, keys = words(language), manifest.keys
    rows = [
        [say("rows"), f"{manifest.rows:,}"],
        [say("partitions"), f"{len(manifest.partitions):,} ({say(manifest.how)})"],
        *([[say("accounts"), f"{keys.accounts:,}"]] if keys.accounts is not None else []),
        [say("repeated row ids"), f"{keys.duplicates:,}"],
        *([f"{say('rows without')} {name}", f"{count:,}"] for name, count in manifest.without.items()),
    ]
    complain(table(rows, align="<>"))
    if manifest.wanted_counts:
        counts = [[id_, f"{count:,}"] for id_, count in manifest.wanted_counts.items()]
        total = [say("in all"), f"{sum(manifest.wanted_counts.values()):,}"]
        complain("\n" + table([*counts, total], [say("rule set"), say("rows to bill")], "<>") + "\n")
    elif part:
        complain("\n没有选中任何行。\n" if language == "zh" else "\nno row is selected: all are left out.\n")
