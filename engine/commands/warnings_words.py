"""Words of `dianjia warnings`, in English and Chinese, beside those of `engine.commands.words`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from engine.commands.output import Language
from engine.commands.words import words

_CHINESE: Final[Mapping[str, str]] = {
    "accepted": "已接受",
    "accounts held": "在记户数",
    "acknowledged": "已受理",
    "amber": "橙色",
    "at": "时间",
    "attempts failed": "失败次数",
    "billing": "计费",
    "bytes held": "状态字节数",
    "bytes per account": "每户字节数",
    "causes": "可能原因",
    "cleared": "已解除",
    "complete until": "已到齐至",
    "correlator": "关联引擎",
    "credit_control": "信用管控",
    "cursor": "游标",
    "customer": "客户",
    "account_manager": "客户经理",
    "dead": "死信",
    "dead letters": "死信",
    "different": "内容不同",
    "dispatch": "调度",
    "duplicates": "重复",
    "endpoint": "推送目标",
    "event": "事件",
    "events": "事件数",
    "events behind": "相关事件",
    "fresh run": "重放结果",
    "id": "编号",
    "info": "提示",
    "inspection": "用电检查",
    "keys": "键",
    "kept": "已保存",
    "last taken": "最近送达",
    "lateness": "允许迟到",
    "latest event": "最新事件",
    "message": "内容",
    "metering": "计量",
    "missing": "缺少",
    "next deadline": "下一期限",
    "next attempt": "下次尝试",
    "nobody": "无人",
    "note": "备注",
    "nothing": "无",
    "paused until": "暂停至",
    "raised": "已触发",
    "read anew": "状态重新开始的触发器",
    "recipient": "通知对象",
    "recorded": "记录时间",
    "red": "红色",
    "refused": "已拒绝",
    "region": "地区",
    "rule": "规则",
    "taken": "已送达",
    "tariff_notice": "电价通知",
    "trigger": "触发器",
    "triggers": "触发器数",
    "tries": "尝试次数",
    "unacknowledged": "未受理",
    "unexpected": "多出",
    "values": "数值",
    "waiting": "等待",
    "watermark": "水位",
    "yellow": "黄色",
}


def warning_words(language: Language) -> Callable[[str], str]:
    """Give the function that says a word in a language."""
    say = words(language)
    return (lambda word: _CHINESE.get(word) or say(word)) if language == "zh" else say
