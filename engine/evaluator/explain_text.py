"""Write an explanation for people, in English or Chinese, in columns that CJK text does not push apart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Final

from engine.evaluator.explain import Explanation, FigureRead, LineExplained, Named, PartExplained, WarningExplained
from engine.evaluator.explain_items import aligned as aligned
from engine.evaluator.explain_items import list_block, several_text
from engine.evaluator.explain_profile_text import profile_blocks
from engine.language.problems import Language

_ENGLISH: Final[Mapping[str, str]] = {
    "bill": "Bill",
    "profile": "Customer",
    "row": "row",
    "period": "billing period",
    "both": "both days included",
    "rule set": "rule set",
    "prices": "prices unchanged",
    "since": "since {day}",
    "through": "through {day}",
    "always": "on all days",
    "source": "source",
    "given": "Given",
    "lines": "Lines",
    "line": "line",
    "title": "title",
    "quantity": "quantity",
    "price": "price",
    "amount": "amount",
    "total": "total",
    "ledgers": "By ledger",
    "working": "Working",
    "formula": "formula",
    "where": "where",
    "rounding": "rounding",
    "rule": "rule",
    "figure": "printed",
    "digits": "digits",
    "from": "in force from {day}",
    "undated": "on all days",
    "informs": "informs only",
    "warnings": "Warnings",
    "causes": "possible causes",
    "action": "what to do",
    "official": "official",
    "copy": "copy",
    "recalled": "recalled",
    "derived": "derived",
    "benchmark": "benchmark",
    "example": "example",
    "info": "info",
    "yellow": "yellow",
    "amber": "amber",
    "red": "red",
    "items": "{count} items",
    "items:1": "1 item",
    "items:of": "{count} of {whole} items",
    "sum": "sum",
    "subtotal": "of this part",
    "share": "{value} of {whole} {unit}",
    "more": "… {count} more",
    "largest": "largest",
    "item": "item",
    "begins": "begins",
    "part heading": "Part {part}: {first} - {last}, {days} days",
    "part heading:1": "Part {part}: {first}, 1 day",
    "by": "by {schedule}",
    "empty": "empty",
    "parts": "parts",
}

_CHINESE: Final[Mapping[str, str]] = {
    "bill": "账单",
    "profile": "客户",
    "row": "行号",
    "period": "计费周期",
    "both": "含首尾两日",
    "rule set": "规则集",
    "prices": "价格不变的日期",
    "since": "自 {day}",
    "through": "至 {day}",
    "always": "所有日期",
    "source": "依据",
    "given": "输入",
    "lines": "账单行",
    "line": "行",
    "title": "名称",
    "quantity": "数量",
    "price": "单价",
    "amount": "金额",
    "total": "合计",
    "ledgers": "按科目",
    "working": "计算过程",
    "formula": "公式",
    "where": "其中",
    "rounding": "取舍",
    "rule": "规则",
    "figure": "印数",
    "digits": "文件印",
    "from": "{day} 起执行",
    "undated": "所有日期",
    "informs": "仅供参考",
    "warnings": "预警",
    "causes": "可能原因",
    "action": "处理",
    "official": "正式文件",
    "copy": "转载",
    "recalled": "凭记忆",
    "derived": "推算",
    "benchmark": "基准测试",
    "example": "示例",
    "info": "提示",
    "yellow": "黄色",
    "amber": "橙色",
    "red": "红色",
    "items": "{count} 项",
    "items:1": "1 项",
    "items:of": "{whole} 项中的 {count} 项",
    "sum": "合计",
    "subtotal": "小计",
    "share": "{value} {unit}（共 {whole} {unit}）",
    "more": "…… 另 {count} 项",
    "largest": "最大",
    "item": "序号",
    "begins": "起始",
    "part heading": "第 {part} 段：{first} - {last}，{days} 天",
    "part heading:1": "第 {part} 段：{first}，1 天",
    "by": "按 {schedule}",
    "empty": "空",
    "parts": "分段",
}

_WORDS: Final[Mapping[Language, Mapping[str, str]]] = {"en": _ENGLISH, "zh": _CHINESE}


def render_text(explanation: Explanation, language: Language = "en") -> str:
    """Write an explanation as lines of text, none longer than its content needs.

    Args:
        explanation: from `engine.evaluator.explain.explain`.
        language: of the headings; titles stay as the rules write them.

    Returns:
        Lines joined by newlines, none at the end.
    """
    words = _WORDS[language]
    blocks = [_heading(explanation, words), _given(explanation.inputs, words)]
    blocks += [list_block(shown, words) for shown in explanation.lists]
    if explanation.bills:
        blocks += _billed(explanation, words)
    blocks += profile_blocks(explanation.scores, explanation.segments, language)
    if explanation.warnings:
        blocks.append([words["warnings"]])
        blocks += [_warning(warning, words) for warning in explanation.warnings]
    return "\n\n".join("\n".join(line.rstrip() for line in block) for block in blocks if block)


def _billed(explanation: Explanation, words: Mapping[str, str]) -> list[list[str]]:
    """Write the lines of a bill, and the working of each."""
    blocks = [_lines(explanation, words)]
    if len(explanation.ledgers) > 1:
        blocks.append(_ledgers(explanation, words))
    blocks.append([words["working"]])
    for part in explanation.parts:
        if len(explanation.parts) > 1:
            blocks.append(_part(part, explanation.inputs, words))
        blocks += [_working(line, explanation.currency, words) for line in part.lines]
    return blocks


def value_text(named: Named, language: Language = "en") -> str:
    """Write a named value without its unit; of a list its items, shortened.

    Args:
        named: of an explanation.
        language: of the words between items.
    """
    if named.several is None:
        return named.value
    return several_text(named.several, named.unit, _WORDS[language])


def _heading(one: Explanation, words: Mapping[str, str]) -> list[str]:
    last = one.period_to - timedelta(1)
    pairs = [
        (words["rule set"], f"{one.ruleset}  {one.place}"),
        (words["source"], _sourced(one.source, one.standing, words)),
        (words["period"], f"{one.period_from} - {last} ({words['both']})"),
    ]
    if len(one.parts) == 1:
        pairs.append((words["prices"], _unchanged(one.parts[0], words)))
    else:
        pairs.append((words["parts"], str(len(one.parts))))
    if one.row_id:
        pairs.insert(0, (words["row"], one.row_id))
    return [f"{words['bill' if one.bills else 'profile']}: {one.title or one.ruleset}", *_pairs(pairs)]


def _unchanged(part: PartExplained, words: Mapping[str, str]) -> str:
    known = []
    if part.version_from is not None:
        known.append(words["since"].format(day=part.version_from))
    if part.version_through is not None:
        known.append(words["through"].format(day=part.version_through))
    return ", ".join(known) or words["always"]


def _part_heading(part: PartExplained, words: Mapping[str, str]) -> str:
    heading = words["part heading" if part.days > 1 else "part heading:1"]
    last = part.period_to - timedelta(1)
    return heading.format(part=part.part, first=part.period_from, last=last, days=part.days)


def _part(part: PartExplained, inputs: Sequence[Named], words: Mapping[str, str]) -> list[str]:
    """Write a part's days, its prices, and its share of each divided input."""
    undivided = {named.name: named.value for named in inputs}
    pairs = [(words["prices"], _unchanged(part, words))]
    for one in part.shares:
        share = words["share"].format(value=one.value, whole=undivided[one.name], unit=one.unit)
        pairs.append((words["where"], f"{one.name} = {share}  {one.title}"))
    return ["  " + _part_heading(part, words), *_pairs(_once(pairs), indent=4)]


def _given(inputs: Sequence[Named], words: Mapping[str, str]) -> list[str]:
    if not inputs:
        return []
    rows = [["  " + named.name, named.value, f"{named.unit}", named.title] for named in inputs]
    return [words["given"], *aligned(rows, right=(1,))]


def _lines(one: Explanation, words: Mapping[str, str]) -> list[str]:
    header = [
        "  " + words["line"], words["title"], words["quantity"], "", words["price"], "", words["amount"], "",
    ]  # fmt: skip
    rows = [header]
    headings: dict[int, str] = {}  # row of the table -> what stands before it
    for part in one.parts:
        if len(one.parts) > 1:
            headings[len(rows)] = "  " + _part_heading(part, words)
        for explained in part.lines:
            line = explained.line
            rows.append(
                [
                    "  " + line.id,
                    line.title,
                    "" if line.quantity is None else f"{line.quantity:,f}",
                    line.quantity_unit if line.quantity is not None else "",
                    "" if line.price is None else f"{'× ' if _is_product(explained) else ''}{line.price:f}",
                    line.price_unit if line.price is not None else "",
                    f"{line.amount:,f}",
                    "" if line.money else words["informs"],
                ]
            )
        if len(one.parts) > 1:
            rows.append(["", words["subtotal"], "", "", "", "", f"{part.total:,f}", ""])
    rows.append(["  " + words["total"], "", "", "", "", "", f"{one.total:,f}", one.currency])
    written = []
    for at, line_text in enumerate(aligned(rows, right=(2, 4, 6))):
        written += [headings[at]] if at in headings else []
        written.append(line_text)
    return [words["lines"], *written]


def _ledgers(one: Explanation, words: Mapping[str, str]) -> list[str]:
    rows = [["  " + code, f"{amount:,f}"] for code, amount in one.ledgers.items()]
    return [words["ledgers"], *aligned(rows, right=(1,))]


def _working(explained: LineExplained, currency: str, words: Mapping[str, str]) -> list[str]:
    line = explained.line
    title = f"  {line.id}  {line.title}".rstrip()
    pairs = [(words["formula"], explained.formula)]
    pairs += [(words["where"], _valued(named, words)) for named in explained.names]
    pairs.append((words["amount"], _amount(explained, currency)))
    if explained.before:
        pairs.append((words["rounding"], f"{explained.before} → {line.amount:f}"))
    pairs += [(words["figure"], _figure(figure, words)) for figure in explained.figures]
    where = [str(explained.place) if explained.place is not None else "", explained.source]
    pairs.append((words["rule"], "  ".join(text for text in where if text)))
    return [title, *_pairs(_once(pairs), indent=4)]


def _amount(explained: LineExplained, currency: str) -> str:
    line = explained.line
    amount = f"{line.amount:,f} {currency}"
    if line.quantity is None or line.price is None:
        return amount
    quantity = f"{line.quantity:,f} {line.quantity_unit}".rstrip()
    price = f"{line.price:f} {line.price_unit}".rstrip()
    if not _is_product(explained):
        return f"{amount}  ({quantity}, {price})"
    return f"{quantity} × {price} = {amount}"


def _is_product(explained: LineExplained) -> bool:
    """Tell whether quantity × price is the amount, but for its rounding: more months or a factor may stand between."""
    line = explained.line
    if line.quantity is None or line.price is None:
        return False
    exponent = line.amount.as_tuple().exponent
    assert isinstance(exponent, int)
    return abs(Fraction(line.quantity) * Fraction(line.price) - Fraction(line.amount)) < Fraction(1, 10**-exponent)


def _figure(figure: FigureRead, words: Mapping[str, str]) -> str:
    row = f"[{', '.join(figure.row)}]" if figure.row else ""
    value = f"{figure.value:f} {figure.unit}".rstrip()
    # 2.00 fen is 0.0200 CNY: the notice's own digits are shown where they differ.
    printed = "" if _same(figure.printed, figure.value) else f" ({words['digits']} {figure.printed})"
    since = words["undated"] if figure.since is None else words["from"].format(day=figure.since)
    place = "" if figure.place is None else str(figure.place)
    parts = [f"{figure.path}{row} = {value}{printed}", since, _sourced(figure.source, figure.standing, words), place]
    return "  ".join(part for part in parts if part)


def _same(printed: str, value: Decimal) -> bool:
    return printed == f"{value:f}" or printed.rstrip("0").rstrip(".") == f"{value:f}".rstrip("0").rstrip(".")


def _sourced(source: str, standing: str, words: Mapping[str, str]) -> str:
    known = words.get(standing, standing)
    return f"{source} ({known})" if source and known else source or known


def _valued(named: Named, words: Mapping[str, str]) -> str:
    if named.several is not None:
        value = f"{named.name} = {several_text(named.several, named.unit, words)}"
    else:
        value = f"{named.name} = {named.value} {named.unit}".rstrip()
    return f"{value}  {named.title}" if named.title else value


def _warning(warning: WarningExplained, words: Mapping[str, str]) -> list[str]:
    level = words.get(warning.level, warning.level)
    pairs = [(words["where"], _valued(named, words)) for named in warning.values]
    if warning.causes:
        pairs.append((words["causes"], "; ".join(warning.causes)))
    if warning.action:
        pairs.append((words["action"], warning.action))
    if warning.place is not None:
        pairs.append((words["rule"], str(warning.place)))
    return [f"  [{level}] {warning.id}  {warning.title}: {warning.message}", *_pairs(_once(pairs), indent=4)]


def _once(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Write a heading once where it repeats, and leave out what says nothing."""
    kept: list[tuple[str, str]] = []
    before = ""
    for heading, text in pairs:
        if text:
            kept.append(("" if heading == before else heading, text))
            before = heading
    return kept


def _pairs(pairs: Iterable[tuple[str, str]], indent: int = 2) -> list[str]:
    return aligned([[" " * indent + heading, text] for heading, text in pairs if text])
