"""Problems of portfolio files: what stops a whole file, with what came and what to write instead.

The fault of one row is a `RowProblem` and stops nothing else. What is here concerns a file or a column of it: it cannot
be read as what it claims to be, lacks a column that every row needs, or keeps numbers in a type that has lost digits.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from engine.bulk.database_problems import DATABASE_PROBLEMS
from engine.bulk.history_problems import HISTORY_PROBLEMS
from engine.bulk.join_problems import JOIN_PROBLEMS
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
    **DATABASE_PROBLEMS,
    **JOIN_PROBLEMS,
    **HISTORY_PROBLEMS,
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
    "portfolio-folder-empty": Entry(
        "the folder holds no file.",
        "Name a folder with the run's files; files whose names begin with `.` or `_` do not count.",
        "文件夹中没有文件。",
        "请给出存放数据文件的文件夹；名称以 `.` 或 `_` 开头的文件不计。",
    ),
    "portfolio-files-columns": Entry(
        "there is no column `{column}`, which {input} has.",
        "Give all files of a run the same columns, or bill them in runs of their own.",
        "没有列 `{column}`，而 {input} 有。",
        "一次计算的各文件应有相同的列，否则请分次计算。",
    ),
    "portfolio-files-types": Entry(
        "the column `{column}` is {came}; in {input} it is {found}.",
        "Write the column in one type in all files of a run.",
        "列 `{column}` 的类型是 {came}，而在 {input} 中是 {found}。",
        "一次计算的各文件中，同一列的类型应相同。",
    ),
    "portfolio-account-split": Entry(
        "the account `{came}` has rows here and in {input}.",
        "Keep all rows of an account in one file, or let the run cut its input by account.",
        "账户 `{came}` 在本文件和 {input} 中都有数据行。",
        "请把同一账户的数据行放在一个文件中，或由程序按账户划分。",
    ),
    "portfolio-only-column": Entry(
        "rows are chosen by `{column}`, and there is no such column; the file has {known}.",
        "Name a column of the input.",
        "按 `{column}` 选择数据行，但没有这一列；文件里有 {known}。",
        "请写输入文件中的列名。",
    ),
    "portfolio-only-value": Entry(
        "rows are chosen by `{column}` = `{came}`, which a column of type {found} cannot hold.",
        "Write the value as the column has it: a number, true or false, YYYY-MM-DD, or a text.",
        "按 `{column}` = `{came}` 选择数据行，而该列类型为 {found}，不会有这样的值。",
        "请按该列的写法给出：数字、true 或 false、YYYY-MM-DD 或文本。",
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
    "run-not-found": Entry(
        "the ledger has {count} runs of this id.",
        "`dianjia runs list` shows them; name one by its whole id, by an end of it that no other has, "
        "or by its folder.",
        "台账中有 {count} 个此编号的计算。",
        "用 `dianjia runs list` 查看；请写全编号、唯一的编号结尾，或其结果文件夹。",
    ),
    "run-driven": Entry(
        "another process drives this run ({driver}).",
        "Wait for it, or end it with `dianjia runs cancel {run}`.",
        "另一进程正在执行此计算（{driver}）。",
        "请等待，或用 `dianjia runs cancel {run}` 结束它。",
    ),
    "run-changed": Entry(
        "since the run was planned, {what} changed: {which}.",
        "Put it back, begin a new run, or go on nevertheless: --despite {what_key}.",
        "计划后{what_zh}已改变：{which}。",
        "请恢复原状、另起一次计算，或用 --despite {what_key} 继续。",
    ),
    "run-cancelled": Entry(
        "the run was cancelled.",
        "Begin a new run with `dianjia run`.",
        "此计算已取消。",
        "请用 `dianjia run` 另起一次。",
    ),
    "run-replaced": Entry(
        "its results were replaced by another run, {other}.",
        "Begin a new run, with a folder of its own for its results; {folder} has those of the other.",
        "它的结果已被另一次计算 {other} 取代。",
        "请另起一次计算，并另给结果文件夹；{folder} 中是另一次计算的结果。",
    ),
    "output-handed-over": Entry(
        "the adjustments of {run} were made from the bills in this folder.",
        "Keep them, and name another folder.",
        "{run} 的退补调整是根据此文件夹中的账单做出的。",
        "请保留这些账单，并另给一个文件夹。",
    ),
    "run-stopped": Entry(
        "the run stopped: {reason}. {done} of {partitions} partitions are done and stay.",
        "Go on with `dianjia runs resume {run}`.",
        "计算已停止：{reason}。{partitions} 个分区中 {done} 个已完成并保留。",
        "请用 `dianjia runs resume {run}` 继续。",
    ),
    "run-not-finished": Entry(
        "the run is {state}.",
        "Finish it first: `dianjia runs resume {run}`.",
        "此计算的状态是 {state}。",
        "请先完成：`dianjia runs resume {run}`。",
    ),
    "engine-start": Entry(
        "there is no {engine} to bill with: {reason}.",
        "Check the address in --cluster; without it, workers are started on this machine (Spark: Java 17 or later).",
        "没有可用的 {engine}：{reason}。",
        "请检查 --cluster 的地址；不写则在本机启动工作进程（Spark 需要 Java 17 或更高版本）。",
    ),
    "engine-failed": Entry(
        "the cluster could not bill a partition: {reason}.",
        "Look into its logs. What is billed stays: go on with `dianjia runs resume`.",
        "集群未能计算一个分区：{reason}。",
        "请查看集群日志。已完成的部分保留：用 `dianjia runs resume` 继续。",
    ),
    "engine-code": Entry(
        "a worker bills with other code ({here}) than this command ({there}).",
        "Install the same release of this engine, Python, numpy and pyarrow on all of the cluster's machines.",
        "工作节点的计算程序（{here}）与本命令（{there}）不同。",
        "请在集群所有机器上安装同一版本的本程序、Python、numpy 和 pyarrow。",
    ),
}
