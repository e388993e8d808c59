"""Words of the command line's own output, in English and Chinese."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from engine.commands.output import Language

_CHINESE: Final[Mapping[str, str]] = {
    "account": "户号",
    "action": "处理",
    "amount": "金额",
    "billed": "已出账",
    "bills": "账单",
    "bills a second": "每秒账单数",
    "causes": "可能原因",
    "charge": "计费项",
    "class": "用电类别",
    "code": "代码",
    "currency": "货币",
    "days in force": "有效期",
    "difference": "差额",
    "differences": "不一致",
    "ends": "到期",
    "expected": "应为",
    "failed": "未通过",
    "files": "文件数",
    "got": "得到",
    "kind": "类别",
    "ledger": "科目",
    "left": "剩余天数",
    "in machine code": "机器码指令",
    "level": "级别",
    "line": "账单行",
    "overlapping": "周期重叠",
    "part": "分段",
    "passed": "通过",
    "period": "计费周期",
    "place": "地区",
    "price": "单价",
    "quantity": "数量",
    "reason": "原因",
    "received": "收到",
    "row": "行",
    "refused": "未出账",
    "rows": "行数",
    "rule set": "规则集",
    "structure": "结构",
    "seconds": "秒",
    "source": "来源",
    "size": "大小",
    "standing": "来源效力",
    "tests": "测试",
    "title": "名称",
    "total": "合计",
    "unit": "单位",
    "until replaced": "至被替代",
    "version": "版本",
    "warning": "预警",
    "warnings": "预警",
    "what": "项目",
    "with row": "与该行重叠",
}


def words(language: Language) -> Callable[[str], str]:
    """Give the function that says a word in a language; a word without a translation stays English."""
    return (lambda word: _CHINESE.get(word, word)) if language == "zh" else (lambda word: word)
