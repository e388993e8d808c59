"""Problems of portfolio files: what stops a whole file, with what came and what to write instead.

The fault of one row is a `RowProblem` and stops nothing else. What is here concerns a file or a column of it: it cannot
be read as what it claims to be, lacks a column that every row needs, or keeps numbers in a type that has lost digits.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from engine.language.catalogue import Entry

Language = Literal["en", "zh"]


class FileProblem(ValueError):
    """A file that cannot be billed from, or written to, as it is. Its words are in `FILE_PROBLEMS`."""

    def __init__(self, code: str, file: str, **parameters: object) -> None:
        self.code = code
        self.file = file
        self.parameters = {name: str(value) for name, value in parameters.items()}
        super().__init__(self.render())

    def render(self, language: Language = "en") -> str:
        """Two lines: `file: code: headline`, and below it what to write instead."""
        entry = FILE_PROBLEMS[self.code]
        headline, remedy = (entry.headline, entry.remedy) if language == "en" else (entry.headline_zh, entry.remedy_zh)
        lines = [f"{self.file}: {self.code}: {headline.format_map(self.parameters)}"]
        if remedy:
            lines.append(f"  {remedy.format_map(self.parameters)}")
        return "\n".join(lines)

    def to_json(self) -> dict[str, object]:
        """The problem for a program to read."""
        return {
            "code": self.code,
            "file": self.file,
            "parameters": dict(self.parameters),
            "text": self.render(),
            "text_zh": self.render("zh"),
        }


FILE_PROBLEMS: Mapping[str, Entry] = {
    "portfolio-not-found": Entry(
        "there is no such file.",
        "Check the path and its spelling.",
        "没有这个文件。",
        "请检查路径和拼写。",
    ),
    "portfolio-format": Entry(
        "the file is none of Parquet, CSV, Arrow IPC file and Arrow IPC stream ({reason}).",
        "Write it as one of them; a CSV file begins with a line of column names and ends in `.csv`.",
        "文件不是 Parquet、CSV、Arrow IPC 文件或 Arrow IPC 流（{reason_zh}）。",
        "请写成其中一种；CSV 第一行是列名，文件名以 `.csv` 结尾。",
    ),
    "portfolio-unreadable": Entry(
        "reading stopped: {reason}.",
        "Write the file again; part of it is damaged or was cut off.",
        "读取中断：{reason}。",
        "请重新生成文件：其中一部分损坏或被截断。",
    ),
    "portfolio-encoding": Entry(
        "the text is not UTF-8{seems}.",
        "Save it again with the encoding UTF-8 (in Excel: `CSV UTF-8`).",
        "文本不是 UTF-8 编码{seems_zh}。",
        "请另存为 UTF-8（Excel：“CSV UTF-8”）。",
    ),
    "portfolio-separator": Entry(
        "the columns of the first line are separated by {sign}.",
        "Separate them by commas (in Excel: `CSV UTF-8 (comma delimited)`).",
        "第一行的列以{sign_zh}分隔。",
        "请用半角逗号分隔（Excel：“CSV UTF-8（逗号分隔）”）。",
    ),
    "portfolio-line": Entry(
        "a line does not fit the column names: {reason}.",
        "Give each line as many cells as the first line names; quote a cell that holds a comma or a line break.",
        "有一行与列名不符：{reason}。",
        "每行的单元格数应与第一行列名相同；含逗号或换行的单元格要加引号。",
    ),
    "portfolio-column-missing": Entry(
        "there is no column `{column}`; the file has {known}.",
        "{instead}",
        "没有列 `{column}`；文件里有 {known}。",
        "{instead_zh}",
    ),
    "portfolio-column-twice": Entry(
        "the column `{column}` stands twice.",
        "Keep one of them, or give the other its own name.",
        "列 `{column}` 出现两次。",
        "请只保留一个，或给另一个改名。",
    ),
    "portfolio-column-taken": Entry(
        "no rule set reads the column `{column}`, and the bills have a column of that name.",
        "Give it another name, for example `given_{column}`; it then passes through to the bills.",
        "没有规则集读取列 `{column}`，而账单已有同名列。",
        "请改名，例如 `given_{column}`；改名后随行带出。",
    ),
    "portfolio-column-name": Entry(
        "no rule set reads the column `{column}`, and `{input}`, which one reads, is missing.",
        "Rename it to `{input}`; if it is meant to pass through unread, name it in --pass.",
        "没有规则集读取列 `{column}`，而缺少规则集读取的 `{input}`。",
        "请改名为 `{input}`；如确实只是随行带出，请用 --pass 写明。",
    ),
    "portfolio-column-type": Entry(
        "the column `{column}` is {came}.",
        "{instead}",
        "列 `{column}` 的类型是 {came}。",
        "{instead_zh}",
    ),
    "portfolio-list-field": Entry(
        "the items of `{column}` have a field `{field}`, which no rule set reads.",
        "A list's fields do not pass through: rename it (known: {known}), or name it in --pass `{column}.{field}`.",
        "列表 `{column}` 的项有字段 `{field}`，没有规则集读取。",
        "列表的字段不随行带出：请改名（已知：{known}），或用 --pass `{column}.{field}` 写明。",
    ),
    "portfolio-places": Entry(
        "the column `{column}` says places = `{came}`, which is not a whole number from 0 to 18.",
        "Write the number of decimal places that its whole numbers have, for example 2 for hundredths of a kWh.",
        "列 `{column}` 的 places 写作 `{came}`，不是 0 到 18 的整数。",
        "请写整数所含的小数位数，例如以 0.01 千瓦时为单位时写 2。",
    ),
    "portfolio-list-places": Entry(
        "the column `{column}` of lists says places = `{came}` itself.",
        "Its items have places of their own: put them into the metadata of the field within the list.",
        "列表列 `{column}` 自身写了 places = `{came}`。",
        "小数位数属于列表的项：请写在列表内字段的元数据中。",
    ),
    "output-not-empty": Entry(
        "the folder already holds the results of a run ({found}).",
        "Name another folder, or say --overwrite to replace them.",
        "文件夹中已有一次计算的结果（{found}）。",
        "请换一个文件夹，或用 --overwrite 覆盖。",
    ),
    "output-unwritable": Entry(
        "writing stopped: {reason}.",
        "Name a folder that can be written to, with room enough; what ends in `.partial` is no result.",
        "写入中断：{reason}。",
        "请给出可写且空间足够的文件夹；以 `.partial` 结尾的文件不是结果。",
    ),
    "output-not-folder": Entry(
        "this is a file; results are written to a folder.",
        "Name a folder.",
        "这是文件；结果要写入文件夹。",
        "请给出文件夹。",
    ),
}
