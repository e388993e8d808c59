"""Why warnings are not sent to an endpoint: a part of `engine.language.catalogue_service`."""

from __future__ import annotations

from collections.abc import Mapping

from engine.language.entry import Entry

WEBHOOKS: Mapping[str, Entry] = {
    "webhooks-file": Entry(
        "the endpoints in {file} cannot be read: {reason}",
        'Write TOML, one table for each endpoint: `[gateway]`, then `url = "https://..."`. docs/warnings-delivery.md '
        "has all that it may hold.",
        "无法读取推送目标文件 {file}：{reason}",
        '请写成 TOML，每个推送目标一张表：`[gateway]`，然后是 `url = "https://..."`。全部内容见 '
        "docs/warnings-delivery.md。",
    ),
    "webhook-key": Entry(
        "`{name}` is not a key of the endpoint `{endpoint}` in {file}.",
        "Keys are {known}.",
        "`{name}` 不是 {file} 中推送目标 `{endpoint}` 的设置。",
        "可用的设置有 {known}。",
    ),
    "webhook-value": Entry(
        "`{name}` of the endpoint `{endpoint}` in {file} is `{value}`; it has to be {expected}.",
        "docs/warnings-delivery.md tells what each key says.",
        "{file} 中推送目标 `{endpoint}` 的 `{name}` 为 `{value}`，应为{expected_zh}。",
        "各项设置的说明见 docs/warnings-delivery.md。",
    ),
    "webhook-secret": Entry(
        "the endpoint `{endpoint}` in {file} has no secret that can be used: {reason}.",
        "`dianjia warnings secret` makes one. Set the variable that `secret_env` names, or write it to `secret_file`; "
        "several have a space between them.",
        "{file} 中推送目标 `{endpoint}` 没有可用的密钥：{reason_zh}。",
        "`dianjia warnings secret` 可生成密钥。请设置 `secret_env` 指明的变量，或写入 `secret_file`；"
        "多个密钥以空格分隔。",
    ),
}
