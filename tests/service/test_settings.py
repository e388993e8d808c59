"""Settings: from a file, the environment and flags; what is wrong with them; the table of the page."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from engine.language.problems import ProblemsFound
from engine.service.settings import Settings, read_settings, settings_table
from tests.documents import ROOT
from tests.service.asking import household, rating, unscaled
from tests.service.certifying import certificates
from tests.service.serving import environment, run_server, serving


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the machine's own."""
    for name in list(os.environ):
        if name.startswith("DIANJIA_"):
            monkeypatch.delenv(name)


def written(folder: Path, text: str) -> Path:
    file = folder / "settings.toml"
    file.write_text(text, encoding="utf-8")
    return file


def told(flags: dict[str, object], file: Path | None = None) -> list[str]:
    with pytest.raises(ProblemsFound) as raised:
        read_settings(flags, file)
    return [str(one) for one in raised.value.problems]


class TestSources:
    def test_defaults(self) -> None:
        """What a server without a word does: this machine alone, the usual port, one process."""
        settings = read_settings({})

        assert settings.address == "127.0.0.1:50051"
        assert settings.on_loopback
        assert (settings.processes, settings.metrics_port, settings.tokens) == (1, None, None)
        assert (settings.request_bytes_max, settings.response_bytes_max) == (4194304, 4194304)

    def test_a_flag_goes_before_a_variable_and_a_variable_before_the_file(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        file = written(tmp_path, "port = 1\nstreams = 1\nworkers = 1\n")
        monkeypatch.setenv("DIANJIA_PORT", "2")
        monkeypatch.setenv("DIANJIA_STREAMS", "2")

        settings = read_settings({"port": "3"}, file)

        assert (settings.port, settings.streams, settings.workers) == (3, 2, 1)

    def test_a_server_reads_all_three(self, tmp_path: Path) -> None:
        """Seen in what it does: the port of a flag, the log of a variable, the limit of the file."""
        config = written(tmp_path, "request_bytes_max = 2048\nport = 1\n")
        log = tmp_path / "log"

        with (
            serving(tmp_path / "s", settings={"config": config}, env={"DIANJIA_LOG": str(log)}) as server,
            server.channel() as channel,
        ):
            answer = rating(channel).CalculateBill(household())
            server.wait_for(lambda: "CalculateBill" in log.read_text())

        assert unscaled(answer) == (5283, 2, "CNY")
        assert server.port > 1

    @pytest.mark.parametrize(
        ("host", "loopback"),
        [
            ("127.0.0.1", True),
            ("127.1.2.3", True),
            ("::1", True),
            ("localhost", True),
            ("0.0.0.0", False),
            ("::", False),
            ("10.0.0.1", False),
            ("example.com", False),
            ("localhost.example.com", False),
        ],
    )
    def test_what_this_machine_alone_reaches(self, host: str, loopback: bool) -> None:
        settings = read_settings({"host": host, "insecure": "true"})

        assert settings.on_loopback == loopback

    def test_an_address_of_version_6_stands_in_brackets(self) -> None:
        assert read_settings({"host": "::1"}).address == "[::1]:50051"


class TestProblems:
    def test_all_at_once_with_where_they_come_from(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        file = written(tmp_path, 'streams = "many"\nport = 1\n')
        monkeypatch.setenv("DIANJIA_GRACE_SECONDS", "-1")

        found = told({"port": "70000"}, file)

        assert sorted(found) == [
            "setting-value: the setting `grace_seconds` is `-1`, from DIANJIA_GRACE_SECONDS;"
            " it has to be a number of at least 0.",
            "setting-value: the setting `port` is `70000`, from --port; it has to be a whole number from 0 to 65535.",
            f"setting-value: the setting `streams` is `many`, from {file};"
            " it has to be a whole number from 1 to 10000.",
        ]

    def test_a_slip_in_a_name(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        file = written(tmp_path, "grace_second = 3\n")
        monkeypatch.setenv("DIANJIA_STREAM", "3")

        found = told({}, file)

        assert sorted(found) == [
            "setting-unknown: `DIANJIA_STREAM`, from the environment, is no setting.",
            f"setting-unknown: `grace_second`, from {file}, is no setting.",
        ]

    def test_other_variables_are_somebody_else_s(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Those of the commands that call a server, for instance."""
        monkeypatch.setenv("DIANJIA_TOKEN", "x")
        monkeypatch.setenv("DIANJIA_SERVER", "x")

        assert read_settings({}).tokens is None

    @pytest.mark.parametrize(
        ("text", "reason"),
        [("port = \n", "Invalid value (at line 1, column 8)."), ("\xff", None)],
    )
    def test_a_file_that_is_no_toml(self, tmp_path: Path, text: str, reason: str | None) -> None:
        file = tmp_path / "settings.toml"
        file.write_bytes(text.encode("latin-1"))

        (found,) = told({}, file)

        assert found.startswith(f"settings-file: the settings in {file} cannot be read: ")
        assert reason is None or found.endswith(reason)

    def test_a_file_that_is_not_there(self, tmp_path: Path) -> None:
        assert told({}, tmp_path / "none.toml") == [
            f"settings-file: the settings in {tmp_path / 'none.toml'} cannot be read: no such file or directory."
        ]

    @pytest.mark.parametrize(
        ("name", "partner"),
        [("tls_certificate", "tls_key"), ("tls_key", "tls_certificate"), ("tls_client_ca", "tls_certificate")],
    )
    def test_what_goes_together(self, name: str, partner: str) -> None:
        assert told({name: "x"}) == [f"setting-needs: the setting `{name}` is there and `{partner}` is not."]

    def test_endpoints_are_told_of_what_a_registry_keeps(self) -> None:
        expected = ["setting-needs: the setting `webhooks` is there and `database` is not."]

        assert told({"webhooks": "x", "database": "none"}) == expected


class TestOpenAddress:
    """What other machines can reach asks for tokens and TLS, or for a word that says that it need not."""

    def start(self, folder: Path, *more: str) -> str:
        done = run_server(folder, "--port", "0", "--database", "none", "--host", "0.0.0.0", *more)
        assert done.returncode == 1
        assert done.stdout == ""
        return done.stderr

    def test_without_either(self, tmp_path: Path) -> None:
        said = self.start(tmp_path)

        assert "address-open: other machines can reach 0.0.0.0, and `tokens` is not set." in said
        assert "address-open: other machines can reach 0.0.0.0, and `tls_certificate` is not set." in said
        assert "or say `--insecure`" in said

    def test_tokens_in_plain_text(self, tmp_path: Path) -> None:
        """Whoever listens on the way could use them."""
        (tmp_path / "tokens.toml").touch()

        said = self.start(tmp_path, "--tokens", str(tmp_path / "tokens.toml"))

        assert re.findall(r"and `(\w+)` is not set", said) == ["tls_certificate"]

    def test_tls_without_tokens(self, tmp_path: Path) -> None:
        made = certificates(tmp_path)

        said = self.start(tmp_path, "--tls-certificate", str(made.server), "--tls-key", str(made.server_key))

        assert re.findall(r"and `(\w+)` is not set", said) == ["tokens"]

    def test_both(self, tmp_path: Path) -> None:
        settings = {"host": "0.0.0.0"}
        made = certificates(tmp_path / "c")

        with serving(tmp_path / "s", settings=settings, tokens={"a": "rate"}, certificates=made) as server:
            server.address = f"127.0.0.1:{server.port}"
            with server.channel("a", shows=False) as channel:
                answer = rating(channel).CalculateBill(household())

        assert unscaled(answer) == (5283, 2, "CNY")

    def test_insecure(self, tmp_path: Path) -> None:
        with serving(tmp_path, settings={"host": "0.0.0.0", "insecure": True}) as server:
            server.address = f"127.0.0.1:{server.port}"
            with server.channel() as channel:
                answer = rating(channel).CalculateBill(household())
            printed = server.printed()

        assert unscaled(answer) == (5283, 2, "CNY")
        assert f"grpcurl -plaintext localhost:{server.port} list" in printed


class TestStart:
    """What stops the start of a real server, said in words and with exit code 1."""

    def start(self, folder: Path, *arguments: str, language: str = "en") -> str:
        done = run_server(folder, "--port", "0", *arguments, env={"DIANJIA_LANGUAGE": language})
        assert done.returncode == 1
        assert done.stdout == ""
        assert "Traceback" not in done.stderr
        return done.stderr

    def test_a_bad_setting(self, tmp_path: Path) -> None:
        assert self.start(tmp_path, "--streams", "0") == (
            "setting-value: the setting `streams` is `0`, from --streams;"
            " it has to be a whole number from 1 to 10000.\n"
            "  Write such a value, or leave the setting out.\n"
        )

    def test_in_chinese(self, tmp_path: Path) -> None:
        assert self.start(tmp_path, "--streams", "0", language="zh").startswith(
            "setting-value: 设置 `streams` 的值为 `0`（来自 --streams），应为1 到 10000 的整数。"
        )

    def test_a_database_that_is_none(self, tmp_path: Path) -> None:
        said = self.start(tmp_path, "--database", "mysql://me:secret@db/x")

        assert "setting-value: the setting `database` is `mysql://me:***@db/x`" in said
        assert "secret" not in said

    def test_a_log_that_cannot_be_written(self, tmp_path: Path) -> None:
        said = self.start(tmp_path, "--log", str(tmp_path / "no" / "log"))

        assert said.startswith(f"log-file: the log {tmp_path / 'no' / 'log'} cannot be written: no such file")

    def test_rules_that_are_not_there(self, tmp_path: Path) -> None:
        said = self.start(tmp_path, "--database", "none", "--rules", str(tmp_path / "no"))

        assert str(tmp_path / "no") in said

    def test_rules_that_do_not_compile(self, tmp_path: Path) -> None:
        """With the line and its mark, as `dianjia check` shows them."""
        rules = tmp_path / "rules" / "cn"
        rules.mkdir(parents=True)
        (rules / "a.ruleset.yaml").write_text("ruleset: cn.a\nprcie: 3\n")

        said = self.start(tmp_path, "--database", "none")

        assert "cn/a.ruleset.yaml:2:1: unknown-key: `prcie` is not a key of a rule set" in said
        assert "    2 | prcie: 3\n      | ^^^^^" in said

    @pytest.mark.parametrize("package", ["pydantic_settings", "grpc", "prometheus_client"])
    def test_a_package_that_is_not_installed(self, tmp_path: Path, package: str) -> None:
        """An interpreter in which it cannot be imported."""
        program = f"import sys; sys.modules['{package}'] = None; from engine.commands.serve import main; main([])"

        done = subprocess.run(
            [sys.executable, "-c", program],
            cwd=tmp_path,
            env=environment(tmp_path),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

        assert (done.returncode, done.stdout) == (1, "")
        assert f"packages-missing: the server needs the package `{package}`, which is not installed." in done.stderr
        assert "pip install 'dianjia[service]'" in done.stderr

    def test_a_flag_that_is_none(self, tmp_path: Path) -> None:
        """Misuse of the command is exit code 2, as everywhere."""
        done = run_server(tmp_path, "--prot", "3")

        assert done.returncode == 2
        assert "Did you mean" in done.stderr or "--prot" in done.stderr


def test_the_page_has_the_table() -> None:
    """`python -m engine.service.settings` prints it."""
    page = (ROOT / "docs" / "service.md").read_text(encoding="utf-8")

    assert settings_table() in page


class TestCommand:
    """`dianjia serve` is `python server.py`."""

    def run(self, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "engine.start", *arguments]
        return subprocess.run(
            command,
            cwd=folder,
            env=environment(folder, {"PYTHONPATH": str(ROOT)}),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def test_it_takes_the_same_flags(self, tmp_path: Path) -> None:
        done = self.run(tmp_path, "serve", "--streams", "0")

        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith("setting-value: the setting `streams` is `0`, from --streams;")

    def test_it_speaks_the_language_of_the_command(self, tmp_path: Path) -> None:
        done = self.run(tmp_path, "--language", "zh", "serve", "--streams", "0")

        assert done.stderr.startswith("setting-value: 设置 `streams` 的值为 `0`")

    def test_its_help_is_that_of_the_server(self, tmp_path: Path) -> None:
        done = self.run(tmp_path, "serve", "--help")

        assert done.returncode == 0
        assert re.match(r"Usage: \S.* serve \[OPTIONS\]\n", done.stdout)
        assert "--grace-seconds" in done.stdout


def test_help_has_every_setting(tmp_path: Path) -> None:
    done = run_server(tmp_path, "--help")

    flags = set(re.findall(r"^ +--([a-z-]+)", done.stdout, re.MULTILINE))
    assert done.returncode == 0
    assert {name.replace("_", "-") for name in Settings.model_fields} <= flags
    assert "[default: 50051]" in done.stdout
