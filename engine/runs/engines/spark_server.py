"""A Spark Connect server of our own, as a process that ends with this one, with workers on this machine or a master's.

Everything of it listens on the loopback address, asks for secrets made for it alone, and keeps its files in a folder
that is taken away in the end. It is killed, not asked to stop: Spark keeps nothing of ours.
"""

from __future__ import annotations

import importlib.util
import os
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from engine.bulk.problems import FileProblem
from engine.runs.engines.loopback import HOST, environment

START_SECONDS: Final = 120
LOOK_SECONDS: Final = 0.05
DEATHS_MAX: Final = 8  # executors that may die of one partition, before it is taken to be its fault
WORKER_MEMORY_MB: Final = 1024  # what the JVM of a worker may promise; Python's memory comes on top
EXECUTOR_MEMORY: Final = "512m"  # the least that Spark starts with, and nothing is kept in it

# Bash waits for the end of its input, which ends with whoever holds the other end, and then for nothing: the server and
# its executors are one process group. Job control (-m) makes it one.
_WATCH: Final = 'set -m; "$@" </dev/null >>"$0/server.log" 2>&1 & cat >/dev/null; kill -KILL -- -$!; rm -rf -- "$0"'
_STARTED: Final = re.compile(r"Spark Connect server started at: \S*?:(\d+)\.?\s")
_LOG: Final = """\
rootLogger.level = warn
rootLogger.appenderRef.stderr.ref = console
appender.console.type = Console
appender.console.name = console
appender.console.target = SYSTEM_ERR
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %p %c{1}: %m%n%ex
logger.server.name = org.apache.spark.sql.connect.service.SparkConnectServer
logger.server.level = info
"""


class SparkServer:
    """The process, and where it listens."""

    def __init__(self, master: str, workers: int) -> None:
        """Start it, and wait until it listens.

        Args:
            master: URL of a master; "": workers of our own.
            workers: of our own, of one core each.

        Raises:
            FileProblem: it does not start; what it said last is the reason.
        """
        self._master = master or f"local-cluster[{workers},1,{WORKER_MEMORY_MB}]"
        if shutil.which("java") is None and not os.environ.get("JAVA_HOME"):
            raise _not_started(master, "there is no `java` on this machine, and JAVA_HOME names none")
        self._folder = Path(tempfile.mkdtemp(prefix="dianjia-spark-"))
        token = secrets.token_hex(32)
        command = self._lay_out(token)
        local = {} if master else environment() | {"PYSPARK_PYTHON": sys.executable}
        names = {"SPARK_LOCAL_IP": HOST, "SPARK_LOCAL_HOSTNAME": HOST} if not master else {}
        home = {"SPARK_HOME": str(self._folder), "SPARK_CONF_DIR": str(self._folder / "conf")}
        self._process = subprocess.Popen(
            ["bash", "-c", _WATCH, str(self._folder), *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self._folder,
            env={**os.environ, **local, **names, **home},
            start_new_session=True,  # what ends the driver by the keyboard is the driver's to handle
        )
        try:
            # By this name the client takes the token without TLS: nothing leaves the machine.
            self.address = f"sc://localhost:{self._port()}/;token={token}"
        except BaseException:
            self.close()
            raise

    def executors(self) -> list[int]:
        """Process ids of the executors on this machine."""
        found = []
        for status in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = status.read_bytes().split(b"\0")
            except OSError:  # it has ended meanwhile
                continue
            if any(b"CoarseGrainedExecutorBackend" in one for one in words) and _mentions(words, self._folder):
                found.append(int(status.parent.name))
        return sorted(found)

    def close(self) -> None:
        """Kill it with all its executors, and take its files away."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _lay_out(self, token: str) -> list[str]:
        """Make a home with settings of our own around the installed Spark."""
        found = importlib.util.find_spec("pyspark")
        assert found is not None
        assert found.origin is not None
        installed = Path(os.environ.get("SPARK_HOME") or Path(found.origin).parent)
        for name in ("bin", "jars", "python"):
            (self._folder / name).symlink_to(installed / name)
        conf, files = self._folder / "conf", self._folder / "files"
        conf.mkdir()
        files.mkdir()
        (conf / "log4j2.properties").write_text(_LOG, encoding="utf-8")
        # One garbage collector thread and the first compiler alone: these JVMs hand tasks on, and do nothing else.
        java = f"-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Djava.io.tmpdir={files}"
        settings = {
            "spark.master": self._master,
            "spark.app.name": "dianjia",
            "spark.connect.authenticate.token": token,
            "spark.connect.grpc.binding.address": HOST,
            "spark.connect.grpc.binding.port": "0",
            "spark.driver.extraJavaOptions": java,
            "spark.driver.memory": EXECUTOR_MEMORY,
            "spark.local.dir": str(files),
            "spark.sql.warehouse.dir": str(files / "warehouse"),
            "spark.task.maxFailures": str(DEATHS_MAX),
            "spark.ui.enabled": "false",
        }
        if self._master.startswith("local-cluster"):
            settings |= {
                "spark.authenticate": "true",
                "spark.authenticate.secret": secrets.token_hex(32),
                "spark.deploy.maxExecutorRetries": "-1",
                "spark.driver.bindAddress": HOST,
                "spark.driver.host": HOST,
                "spark.executor.extraJavaOptions": java,
                "spark.executor.memory": EXECUTOR_MEMORY,
            }
        defaults = conf / "spark-defaults.conf"
        defaults.touch(0o600)  # the secrets are for this user alone
        defaults.write_text("".join(f"{key} {value}\n" for key, value in settings.items()), encoding="utf-8")
        submit = str(self._folder / "bin" / "spark-submit")
        return [submit, "--class", "org.apache.spark.sql.connect.service.SparkConnectServer", "spark-internal"]

    def _port(self) -> int:
        log = self._folder / "server.log"
        patience = time.monotonic() + START_SECONDS
        while time.monotonic() < patience:
            said = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
            if started := _STARTED.search(said):
                return int(started[1])
            if "ShutdownHookManager" in said or "Exception in thread" in said or "Error: " in said:
                raise _not_started(self._master, _last(said))
            time.sleep(LOOK_SECONDS)
        raise _not_started(self._master, f"nothing listens after {START_SECONDS} s")


def _mentions(words: list[bytes], folder: Path) -> bool:
    return any(os.fsencode(str(folder)) in one for one in words)


def _not_started(master: str, reason: str) -> FileProblem:
    return FileProblem("engine-start", master or "spark", engine="spark", reason=reason)


def _last(said: str) -> str:
    """The first line that tells of an error, or the last that says anything."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line for line in lines if "ERROR" in line or "Error" in line or "Exception" in line]
    return (errors or lines or ["it said nothing"])[0].rstrip(".")[:400]
