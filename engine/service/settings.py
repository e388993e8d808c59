"""How the server is set up: one model, read from a file, the environment and flags, each overriding the one before.

A setting `grace_seconds` is `grace_seconds` in the TOML file, `DIANJIA_GRACE_SECONDS` in the environment and
`--grace-seconds` as a flag. The table in docs/service.md and the flags are made of this model.
"""

from __future__ import annotations

import difflib
import ipaddress
import os
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Literal, get_args

from pydantic import Field, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from engine.evaluator.native import Backend, NoNative, require_native
from engine.language.problems import Problem, ProblemsFound, problem
from engine.service.addresses import address_of

PREFIX: Final = "DIANJIA_"
MIB: Final = 1024 * 1024
# Variables of the commands that call a server, which begin alike.
_OTHERS: Final = frozenset({"CONFIG", "LANGUAGE", "SERVER", "TOKEN", "TOKEN_FILE"})


def _setting(group: str, default: Any, description: str, **bounds: Any) -> Any:
    return Field(default=default, description=description, json_schema_extra={"group": group}, **bounds)


class Settings(BaseSettings):
    """Settings of a server. What is written here is the reference: docs/service.md is generated from it."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True)

    host: str = _setting("Where", "127.0.0.1", "Address to listen on. Others than loopback need `tokens` and TLS.")
    port: int = _setting("Where", 50051, "Port to listen on; 0: any free one, which is printed.", ge=0, le=65535)
    processes: int = _setting(
        "Where", 1, "Processes that share the port; about one a core. Each loads the rules.", ge=1, le=256
    )

    rules: Path | None = _setting(
        "What", None, "Folder of rules that answers while no version is active. Unset: `rules` here, else the shipped."
    )
    database: str = _setting(
        "What",
        "",
        "URL of the registry: `sqlite:///FILE` or `postgresql://USER@HOST/NAME`. Unset: SQLite in"
        " `$XDG_STATE_HOME/dianjia`; `none`: no registry.",
    )
    follow_seconds: float = _setting(
        "What", 1.0, "Pause between two looks at the registry for new activations.", ge=0.05, le=3600
    )
    versions_loaded: int = _setting(
        "What", 4, "Versions kept ready to bill; others are loaded when named.", ge=1, le=64
    )
    backend: Backend = _setting(
        "What",
        "numpy",
        "What bills chunks: `numpy`, or `native`: machine code, made of plans that many rows come to. Needs numba.",
    )
    compile_seconds: float = _setting("What", 120.0, "Time that one rate book may take to compile and test.", gt=0)

    tokens: Path | None = _setting(
        "Who", None, "TOML file of tokens. Unset, on loopback: nobody needs one to rate and read."
    )
    tls_certificate: Path | None = _setting("Who", None, "PEM file: the server's certificate, then its chain.")
    tls_key: Path | None = _setting("Who", None, "PEM file: the certificate's private key.")
    tls_client_ca: Path | None = _setting(
        "Who", None, "PEM file: authorities whose certificates callers must show (mTLS). Unset: callers show none."
    )
    insecure: bool = _setting(
        "Who", False, "Listen on an open address though `tokens` or TLS are not set, and take tokens in plain text."
    )
    reflection: bool = _setting("Who", True, "Tell anybody who asks which calls there are (gRPC reflection).")

    calls: int = _setting(
        "How much", 256, "Calls under way and waiting at once; one more is told `too-many-calls`.", ge=1, le=100_000
    )
    streams: int = _setting("How much", 16, "Of these, streams under way at once; likewise.", ge=1, le=10_000)
    workers: int = _setting(
        "How much", 16, "Threads that answer single calls, beside one for each of `streams`.", ge=1, le=1_000
    )
    request_bytes_max: int = _setting("How much", 4 * MIB, "Size of one message that comes.", ge=1024, le=1024 * MIB)
    response_bytes_max: int = _setting(
        "How much", 4 * MIB, "Size of one message that goes; clients take 4 MiB unless told.", ge=1024, le=1024 * MIB
    )
    rows_per_chunk: int = _setting("How much", 65_536, "Rows of one chunk of a stream.", ge=1, le=4_194_304)
    rows_per_stream: int = _setting(
        "How much", 20_000_000, "Rows of one stream; the ids of a row take up to 16 bytes until it ends.", ge=1
    )
    rows_per_advice: int = _setting("How much", 16_384, "Rows of one call of `AdviseCustomer`.", ge=1, le=1_048_576)

    run_inputs: str = _setting(
        "Recalculations", "", "Folders that they may read from, `:` between them. Unset: none are taken."
    )
    run_outputs: str = _setting("Recalculations", "", "Folders that they may write to, likewise.")
    runs: int = _setting(
        "Recalculations", 1, "Under way at once on this machine; the others wait, by priority, then age.", ge=1, le=64
    )
    run_threads: int = _setting("Recalculations", 2, "Threads of each.", ge=1, le=256)
    run_resume: bool = _setting(
        "Recalculations", False, "At the start, go on with those whose process or machine came to its end."
    )
    watches: int = _setting(
        "Recalculations", 8, "Callers of `WatchRecalculation` at once, which `streams` counts, too.", ge=1, le=10_000
    )

    events_per_chunk: int = _setting(
        "Warnings over time", 2_000, "Events of one chunk of `RecordEvents`.", ge=1, le=100_000
    )
    warning_watches: int = _setting(
        "Warnings over time", 8, "Callers of `WatchWarnings` at once, which `streams` counts, too.", ge=1, le=10_000
    )
    correlator: Literal["built-in", "durable"] = _setting(
        "Warnings over time",
        "built-in",
        "What correlates events: `built-in`, or `durable`: durable_rules, which refuses triggers that it cannot do.",
    )
    webhooks: Path | None = _setting(
        "Warnings over time", None, "TOML file of endpoints that are told of warnings. Unset: none is."
    )

    keepalive_seconds: float = _setting(
        "How long", 60.0, "Quiet time after which a connection is asked whether it still lives.", ge=1
    )
    keepalive_timeout_seconds: float = _setting("How long", 20.0, "Time it has to answer that.", ge=1)
    ping_interval_seconds_min: float = _setting(
        "How long", 10.0, "A client that pings more often than this is disconnected.", ge=0.1
    )
    grace_seconds: float = _setting("How long", 30.0, "Time that calls under way have to end at a shutdown.", ge=0)

    metrics_port: int | None = _setting(
        "Watching",
        None,
        "Port of Prometheus metrics; process k has this plus k, counted from 0. Unset: none.",
        ge=0,
        le=65535,
    )
    metrics_host: str = _setting("Watching", "127.0.0.1", "Address of the metrics.")
    log: Path | None = _setting("Watching", None, "File that gets a JSON line a call. Unset: standard error.")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        *_: PydanticBaseSettingsSource,
        **__: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take values from `read_settings` alone, which knows of each where it comes from."""
        return (init_settings,)

    @property
    def address(self) -> str:
        """Host and port as gRPC has them."""
        return address_of(self.host, self.port)

    @property
    def on_loopback(self) -> bool:
        """Whether this machine alone reaches the server."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


def read_settings(flags: Mapping[str, object], file: Path | None = None) -> Settings:
    """Read the settings of a server.

    Args:
        flags: setting -> value as typed; what was not typed is not there.
        file: TOML; None: none.

    Raises:
        ProblemsFound: everything that is wrong with them: `settings-file`, `setting-unknown`, `setting-value`,
            `setting-needs`, `address-open`.
    """
    from_file = _read_file(file)
    from_environment = EnvSettingsSource(Settings)()
    problems = list(_slips(os.environ))
    sources = {
        **dict.fromkeys(from_file, str(file)),
        **{name: f"{PREFIX}{name.upper()}" for name in from_environment},
        **{name: _flag(name) for name in flags},
    }
    given: dict[str, Any] = {**from_file, **from_environment, **flags}
    try:
        settings = Settings.model_validate(given)
    except ValidationError as found:
        problems += [_said(one, sources) for one in found.errors()]
    if not problems:
        problems += [*_joined(settings), *_missing(settings, sources)]
    if problems:
        raise ProblemsFound(problems)
    return settings


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _read_file(file: Path | None) -> dict[str, Any]:
    if file is None:
        return {}
    try:
        file.open("rb").close()  # the source takes a file that is not there for an empty one
        return TomlConfigSettingsSource(Settings, toml_file=file)()
    except OSError as error:
        reason = f"{(error.strerror or 'it cannot be read').lower()}."
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        reason = f"{error}."
    raise ProblemsFound([problem("settings-file", None, None, file=file, reason=reason)])


def _slips(environment: Iterable[str]) -> Iterator[Problem]:
    """Variables whose name is nearly a setting's. Others that begin with the prefix belong to somebody else."""
    for variable in sorted(environment):
        name = variable.removeprefix(PREFIX).lower()
        if not variable.startswith(PREFIX) or name in Settings.model_fields or name.upper() in _OTHERS:
            continue
        for near in difflib.get_close_matches(name, Settings.model_fields, n=1, cutoff=0.85):
            told = {"name": variable, "source": "the environment", "near": f"{PREFIX}{near.upper()}"}
            yield problem("setting-unknown", None, None, **told)


def _said(error: ErrorDetails, sources: Mapping[str, str]) -> Problem:
    """Say in our words what pydantic found."""
    name = str(error["loc"][0])
    if error["type"] == "extra_forbidden":
        near = difflib.get_close_matches(name, Settings.model_fields, n=1, cutoff=0)
        return problem("setting-unknown", None, None, name=name, source=sources[name], near=near[0])
    expected, expected_zh = expectation(Settings.model_fields[name])
    return problem(
        "setting-value",
        None,
        None,
        name=name,
        value=error["input"],
        source=sources[name],
        expected=expected,
        expected_zh=expected_zh,
    )


def expectation(info: FieldInfo) -> tuple[str, str]:
    """What a setting has to be, in English and Chinese."""
    kind = str(info.annotation)
    low = next((one.ge for one in info.metadata if hasattr(one, "ge")), None)
    high = next((one.le for one in info.metadata if hasattr(one, "le")), None)
    above = next((one.gt for one in info.metadata if hasattr(one, "gt")), None)
    if "Literal" in kind:
        return " or ".join(get_args(info.annotation)), " 或 ".join(get_args(info.annotation))
    if "bool" in kind:
        return "true or false", "true 或 false"
    if "int" in kind or "float" in kind:
        word, word_zh = ("a whole number", "整数") if "int" in kind else ("a number", "数")
        if above is not None:
            return f"{word} above {above}", f"大于 {above} 的{word_zh}"
        if high is None:
            return f"{word} of at least {low}", f"不小于 {low} 的{word_zh}"
        return f"{word} from {low} to {high}", f"{low} 到 {high} 的{word_zh}"
    return ("a path", "路径") if "Path" in kind else ("a text", "文本")


def _joined(settings: Settings) -> Iterator[Problem]:
    """What the settings, each alone as it should be, are not together."""
    pairs = (("tls_certificate", "tls_key"), ("tls_key", "tls_certificate"), ("tls_client_ca", "tls_certificate"))
    for name, other in (*pairs, ("run_inputs", "run_outputs"), ("run_outputs", "run_inputs")):
        if getattr(settings, name) not in (None, "") and getattr(settings, other) in (None, ""):
            yield problem("setting-needs", None, None, name=name, partner=other)
    if settings.webhooks is not None and settings.database == "none":
        yield problem("setting-needs", None, None, name="webhooks", partner="database")
    if not settings.on_loopback and not settings.insecure:
        for name in ("tokens", "tls_certificate"):
            if getattr(settings, name) is None:
                yield problem("address-open", None, None, host=settings.host, missing=name)


def _missing(settings: Settings, sources: Mapping[str, str]) -> Iterator[Problem]:
    """Packages and folders that a setting needs."""
    for name in ("run_inputs", "run_outputs"):
        for folder in str(getattr(settings, name)).split(os.pathsep):
            if folder and not Path(folder).is_dir():
                told = {"name": name, "value": folder, "source": sources[name]}
                expected, expected_zh = "folders that are there, with `:` between them", "已存在的文件夹，以 `:` 分隔"
                yield problem("setting-value", None, None, **told, expected=expected, expected_zh=expected_zh)
    if settings.backend == "native":
        try:
            require_native()
        except NoNative:
            told = {"name": "backend", "value": "native", "source": sources["backend"]}
            expected = "`numpy` where numba is not installed (pip install 'dianjia[native]')"
            expected_zh = "未安装 numba 时为 `numpy`（pip install 'dianjia[native]'）"
            yield problem("setting-value", None, None, **told, expected=expected, expected_zh=expected_zh)


def settings_table() -> str:
    """Write the table of docs/service.md."""
    lines = ["| setting | default | what it says |", "|---|---|---|"]
    for group, names in groups().items():
        lines.append(f"| **{group}** | | |")
        for name in names:
            info = Settings.model_fields[name]
            lines.append(f"| `{name}` | {_default(info)} | {info.description} |")
    return "\n".join(lines) + "\n"


def groups() -> dict[str, list[str]]:
    """Names of settings by group, in the order in which they are written."""
    found: dict[str, list[str]] = {}
    for name, info in Settings.model_fields.items():
        extra = info.json_schema_extra
        assert isinstance(extra, dict)
        found.setdefault(str(extra["group"]), []).append(name)
    return found


def _default(info: FieldInfo) -> str:
    if info.default is None or info.default == "":
        return "unset"
    if isinstance(info.default, bool):
        return f"`{str(info.default).lower()}`"
    if isinstance(info.default, float):
        return f"`{info.default:g}`"
    return f"`{info.default}`"


if __name__ == "__main__":
    sys.stdout.write(settings_table())
