"""What docs/client.md shows is what happens."""

from __future__ import annotations

import doctest
import os
import subprocess
import sys
from pathlib import Path

from tests.documents import ROOT, blocks
from tests.service.serving import RESIDENTIAL, rules_in, serving, token_of

PAGE = ROOT / "docs" / "client.md"
TOKENS = {
    "billing": "rate read",
    "wang": "read publish",
    "li": "read approve",
    "operator": "recalculate",
    "meters": "record-events",
    "desk": "read-warnings acknowledge",
}
PACKAGES = (
    "cn/example/packages.advice.yaml",
    *(f"cn/example/package_{name}.ruleset.yaml" for name in ("standard", "night", "block")),
)
WATCHED = ("cn/national/warnings/events.shared.yaml", "cn/national/warnings/usage.ruleset.yaml")
RULES = (RESIDENTIAL, *WATCHED, *PACKAGES)

_RUN = """\
import doctest, pathlib, sys
text = pathlib.Path(sys.argv[1]).read_text(encoding="utf-8")
test = doctest.DocTestParser().get_doctest(text, {}, "client.md", "client.md", 0)
runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
runner.run(test)
raise SystemExit(min(runner.failures, 1))
"""


def test_the_page(tmp_path: Path) -> None:
    """Every example of the page runs in order, in one process, and prints what the page shows."""
    examples = [block.text for block in blocks(PAGE) if block.info == ("pycon",)]
    rules = rules_in(tmp_path, RULES)
    folders = {"run_inputs": tmp_path / "in", "run_outputs": tmp_path / "out"}
    for folder in folders.values():
        folder.mkdir()
    with serving(tmp_path / "server", rules=rules, tokens=TOKENS, settings=folders) as server:
        script = tmp_path / "examples.txt"
        text = "\n".join(examples).replace("127.0.0.1:50051", server.address).replace("/srv/billing", str(tmp_path))
        script.write_text(text, encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", _RUN, str(script)],
            cwd=tmp_path,
            env={
                **os.environ,
                "PYTHONPATH": str(ROOT / "proto"),
                "DIANJIA_TOKEN": token_of("billing"),
                "TOKEN_OF_WANG": token_of("wang"),
                "TOKEN_OF_LI": token_of("li"),
                "TOKEN_OF_OPERATOR": token_of("operator"),
                "TOKEN_OF_METERS": token_of("meters"),
                "TOKEN_OF_DESK": token_of("desk"),
            },
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert len(doctest.DocTestParser().get_examples("\n".join(examples))) > 30


def test_examples_in_docstrings() -> None:
    """Examples in the client's own docstrings hold."""
    import dianjia.client.objects
    import dianjia.client.values

    found = [doctest.testmod(one) for one in (dianjia.client.objects, dianjia.client.values)]

    assert [(0, True)] * 2 == [(one.failed, one.attempted > 0) for one in found]
