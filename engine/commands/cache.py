"""`dianjia cache`: what the cache on the disk holds, and deleting it; and the remark where it cannot be used."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import click

from engine.cache.store import OFF, TAG, VARIABLE, Found, Kind, Refused, clear, find_cache, kinds, left_alone
from engine.commands.output import Language, complain, counted, emit, table
from engine.commands.words import words

KINDS: Final = ("compiled", "native")  # of the compiler, of the evaluator: importing it takes numpy's time
_WHY: Final[dict[Refused, tuple[str, str]]] = {
    "off": (f"{VARIABLE} says `{OFF}`", f"{VARIABLE} 设为 `{OFF}`"),
    "other-owner": ("it belongs to another user", "它属于另一个用户"),
    "others-may-write": (
        "others may write to it, and whoever does could change bills",
        "其他用户可以写入，写入者可能改变账单",
    ),
    "not-there": ("it cannot be made or looked at", "无法创建或查看"),
}


def cache(delete: bool, format_: str, language: Language) -> None:
    """Print where the cache is and what it holds; delete it first where that is asked for."""
    found = find_cache()
    held = clear() if delete else kinds()
    entries, size = sum(one.entries for one in held), sum(one.size for one in held)
    if format_ == "json":
        emit(
            {
                "path": None if found.where is None else str(found.where),
                "used": found.path is not None,
                "reason": found.refused or None,
                "entries": entries,
                "bytes": size,
                "kinds": [{"name": one.name, "entries": one.entries, "bytes": one.size} for one in held],
                "cleared": delete,
            }
        )
        return
    if found.path is None:
        click.echo(_unused(found, language))
        return
    if delete:
        size_text = _size(size)
        counts = counted(entries, "file")
        told = f"{found.path}: {counts}, {size_text}, deleted"
        click.echo(f"{found.path}：已删除 {entries} 个文件，{size_text}" if language == "zh" else told)
    else:
        click.echo(_table(found, held, language))
    for folder in left_alone(KINDS):
        told = f"{folder} is left alone, and nothing is kept there: it lacks the cache's own {TAG}. Move or delete it."
        told_zh = f"{folder} 不予使用，也不写入：其中没有本缓存的 {TAG}。请移走或删除它。"
        click.echo(told_zh if language == "zh" else told)


def remark_cache(language: Language) -> None:
    """Say on standard error that the cache is not used, where its folder is not safe to use."""
    found = find_cache()
    if found.refused not in ("other-owner", "others-may-write"):
        return
    advice = (
        f"Set {VARIABLE} to a folder that only you may write to, or to `{OFF}`."
        if language == "en"
        else f"请把 {VARIABLE} 设为只有自己可写的文件夹，或设为 `{OFF}`。"
    )
    complain(f"dianjia: {_unused(found, language)}\n  {advice}\n")


def _unused(found: Found, language: Language) -> str:
    why, why_zh = _WHY[found.refused or "not-there"]
    where = "" if found.where is None else f" {found.where}"
    return f"不使用缓存{where}：{why_zh}。" if language == "zh" else f"the cache{where} is not used: {why}."


def _table(found: Found, held: Sequence[Kind], language: Language) -> str:
    say = words(language)
    rows = [[one.name, f"{one.entries:,}", _size(one.size)] for one in held]
    if not rows:
        return f"{found.path}：空" if language == "zh" else f"{found.path}: empty"
    return f"{found.path}\n\n{table(rows, [say('kind'), say('files'), say('size')], '<>>')}"


def _size(size: int) -> str:
    """Bytes as a person reads them.

    >>> _size(1_340_000)
    '1.3 MB'
    """
    return f"{size / 1e6:.1f} MB" if size >= 100_000 else f"{size / 1e3:.1f} kB"
