"""`dianjia token`: make a bearer token for a caller of the service; only its hash is kept."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import click

from engine.commands.output import Language, complain, failure


def token(name: str, scopes: Sequence[str], expires: str | None, file: Path | None, language: Language) -> None:
    """Print a new token, and the lines that let it in, or add them to a file."""
    from engine.service.authentication import is_name, lines_for, new_token

    if not is_name(name):
        raise failure(
            f"dianjia: `{name}` is no name: write letters, digits, `.`, `_`, `@`, `-` and single blanks.",
            f"dianjia: `{name}` 不能作名称：请用文字、数字、`.`、`_`、`@`、`-` 和单个空格。",
            2,
        )
    ends = None if expires is None else _instant(expires)
    made = new_token()
    lines = lines_for(name, made, list(dict.fromkeys(scopes)), ends)
    if file is None:
        click.echo(f"{made}\n\n{lines}")
        complain(
            "\n第一行是令牌，只显示这一次；其余各行请写入设置 `tokens` 所指的文件。"
            if language == "zh"
            else "\nThe first line is the token, shown this once. The others go into the file that `tokens` names."
        )
        return
    _add(file, lines)
    click.echo(made)
    complain(
        f"\n令牌只显示这一次；其哈希值已写入 {file}。"
        if language == "zh"
        else f"\nThe token is shown this once; its hash is in {file}."
    )


def _instant(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise failure(
            f"dianjia: bad-instant: `{text}` is no instant with its offset: 2027-01-01T00:00:00+08:00.",
            f"dianjia: bad-instant: `{text}` 不是带时差的时刻：2027-01-01T00:00:00+08:00。",
            2,
        )
    return found


def _add(file: Path, lines: str) -> None:
    """Add lines to a file that nobody else may read."""
    try:
        opened = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        with os.fdopen(opened, "a", encoding="utf-8") as to:
            to.write(f"\n{lines}\n" if file.stat().st_size else f"{lines}\n")
    except OSError as error:
        raise failure(
            f"dianjia: {file} cannot be written: {(error.strerror or '').lower()}",
            f"dianjia: 无法写入 {file}：{(error.strerror or '').lower()}",
        ) from None
