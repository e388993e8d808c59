"""Words of comparisons and their report, in English and Chinese."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, Literal

Language = Literal["en", "zh"]
LANGUAGES: Final[tuple[Language, ...]] = ("zh", "en")

_CHINESE: Final[Mapping[str, str]] = {
    "(none)": "（空）",
    "Part of the portfolio": "部分账单",
    "part of the portfolio": "部分账单",
    "received": "收到",
    "rows that the change reaches": "变动涉及的行",
    "account": "户号",
    "amount": "金额",
    "and {} more in comparison.json": "另有 {} 项，见 comparison.json",
    "before and after": "变动前后",
    "bill_id": "账单号",
    "bills": "账单数",
    "bills before": "原账单合计",
    "bills that fall most": "降幅最大的账单",
    "bills that rise": "上升的账单数",
    "bills that rise most": "升幅最大的账单",
    "both": "两边都有",
    "by cause": "按原因",
    "by charge": "按计费项",
    "by the old bill": "按原账单金额十等分",
    "cause": "原因",
    "causes": "原因",
    "change": "变化",
    "change [%]": "变化 [%]",
    "change of the bill [%]": "账单变化 [%]",
    "charge": "计费项",
    "code": "代码",
    "comparison of bills": "账单比较",
    "currency": "货币",
    "days that cut a bill": "分段计费的日期",
    "difference": "差额",
    "down": "下降",
    "earlier bills": "以前的账单",
    "each row that is compared is in one of these groups": "参与比较的每行恰属其中一组",
    "files": "文件",
    "from": "自",
    "group": "组别",
    "how bills change": "账单变化分布",
    "in all": "合计",
    "input": "输入",
    "month": "月份",
    "name": "名称",
    "neither": "两边都没有",
    "new": "新",
    "no row is selected": "没有选中任何行",
    "new bills": "新账单合计",
    "new rules": "新规则",
    "old": "原",
    "old rules or bills": "原规则或原账单",
    "only": "仅限",
    "only_new": "仅新有",
    "only_old": "仅原有",
    "others": "其他",
    "period": "计费周期",
    "region": "地区",
    "reason": "原因",
    "revenue effect": "收入影响",
    "rows": "行数",
    "row": "行",
    "rule": "计费规则",
    "rule set": "规则集",
    "ruleset": "规则集",
    "same": "不变",
    "segment": "分群",
    "several numbers": "多个数值",
    "share": "占比",
    "tenth": "十分位",
    "tenth of the bills, by the old bill": "按原账单金额十等分",
    "The figures are of these rows alone": "以下数字只涉及这些行",
    "the stored bill is another": "原存账单与原规则重算不同",
    "to": "至",
    "up": "上升",
    "value": "取值",
    "what-if sweep": "测算",
    "bills that were zero and change": "原为零而有变化的账单",
    "affected rule sets": "涉及的规则集",
    "bills of this group": "该组账单",
    "the bars at both ends hold all that lies beyond": "两端的柱含更远的账单",
}


def words(language: Language) -> Callable[[str], str]:
    """Give the function that says something in a language; what has no translation stays English."""
    return (lambda word: _CHINESE.get(word, word)) if language == "zh" else _english


_SPELT: Final[Mapping[str, str]] = {
    "bill_id": "bill",
    "only_old": "only old",
    "only_new": "only new",
    "ruleset": "rule set",
}


def _english(word: str) -> str:
    return _SPELT.get(word, word)
