"""What the commands of versions say, in English and Chinese, and what they print for programs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from engine.commands.output import Language, counted, table
from engine.commands.version_desk import Version
from engine.registry.audit import AuditEntry
from engine.registry.instants import instant_text as written
from engine.registry.instants import microseconds
from engine.registry.records import UseRecord
from engine.service.instants import instant_text

DIGITS: Final = 12  # of a version, in tables and in what to type next
FILES_SHOWN: Final = 40

_CHINESE: Final[Mapping[str, str]] = {
    "published": "已发布",
    "approved": "已批准",
    "scheduled": "待生效",
    "active": "生效中",
    "superseded": "已被替代",
    "withdrawn": "已撤回",
    "folder": "文件夹",
    "activated": "已激活",
    "row": "序号",
    "at": "时间",
    "who": "人员",
    "step": "步骤",
    "version": "版本",
    "takes effect": "生效",
    "why": "理由",
    "state": "状态",
    "author": "发布者",
    "approver": "批准者",
    "active from": "生效时间",
    "rule sets": "规则集",
    "run": "批次",
    "billing month": "账期",
    "bills": "账单",
    "first": "首次",
    "last": "最近",
    "changed": "新增或修改",
    "gone": "已删除",
}


def said(word: str, language: Language) -> str:
    """Say a word in a language."""
    return _CHINESE[word] if language == "zh" else word


def published(done: Version, files: Collection[str], first: bool, language: Language) -> str:
    """Say what was published, what it changes, and who must do what next.

    Args:
        done: the version.
        files: its paths; what was changed and is not among them is gone.
        first: nothing was active, so that everything is new.
        language: of the text.
    """
    zh = language == "zh"
    size = (
        f"{done.rule_sets} 个规则集，{done.files} 个文件"
        if zh
        else f"{counted(done.rule_sets, 'rule set')}, {counted(done.files, 'file')}"
    )
    head = f"已发布 {done.version}" if zh else f"published {done.version}"
    return "\n".join([head, f"  {size}", *_changes(done, files, first, language), next_step(done, language)])


def _changes(done: Version, files: Collection[str], first: bool, language: Language) -> list[str]:
    zh = language == "zh"
    if first:
        return ["  此前没有生效的版本" if zh else "  no version was active before"]
    if not done.changed_files:
        return ["  与生效的版本相同" if zh else "  the same files as those that are active"]
    shown = done.changed_files[:FILES_SHOWN]
    rows = [["   ", said("changed" if path in files else "gone", language), path] for path in shown]
    head = "  与发布时生效的版本相比：" if zh else "  against the version that was active:"
    left = len(done.changed_files) - len(shown)
    more = [f"    … 另有 {left} 个文件" if zh else f"    … and {counted(left, 'more file')}"] if left else []
    return [head, *table(rows).splitlines(), *more]


def approved(done: Version, language: Language) -> str:
    """Say who approved what, and what is next."""
    zh = language == "zh"
    head = f"{done.approver} 已批准 {done.version}" if zh else f"{done.approver} approved {done.version}"
    return f"{head}\n{next_step(done, language)}"


def activated(done: Version, language: Language) -> str:
    """Say what was activated, and from when it answers."""
    zh = language == "zh"
    head = f"已激活 {done.version}" if zh else f"activated {done.version}"
    return f"{head}\n{next_step(done, language)}"


def withdrawn(done: Version, language: Language) -> str:
    """Say what was withdrawn, and what answers in its place."""
    zh = language == "zh"
    head = f"已撤回 {done.version}" if zh else f"withdrawn {done.version}"
    return f"{head}\n{next_step(done, language)}"


def next_step(of: Version, language: Language) -> str:
    """Say who must do what next with a version, where anybody must."""
    zh = language == "zh"
    short = of.version[:DIGITS]
    match of.state:
        case "published":
            text = f"next: somebody other than {of.author} checks it and types\n  dianjia approve {short}"
            text_zh = f"下一步：由 {of.author} 以外的人审核，然后输入\n  dianjia approve {short}"
        case "approved":
            text = f"next: let it answer, now or from an instant\n  dianjia activate {short}"
            text_zh = f"下一步：使其生效，立即或从某一时刻起\n  dianjia activate {short}"
        case "scheduled":
            from_ = instant_shown(of.active_from)
            text = f"it answers calls that name no version from {from_}"
            text_zh = f"从 {from_} 起回答未指明版本的调用"
        case "withdrawn":
            text = f"{of.returns_to[:DIGITS]} answers in its place"
            text_zh = f"由 {of.returns_to[:DIGITS]} 代替"
        case "superseded":
            text, text_zh = "another version was activated after it", "其后已有别的版本生效"
        case _:
            text, text_zh = "it answers calls that name no version", "现在回答未指明版本的调用"
    return text_zh if zh else text


def versions_table(found: Iterable[Version], language: Language) -> str:
    """Lay versions out, one a line."""
    rows = [
        [
            one.version[:DIGITS],
            said(one.state, language),
            one.author,
            instant_shown(one.published_at),
            one.approver,
            instant_shown(one.active_from),
            str(one.rule_sets),
            one.why,
        ]
        for one in found
    ]
    headers = ("version", "state", "author", "published", "approver", "active from", "rule sets", "why")
    return table(rows, [said(header, language) for header in headers], "<<<<<<>")


def history_table(entries: Sequence[AuditEntry], language: Language) -> str:
    """Lay the audit trail out, one row a line."""
    rows = [
        [
            str(one.number),
            instant_shown(one.at),
            one.who,
            said(one.action, language),
            one.version[:DIGITS],
            instant_shown(one.active_from) or (f"-> {one.returns_to[:DIGITS]}" if one.returns_to else ""),
            one.why,
        ]
        for one in entries
    ]
    headers = ("row", "at", "who", "step", "version", "takes effect", "why")
    return table(rows, [said(header, language) for header in headers], ">")


def uses_table(found: Iterable[UseRecord], language: Language) -> str:
    """Lay out what a version billed."""
    rows = [
        [one.run, month_text(one), str(one.bills), instant_shown(one.first_used_at), instant_shown(one.last_used_at)]
        for one in found
    ]
    headers = ("run", "billing month", "bills", "first", "last")
    return table(rows, [said(header, language) for header in headers], "<<>")


def verified(count: int, last_hash: str, broken: int | None, language: Language) -> str:
    """Say whether the chain of hashes holds, and where it breaks: 0 is in what follows the last row."""
    zh = language == "zh"
    if broken is None:
        holds = f"the chain of {counted(count, 'row')} holds; the last hash is {last_hash}"
        return f"{count} 行的哈希链完整；最后一个哈希为 {last_hash}" if zh else holds
    where = f"row {broken}" if broken else "the rows at its end"
    where_zh = f"第 {broken} 行" if broken else "末尾的行"
    return f"哈希链在{where_zh}断裂：审计记录被改动过" if zh else f"the chain breaks at {where}: the trail was changed"


def version_json(of: Version) -> dict[str, object]:
    """A version for a program to read."""
    return {
        "version": of.version,
        "state": of.state,
        "author": of.author,
        "published_at": _instant(of.published_at),
        "why": of.why,
        "approver": of.approver,
        "active_from": _instant(of.active_from),
        "returns_to": of.returns_to,
        "rule_sets": of.rule_sets,
        "files": of.files,
        "changed_files": list(of.changed_files),
    }


def entry_json(of: AuditEntry) -> dict[str, object]:
    """A row of the audit trail for a program to read: without `hash`, its keys sorted, it is what `hash` is of."""
    return {
        "number": of.number,
        "at": written(microseconds(of.at)),
        "who": of.who,
        "action": of.action,
        "version": of.version,
        "why": of.why,
        "active_from": None if of.active_from is None else written(microseconds(of.active_from)),
        "returns_to": of.returns_to,
        "request_id": of.request_id,
        "previous_hash": of.previous_hash,
        "hash": of.hash,
    }


def use_json(of: UseRecord) -> dict[str, object]:
    """What a version billed, for a program to read."""
    return {
        "run": of.run,
        "billing_month": month_text(of),
        "bills": of.bills,
        "first_used_at": _instant(of.first_used_at),
        "last_used_at": _instant(of.last_used_at),
    }


def month_text(of: UseRecord) -> str:
    """The billing month: 2026-01."""
    year, month = divmod(of.month, 12)
    return f"{year:04d}-{month + 1:02d}"


def instant_shown(instant: datetime | None) -> str:
    """An instant as people read it: in this machine's time, with its offset; nothing for none."""
    return "" if instant is None else instant.astimezone().isoformat(sep=" ", timespec="seconds")


def _instant(instant: datetime | None) -> str | None:
    return None if instant is None else instant_text(instant)
