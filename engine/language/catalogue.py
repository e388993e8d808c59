"""What every problem says, in English and Chinese: one entry a code.

A headline names what is wrong, in one sentence; a remedy says what to write or do instead. Names in braces are the
problem's parameters. No Python words, no "invalid", no blame. To add a code, add an entry; `tests/bad/`, or for rows
`tests/bad_rows/`, then wants an example of it, with the whole message that it should give; of the service's and the
registry's codes, a test under `tests/service/` or `tests/registry/` that brings it about.
"""

from __future__ import annotations

from collections.abc import Mapping

from engine.language.catalogue_advice import ADVICE as ADVICE
from engine.language.catalogue_calendars import CALENDARS as CALENDARS
from engine.language.catalogue_desk import DESK as DESK
from engine.language.catalogue_durable import DURABLE as DURABLE
from engine.language.catalogue_files import FILES as FILES
from engine.language.catalogue_files import TABLES as TABLES
from engine.language.catalogue_lists import LISTS as LISTS
from engine.language.catalogue_profiles import PROFILES as PROFILES
from engine.language.catalogue_quantities import QUANTITIES as QUANTITIES
from engine.language.catalogue_reads import READS as READS
from engine.language.catalogue_rows import ROWS as ROWS
from engine.language.catalogue_rules import RULES as RULES
from engine.language.catalogue_service import SERVICE as SERVICE
from engine.language.catalogue_triggers import EVENTS as EVENTS
from engine.language.catalogue_triggers import TRIGGERS as TRIGGERS
from engine.language.catalogue_values import FORMULAS as FORMULAS
from engine.language.catalogue_values import VALUES as VALUES
from engine.language.entry import Entry as Entry

CATALOGUE: Mapping[str, Entry] = {
    **FILES,
    **VALUES,
    **FORMULAS,
    **TABLES,
    **ROWS,
    **CALENDARS,
    **RULES,
    **LISTS,
    **READS,
    **QUANTITIES,
    **PROFILES,
    **ADVICE,
    **SERVICE,
    **TRIGGERS,
    **EVENTS,
    **DESK,
    **DURABLE,
}

# Phrases that appear as parameters, in Chinese
PHRASES: Mapping[str, str] = {
    "this mapping": "这里",
    "a source": "来源",
    "a dated figure": "带日期的数值",
    "a dated value": "带日期的数值组",
    "a notice": "电价文件",
    "a form": "通用规则",
    "a rule set": "规则集",
    "a shared file": "共享文件",
    "an advice file": "办法文件",
    "an alternative": "办法",
    "what is to be at its best": "求优的输入",
    "a row of a test": "测试的一行",
    "a test of advice": "办法的测试",
    "the days in force": "有效日期",
    "plausible bounds": "合理范围",
    "a value": "数值",
    "a column": "列",
    "a table": "表",
    "a printed exception": "印刷例外",
    "a check": "核对",
    "a row of bands": "分段表的行",
    "a table of bands": "分段表",
    "an input": "输入",
    "what a shared file reads": "共享文件所读的项",
    "yes or no": "是否",
    "a code": "代码",
    "a day": "日期",
    "a value of each item": "各项目的值",
    "no input, quantity or value": "别的项，不是输入、计费量或数值",
    "the energy rule": "电量规则",
    "a refusal": "拒绝规则",
    "a warning": "预警",
    "an event": "事件",
    "an event that fits": "符合条件的事件",
    "a step": "步骤",
    "an expected warning": "预期的预警",
    "a test of triggers": "触发器测试",
    "the voucher of a test": "测试的担保",
    "an expected refusal": "预期的拒绝",
    "a test": "测试",
    "a quantity": "计费量",
    "a flat charge": "一口价计费项",
    "a time_of_use charge": "分时计费项",
    "a tiered charge": "阶梯计费项",
    "a tiered_time_of_use charge": "分时阶梯计费项",
    "a tier_uplift charge": "阶梯加价计费项",
    "a basic_charge charge": "基本电费计费项",
    "a power_factor charge": "力调电费计费项",
    "a percentage charge": "百分比计费项",
    "a quantity_discount charge": "电量优惠计费项",
    "a free_quota charge": "免费电量计费项",
    "a minimum_bill charge": "最低收费计费项",
    "a formula charge": "公式计费项",
    "a tier": "一档",
    "a part of the basic charge": "基本电费的一种方式",
    "the contract demand": "合同需量",
    "the floor of the contract demand": "合同需量下限",
    "the rule of high use": "高用电规则",
    "a calendar": "日历",
    "a list of holidays": "节假日表",
    "a billing period": "计费周期",
    "a list of items": "项目列表",
    "a rounding": "取整方式",
    "a loss": "损耗",
    "a band of load": "负荷分段",
    "a share of the loss": "损耗分摊",
    "a step of a deduction": "套扣的一步",
    "installed capacity": "装机容量",
    "suspended capacity": "暂停容量",
    "a demand": "需量",
    "a register quantity": "抄表电量",
    "a transformer_loss quantity": "变压器损耗",
    "a line_loss quantity": "线路损耗",
    "a deduction quantity": "套扣电量",
    "a capacity_in_service quantity": "计费容量",
    "an intervals quantity": "负荷曲线电量",
    "how an input is carried": "输入的结转方式",
    "an event trigger": "单次事件触发器",
    "a trend trigger": "趋势触发器",
    "a count trigger": "次数触发器",
    "a sequence trigger": "序列触发器",
    "a pair trigger": "成对触发器",
    "a total trigger": "累计触发器",
}
