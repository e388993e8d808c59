"""Problems of adjustments: why a run cannot be exported, acknowledged or reversed as it was asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from engine.bulk.problems import FileProblem, Language
from engine.language.catalogue import Entry

FIRST_SHOWN: Final = 5


class AdjustmentProblem(FileProblem):
    """What stops an export, an acknowledgement or a reversal before anything is changed. Words: ADJUSTMENT_PROBLEMS."""

    def render(self, language: Language = "en") -> str:
        """Two lines: `run or file: code: headline`, and below it what to do instead."""
        entry = ADJUSTMENT_PROBLEMS[self.code]
        headline, remedy = (entry.headline, entry.remedy) if language == "en" else (entry.headline_zh, entry.remedy_zh)
        return (
            f"{self.file}: {self.code}: {headline.format_map(self.parameters)}\n  {remedy.format_map(self.parameters)}"
        )


def first_of(names: Sequence[Any]) -> str:
    """The first few of some bills or ids, and a sign where there are more."""
    return ", ".join(f"`{name}`" for name in names[:FIRST_SHOWN]) + (", …" if len(names) > FIRST_SHOWN else "")


ADJUSTMENT_PROBLEMS: Final[Mapping[str, Entry]] = {
    "run-unfinished": Entry(
        "the run is not finished; it is {state}.",
        "Resume it first: `dianjia runs resume {run}`.",
        "该次计算尚未完成，状态为 {state}。",
        "请先继续计算：`dianjia runs resume {run}`。",
    ),
    "folder-of-another": Entry(
        "its folder `{folder}` now holds the bills of {other}.",
        "A run that was written over cannot be exported; bill again, into a folder of its own.",
        "其文件夹 `{folder}` 现在存放的是 {other} 的账单。",
        "被覆盖的计算无法导出；请另选文件夹重新计算。",
    ),
    "bills-not-here": Entry(
        "the folder holds no finished bills in Parquet.",
        "Name the run, or the folder that `dianjia run` wrote with `--format-out parquet`.",
        "文件夹中没有已完成的 Parquet 账单。",
        "请给出计算编号，或 `dianjia run` 以 `--format-out parquet` 写出的文件夹。",
    ),
    "bill-id-missing": Entry(
        "the bills have no column `{column}`; they have {known}.",
        "Bill with a column `bill_id` in the input, which names a bill through all its revisions; where the rows' own "
        "ids do so, say `--bill-id row_id`.",
        "账单没有列 `{column}`；现有 {known}。",
        "请在输入中加入列 `bill_id`（同一账单历次版本不变）；如行号即账单号，请写 `--bill-id row_id`。",
    ),
    "bill-id-empty": Entry(
        "{count} bills have no `{column}`.",
        "Give every row of the input one; an adjustment has to name its bill.",
        "{count} 张账单没有 `{column}`。",
        "请为输入的每一行填写；退补必须指明账单。",
    ),
    "bill-id-twice": Entry(
        "{count} bills share their `{column}` with another bill of the same run; the first: {first}.",
        "Let each row be a bill of its own, or name the column that tells them apart in --bill-id.",
        "{count} 张账单与同次计算的其他账单 `{column}` 相同，前几个：{first}。",
        "每行应为一张账单；或用 --bill-id 指定能区分的列。",
    ),
    "bill-revision": Entry(
        "`revision` is not a whole number on every bill: {reason}.",
        "Write 0 for the bill as it was first issued, 1 for its first correction, and so on.",
        "并非每张账单的 `revision` 都是整数：{reason}。",
        "首次出账写 0，第一次更正写 1，依此类推。",
    ),
    "lines-without-bill": Entry(
        "{count} rows of lines belong to no bill of this run.",
        "Verify the run (`dianjia runs verify`); its files do not belong together.",
        "有 {count} 行明细找不到所属账单。",
        "请核验该次计算（`dianjia runs verify`）：文件不属于同一次计算。",
    ),
    "currency-changed": Entry(
        "{count} bills were billed in another currency than the original; the first: {first}.",
        "An amount of one currency does not correct another. Reverse the bill and issue it anew.",
        "{count} 张账单的币种与原账单不同，前几张：{first}。",
        "不同币种不能互相退补，请冲销后重新出账。",
    ),
    "amount-too-large": Entry(
        "amounts of `{charge}` do not fit into 18 digits with {places} decimal places.",
        "Look at the bills: no charge is that large.",
        "`{charge}` 的金额在 {places} 位小数下超过 18 位数字。",
        "请检查账单：不应有如此大的金额。",
    ),
    "sum-too-large": Entry(
        "the amount of a charge of a bill, with all its corrections, does not fit into 18 digits.",
        "Look at the bills: no charge is that large.",
        "某账单某计费项连同历次更正的金额超过 18 位数字。",
        "请检查账单：不应有如此大的金额。",
    ),
    "run-partial": Entry(
        "the export would not be complete: {reason}.",
        "Leave --complete out; the file and its summary then say that they are partial.",
        "导出并不完整：{reason_zh}。",
        "请去掉 --complete；文件和汇总会注明为部分导出。",
    ),
    "adjustment-open": Entry(
        "{count} bills have a correction that was exported and is not acknowledged yet; the first: {first}.",
        "Acknowledge it (`dianjia runs acknowledge --file`), or say --hold-open to leave these bills out for now.",
        "{count} 张账单已有导出而未回执的退补，前几张：{first}。",
        "请先登记回执（`dianjia runs acknowledge --file`），或用 --hold-open 暂不导出这些账单。",
    ),
    "corrected-later": Entry(
        "{count} bills were corrected by another run since; the first: {first}.",
        "Reverse the later run first, or say --hold-later to leave these bills out.",
        "{count} 张账单此后又被其他计算更正，前几张：{first}。",
        "请先冲销较晚的计算，或用 --hold-later 排除这些账单。",
    ),
    "original-differs": Entry(
        "{count} bills were corrected before, from other original amounts than these; the first: {first}.",
        "Name the bills as first issued in --original, not a correction of them; corrections are in the ledger.",
        "{count} 张账单以前更正时依据的原始金额与此不同，前几张：{first}。",
        "--original 应为首次出账的账单，而不是更正后的账单；历次更正已记在台账中。",
    ),
    "export-differs": Entry(
        "the run was exported already, with the reason {came}.",
        "Repeat the export with that reason: the file is then written again, as it was.",
        "该次计算已经导出，原因代码为 {came}。",
        "请用相同的原因重复导出，文件会原样重写。",
    ),
    "export-of-another": Entry(
        "the run was exported already, against the original {original}.",
        "Repeat the export with that original: the file is then written again, as it was. Bills that another run "
        "issued go into a further file: say --remaining.",
        "该次计算已经导出，原账单为 {original}。",
        "请用相同的 --original 重复导出，文件会原样重写；由另一次计算首次出账的账单，请用 --remaining 另行导出。",
    ),
    "original-is-run": Entry(
        "the run is named as its own original.",
        "Name the run that billed the bills as they were first issued in --original.",
        "--original 写成了该次计算自身。",
        "--original 应为首次出账的那次计算。",
    ),
    "export-not-found": Entry(
        "the run has no {kind} number {number}.",
        "Leave --number out to write the last one again.",
        "该次计算没有第 {number} 次 {kind}。",
        "去掉 --number 可重写最近一次。",
    ),
    "nothing-exported": Entry(
        "nothing of this run was exported.",
        "There is nothing to take back.",
        "该次计算没有导出过退补。",
        "无需冲销。",
    ),
    "output-exists": Entry(
        "there is such a file already, with other contents.",
        "Name another file: what was handed over is not written over.",
        "已有同名文件，且内容不同。",
        "请换一个文件名：已交付的文件不会被覆盖。",
    ),
    "output-suffix": Entry(
        "adjustments are written as `.parquet` or `.csv`.",
        "Name the file accordingly.",
        "退补文件的格式为 `.parquet` 或 `.csv`。",
        "请相应命名。",
    ),
    "acknowledgement-columns": Entry(
        "there is no column `{column}`; the file has {known}.",
        "Give a row for each adjustment: `adjustment_id`, and `outcome`, which is `posted` or `rejected`.",
        "没有列 `{column}`；文件里有 {known}。",
        "每条退补一行：`adjustment_id` 和 `outcome`（`posted` 已入账，或 `rejected` 被拒）。",
    ),
    "acknowledgement-outcome": Entry(
        "{count} rows have an outcome that is neither `posted` nor `rejected`; the first: {first}.",
        "Write one of them on every row; leave out what is not settled yet.",
        "{count} 行的 outcome 既不是 `posted` 也不是 `rejected`，前几个：{first}。",
        "每行写其中之一；未定的行请勿列入。",
    ),
    "acknowledgement-unknown": Entry(
        "{count} ids are of no adjustment in this ledger; the first: {first}.",
        "Look whether it is the right ledger (--database), and the file that the billing system gave back.",
        "{count} 个编号不在台账中，前几个：{first}。",
        "请检查台账（--database）和计费系统返回的文件是否正确。",
    ),
    "acknowledgement-contradicts": Entry(
        "{count} adjustments have another outcome already, in the ledger or in this file; the first: {first}.",
        "An outcome is final. Where a posting was taken back later, reverse the run.",
        "{count} 条退补在台账或本文件中已有不同的结果，前几个：{first}。",
        "结果一经登记不再更改；如入账后又撤销，请冲销该次计算。",
    ),
}
