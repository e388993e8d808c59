"""Where warnings are sent: endpoints with their secrets and filters, read from a TOML file and the environment.

    [gateway]
    url = "https://gateway.example/warnings"
    secret_env = "GATEWAY_SECRET"
    levels = ["amber", "red"]

Secrets stand in the environment or in files of their own, never in this one. docs/warnings-delivery.md has every key.
"""

from __future__ import annotations

import ipaddress
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, get_args
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from engine.compiler.trigger import Level
from engine.language.problems import Problem, ProblemsFound, problem
from engine.warnings.webhook_signature import read_secret

Recipient = Literal["customer", "account_manager", "billing", "credit_control", "metering", "inspection", "dispatch"]
Kind = Literal["warning", "tariff_notice"]
Begins = Literal["now", "beginning"]

_NAME: Final = re.compile(r"[a-z][a-z0-9_-]{0,62}")


class _Written(BaseModel):
    """An endpoint as it stands in the file."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    url: str
    secret_env: str = ""
    secret_file: str = ""
    regions: list[str] = []
    levels: list[Level] = []
    recipients: list[Recipient] = []
    kinds: list[Kind] = []
    begins: Begins = "now"
    tries: int = Field(default=20, ge=1, le=100)
    timeout_seconds: float = Field(default=10.0, gt=0, le=300)
    plain_text: bool = False
    ca_file: str = ""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Somebody who is told of warnings.

    Attributes:
        name: under which the database keeps how far it has been told.
        keys: secrets; a message has a signature by each.
        regions, levels, recipients, kinds: of the warnings that are sent; (): all.
        begins: where a new endpoint begins: with what comes from now on, or with the first warning there is.
        tries: after so many that failed a warning is put aside as a dead letter.
        timeout_seconds: that connecting and answering may take.
        ca_file: PEM file of the authorities that may vouch for the host; "": those of the machine.
    """

    name: str
    url: str
    keys: tuple[bytes, ...]
    regions: tuple[str, ...] = ()
    levels: tuple[str, ...] = ()
    recipients: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    begins: Begins = "now"
    tries: int = 20
    timeout_seconds: float = 10.0
    ca_file: str = ""

    def __repr__(self) -> str:
        """Say which it is, and nothing of its secrets: what is shown ends up in logs."""
        return f"Endpoint({self.name!r})"


def read_endpoints(file: Path, environment: Mapping[str, str]) -> tuple[Endpoint, ...]:
    """Read endpoints, in the order in which they stand in the file.

    Args:
        file: TOML; one table each.
        environment: names of variables -> values, for secrets.

    Raises:
        ProblemsFound: everything that is wrong with them: `webhooks-file`, `webhook-key`, `webhook-value`,
            `webhook-secret`.
    """
    try:
        written = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        reason = f"{(error.strerror or 'it cannot be read').lower()}."
        raise ProblemsFound([problem("webhooks-file", None, file=file, reason=reason)]) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ProblemsFound([problem("webhooks-file", None, file=file, reason=f"{error}.")]) from None
    problems: list[Problem] = []
    found = []
    for name, table in written.items():
        one = _read(file, name, table, environment)
        if isinstance(one, Endpoint):
            found.append(one)
        else:
            problems += one
    if not written:
        problems.append(problem("webhooks-file", None, file=file, reason="it names no endpoint."))
    if problems:
        raise ProblemsFound(problems)
    return tuple(found)


def _read(file: Path, name: str, table: object, environment: Mapping[str, str]) -> Endpoint | list[Problem]:
    if not isinstance(table, dict) or not _NAME.fullmatch(name):
        expected = "a table whose name has small letters, digits, `-` and `_`, such as `[gateway]`"
        expected_zh = "一张表，表名只含小写字母、数字、`-` 和 `_`，例如 `[gateway]`"
        return [_value(file, name, "name", name, expected, expected_zh)]
    try:
        model = _Written.model_validate(table)
    except ValidationError as error:
        return [_said(file, name, one) for one in error.errors()]
    problems = list(_address(file, name, model))
    keys = _keys(file, name, model, environment)
    if isinstance(keys, Problem):
        problems.append(keys)
    if problems or isinstance(keys, Problem):
        return problems
    return Endpoint(
        name=name,
        url=model.url,
        keys=keys,
        regions=tuple(model.regions),
        levels=tuple(model.levels),
        recipients=tuple(model.recipients),
        kinds=tuple(model.kinds),
        begins=model.begins,
        tries=model.tries,
        timeout_seconds=model.timeout_seconds,
        ca_file=model.ca_file,
    )


def _address(file: Path, endpoint: str, model: _Written) -> Iterator[Problem]:
    try:
        parts = urlsplit(model.url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        parts, host = urlsplit(""), ""
    if parts.scheme not in ("http", "https") or not host or parts.username is not None or parts.fragment:
        expected = "`https://HOST/PATH`, without a name and a password"
        yield _value(file, endpoint, "url", _shown(model.url), expected, "`https://主机/路径`，不含用户名和密码")
    elif parts.scheme == "http" and not _is_loopback(host) and not model.plain_text:
        expected = "`https://...`: over `http` anybody on the way reads it. With `plain_text = true` it is sent so"
        expected_zh = "`https://...`：用 `http` 则途中任何人都能读到；确需如此请写 `plain_text = true`"
        yield _value(file, endpoint, "url", _shown(model.url), expected, expected_zh)
    if model.ca_file and not Path(model.ca_file).is_file():
        yield _value(file, endpoint, "ca_file", model.ca_file, "a PEM file that is there", "已存在的 PEM 文件")


def _shown(written: str) -> str:
    """What stands in the file, without what may be secret: passwords, keys in an address, a secret in a wrong place."""
    return re.sub(r"(?<=\?).*|(?<=//)[^/@]*(?=@)|(?<=whsec_)[^\s`'\"]+", "***", written)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _keys(file: Path, endpoint: str, model: _Written, environment: Mapping[str, str]) -> tuple[bytes, ...] | Problem:
    def missing(reason: str, reason_zh: str) -> Problem:
        return problem("webhook-secret", None, file=file, endpoint=endpoint, reason=reason, reason_zh=reason_zh)

    if bool(model.secret_env) == bool(model.secret_file):
        return missing("it needs one of `secret_env` and `secret_file`", "`secret_env` 与 `secret_file` 须且只须有一个")
    if model.secret_env:
        written = environment.get(model.secret_env, "")
        where, where_zh = f"the variable `{_shown(model.secret_env)}`", f"变量 `{_shown(model.secret_env)}` "
    else:
        where, where_zh = f"the file `{_shown(model.secret_file)}`", f"文件 `{_shown(model.secret_file)}` "
        try:
            written = Path(model.secret_file).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return missing(f"{where} cannot be read", f"{where_zh}无法读取")
    if not written.split():
        return missing(f"{where} is empty", f"{where_zh}为空")
    try:
        return tuple(read_secret(one) for one in written.split())
    except ValueError as error:
        return missing(f"{where} holds another thing; {error}", f"{where_zh}的内容不是密钥")


def _said(file: Path, endpoint: str, error: Any) -> Problem:
    """Say in our words what pydantic found."""
    name = str(error["loc"][0])
    if error["type"] == "extra_forbidden":
        known = ", ".join(f"`{key}`" for key in _Written.model_fields)
        return problem("webhook-key", None, file=file, endpoint=endpoint, name=name, known=known)
    if error["type"] == "missing":
        return _value(file, endpoint, name, "", "given", "必填项")
    value = _shown(str(error["input"])) if name.startswith("secret") else error["input"]
    return _value(file, endpoint, name, value, *_EXPECTED[name])


def _value(file: Path, endpoint: str, name: str, value: object, expected: str, expected_zh: str) -> Problem:
    return problem(
        "webhook-value",
        None,
        file=file,
        endpoint=endpoint,
        name=name,
        value=value,
        expected=expected,
        expected_zh=expected_zh,
    )


def _any_of(names: tuple[str, ...]) -> tuple[str, str]:
    shown = ", ".join(f'"{name}"' for name in names)
    return f"a list of {shown}", f"由 {shown} 组成的列表"


_TEXT: Final = ("a text", "文本")
_EXPECTED: Final[Mapping[str, tuple[str, str]]] = {
    "url": _TEXT,
    "secret_env": _TEXT,
    "secret_file": _TEXT,
    "regions": ("a list of texts", "文本列表"),
    "levels": _any_of(get_args(Level)),
    "recipients": _any_of(get_args(Recipient)),
    "kinds": _any_of(get_args(Kind)),
    "begins": ('"now" or "beginning"', '"now" 或 "beginning"'),
    "tries": ("a whole number from 1 to 100", "1 到 100 的整数"),
    "timeout_seconds": ("a number above 0, at most 300", "大于 0 且不超过 300 的数"),
    "plain_text": ("true or false", "true 或 false"),
    "ca_file": _TEXT,
}
