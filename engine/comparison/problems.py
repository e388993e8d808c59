"""Problems of comparisons and settings: what was asked cannot be done, with what came and what to write instead."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from engine.language.catalogue import Entry

Language = Literal["en", "zh"]


class ComparisonProblem(ValueError):
    """What was asked of a comparison cannot be done as it is. Its words are in `COMPARISON_PROBLEMS`."""

    def __init__(self, code: str, subject: str, **parameters: object) -> None:
        self.code = code
        self.subject = subject
        self.parameters = {name: str(value) for name, value in parameters.items()}
        super().__init__(self.render())

    def render(self, language: Language = "en") -> str:
        """Two lines: `subject: code: headline`, and below it what to write instead."""
        entry = COMPARISON_PROBLEMS[self.code]
        headline, remedy = (entry.headline, entry.remedy) if language == "en" else (entry.headline_zh, entry.remedy_zh)
        lines = [f"{self.subject}: {self.code}: {headline.format_map(self.parameters)}"]
        if remedy:
            lines.append(f"  {remedy.format_map(self.parameters)}".rstrip())
        return "\n".join(lines)

    def to_json(self) -> dict[str, object]:
        """The problem for a program to read."""
        return {
            "code": self.code,
            "subject": self.subject,
            "parameters": dict(self.parameters),
            "text": self.render(),
            "text_zh": self.render("zh"),
        }


COMPARISON_PROBLEMS: Mapping[str, Entry] = {
    "notice-comparison": Entry(
        "there is no comparison with its bills.",
        "Name the folder that `dianjia compare --rules OLD --against NEW --output FOLDER` wrote.",
        "这里没有带账单的比较结果。",
        "请给出 `dianjia compare --rules 旧 --against 新 --output 文件夹` 写出的文件夹。",
    ),
    "notice-books": Entry(
        "the comparison is of other rate books: {old} with {new}; the versions are {old_here} and {new_here}.",
        "Compare the files of the version that answers now with those of the one that is activated.",
        "比较的是别的电价册：{old} 与 {new}；这两个版本是 {old_here} 与 {new_here}。",
        "请用现行版本的文件与要启用版本的文件作比较。",
    ),
    "notice-first": Entry(
        "no version answers then, so that there is nothing to compare with.",
        "Leave out --comparison.",
        "届时没有现行版本，无从比较。",
        "请去掉 --comparison。",
    ),
    "notice-accounts": Entry(
        "its bills name no account, so that nobody can be told.",
        "Compare a portfolio that has a column `account`.",
        "账单没有户号，无法通知到户。",
        "请用带 `account` 列的客户数据作比较。",
    ),
    "setting-form": Entry(
        "this is no setting.",
        "Write `RULESET:PATH@FIRST_DAY=NUMBER`, as `cn.jiangsu.residential:energy.2.price@2026-01-01=0.60`; "
        "of some days alone, `@2026-01-01..2026-03-31=0.60`.",
        "这不是一项设定。",
        "请写成 `规则集:路径@起始日=数值`，如 `cn.jiangsu.residential:energy.2.price@2026-01-01=0.60`；"
        "只设一段日期时写 `@2026-01-01..2026-03-31=0.60`。",
    ),
    "setting-day": Entry(
        "`{text}` is no day.",
        "Write days as 2026-01-31.",
        "`{text}` 不是日期。",
        "日期请写成 2026-01-31。",
    ),
    "setting-days": Entry(
        "the last day {through} lies before the first, {first}.",
        "Write the earlier day first.",
        "末日 {through} 早于首日 {first}。",
        "请先写较早的一天。",
    ),
    "setting-number": Entry(
        "`{text}` is no number.",
        "Write digits with a decimal point, as 0.60.",
        "`{text}` 不是数。",
        "请写数字和小数点，如 0.60。",
    ),
    "sweep-form": Entry(
        "`{text}` is no range of numbers.",
        "Write `LOWEST..HIGHEST/STEP`, as 0.50..0.70/0.05; the step is above zero, with at most {most} values.",
        "`{text}` 不是一组数。",
        "请写成 `最小..最大/步长`，如 0.50..0.70/0.05；步长大于零，最多 {most} 个数。",
    ),
    "setting-ruleset": Entry(
        "the rate book has no rule set `{ruleset}`.",
        "{near}`dianjia list` shows the rule sets there are.",
        "电价册里没有规则集 `{ruleset}`。",
        "{near_zh}`dianjia list` 列出现有的规则集。",
    ),
    "setting-not-in-force": Entry(
        "the rule set is not in force on {day}.",
        "Its days are: {days}",
        "规则集在 {day} 不在有效期内。",
        "它的有效期：{days}",
    ),
    "setting-path": Entry(
        "no printed number of the rule set is called `{path}`.",
        "{near}A cell of a table is written `price[below_1kv].second`.",
        "规则集里没有名为 `{path}` 的印刷数值。",
        "{near_zh}表中的一格写成 `price[below_1kv].second`。",
    ),
    "setting-worked-out": Entry(
        "`{path}` is worked out of other numbers.",
        "Set one of these: {known}.",
        "`{path}` 由其他数值算出。",
        "请设定其中之一：{known}。",
    ),
    "setting-no-figure": Entry(
        "no number of `{path}` is in force on {day}.",
        "Name a day on which one is: {days}",
        "`{path}` 在 {day} 没有生效的数值。",
        "请写有数值生效的日期：{days}",
    ),
    "setting-twice": Entry(
        "two settings are for `{path}` on {day}.",
        "Leave one of them out.",
        "有两项设定都针对 `{path}` 在 {day} 的数值。",
        "请删去一项。",
    ),
    "setting-places": Entry(
        "{text} is finer than `{path}` was compiled for, which is in steps of {step}.",
        "Write a multiple of {step}; for others edit the rules and compare the folders.",
        "{text} 比 `{path}` 编译时的精度更细，其步长为 {step}。",
        "请写 {step} 的倍数；其他数值请改规则文件，再比较两个文件夹。",
    ),
    "setting-implausible": Entry(
        "{text} lies outside what is plausible for `{path}` [{unit}]: {low} to {high}.",
        "Check the decimal point and the unit.",
        "{text} 超出 `{path}` [{unit}] 的合理范围 {low} 至 {high}。",
        "请检查小数点和单位。",
    ),
    "setting-not-proven": Entry(
        "with {text} for `{path}` the compiled steps are not known to be right: {reason}.",
        "{advice}For any other number edit the rules and compare the folders.",
        "`{path}` 取 {text} 时不能证明已编译的步骤仍然正确：{reason_zh}。",
        "{advice_zh}其他数值请改规则文件，再比较两个文件夹。",
    ),
    "setting-nothing-kept": Entry(
        "the rule set was compiled without what it takes to replace a number.",
        "Compile it again from its files.",
        "这个规则集编译时没有保留替换数值所需的内容。",
        "请从文件重新编译。",
    ),
    "comparison-currency": Entry(
        "its bills are in {old} on one side and in {new} on the other.",
        "Amounts of two currencies have no difference: give the new rule set an id of its own.",
        "一边的账单用 {old}，另一边用 {new}。",
        "不同货币的金额没有差额：请给新规则集另起标识。",
    ),
    "comparison-by": Entry(
        "the portfolio has no column `{column}`; totals can be told by {known}.",
        "Name one of these in --by.",
        "批量文件没有列 `{column}`；可按 {known} 汇总。",
        "请在 --by 写其中之一。",
    ),
    "comparison-values": Entry(
        "the column has more than {most} different values.",
        "Name a column in --by that groups accounts, such as a segment.",
        "该列有超过 {most} 个不同的值。",
        "请在 --by 写能给账户分组的列，如分群。",
    ),
    "comparison-too-large": Entry(
        "an amount with {places} decimal places has more than 18 digits.",
        "Compare rule sets with fewer decimal places by themselves: --only ruleset=…",
        "有一笔金额带 {places} 位小数后超过 18 位数字。",
        "请单独比较小数位较少的规则集：--only ruleset=…",
    ),
    "comparison-done": Entry(
        "the folder already holds a comparison.",
        "Name another folder, or say --overwrite to replace it.",
        "文件夹中已有一次比较的结果。",
        "请换一个文件夹，或用 --overwrite 覆盖。",
    ),
    "stored-no-run": Entry(
        "the folder holds no finished run: `summary.json` and `bills/*.parquet` are wanted.",
        "Name the folder that `dianjia run --output` wrote, in Parquet.",
        "文件夹中没有完成的计算：需要 `summary.json` 和 `bills/*.parquet`。",
        "请给出 `dianjia run --output` 写出的 Parquet 结果文件夹。",
    ),
    "stored-currency": Entry(
        "the row's stored bill is in {old}, and its new one in {new}.",
        "Amounts of two currencies have no difference: give the new bill a row id of its own.",
        "该行的原存账单用 {old}，新账单用 {new}。",
        "不同货币的金额没有差额：请给新账单另用行号。",
    ),
    "stored-only-column": Entry(
        "some stored bills have no row in the input, and no column `{column}` that tells whether they are meant; they "
        "have {known}.",
        "Choose rows by one of these columns, or compare all of them.",
        "有原存账单在输入中没有对应的行，也没有列 `{column}` 可判断是否在比较范围内；它们的列有 {known}。",
        "请按其中的列选择，或比较全部账单。",
    ),
    "stored-not-whole": Entry(
        "of {rows} stored bills the lines do not add up to the total.",
        "Bring back the files of `lines/` that belong to these bills, or run again.",
        "有 {rows} 张原存账单的各行之和不等于合计。",
        "请恢复与这些账单相应的 `lines/` 文件，或重新计算。",
    ),
}
