"""What problems of a shared file's `reads` say. Part of `engine.language.catalogue`."""

from __future__ import annotations

from collections.abc import Mapping

from engine.language.entry import Entry

READS: Mapping[str, Entry] = {
    "reads-differs": Entry(
        "`{name}` is {found} here, and the shared file reads {expected}.",
        "Give one of the two another name: a shared file reads whatever the rule set has under the name.",
        "`{name}` 在这里是{found}，共享文件所读的是{expected}。",
        "请给其中一个另取名称：共享文件读的就是规则集里同名的项。",
        "Read here",
        "在此读取",
    ),
}
