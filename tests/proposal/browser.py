"""Chromium without a window, asked over pipes: what a page looks like on a screen of some width, and on paper.

with Browser() as browser:
    browser.open(path, width=390)
    picture = browser.picture()
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

PROGRAMS: Final = ("chromium", "chromium-browser", "google-chrome")
_FLAGS: Final = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"),
    *(
        "--no-first-run",
        "--disable-extensions",
        "--disable-background-networking",
        "--host-resolver-rules=MAP * ~NOTFOUND",
    ),
    "--remote-debugging-pipe",
)


class Browser:
    """One Chromium, with a profile of its own that is deleted afterwards."""

    def __init__(self) -> None:
        program = next((found for name in PROGRAMS if (found := shutil.which(name))), None)
        assert program is not None, (
            f"the proposal's pictures need one of {', '.join(PROGRAMS)}: apt-get install chromium"
        )
        self._profile = tempfile.TemporaryDirectory(prefix="dianjia-chromium-", ignore_cleanup_errors=True)
        theirs_in, ours_out = os.pipe()
        ours_in, theirs_out = os.pipe()
        # Chromium reads commands from its descriptor 3 and answers on 4: the shell puts the pipes there.
        line = f'exec "$@" 3<&{theirs_in} 4>&{theirs_out}'
        self._process = subprocess.Popen(
            ["bash", "-c", line, "bash", program, *_FLAGS, f"--user-data-dir={self._profile.name}", "about:blank"],
            pass_fds=(theirs_in, theirs_out),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self._out = os.fdopen(ours_out, "wb", buffering=0)
        self._in = os.fdopen(ours_in, "rb", buffering=1 << 20)
        self._waiting = b""
        self._number = 0
        self._session = ""
        self._events: list[dict[str, Any]] = []
        targets = self._ask("Target.getTargets")["targetInfos"]
        target = next(one["targetId"] for one in targets if one["type"] == "page")
        self._session = self._ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self._ask("Page.enable")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._out.close()
        self._in.close()
        self._process.terminate()
        self._process.wait(timeout=30)
        self._profile.cleanup()

    def open(self, page: Path, width: int, height: int = 844, media: str = "screen") -> None:
        """Show a page on a screen of so many pixels, or as paper shows it."""
        self._ask(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        self._ask("Emulation.setEmulatedMedia", media=media)
        self._events.clear()
        self._ask("Page.navigate", url=page.resolve().as_uri())
        while not any(one["method"] == "Page.loadEventFired" for one in self._events):
            self._events.append(self._next())

    def value(self, expression: str) -> Any:
        """What an expression of JavaScript comes to in the page."""
        told = self._ask("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in told, told
        return told["result"].get("value")

    def picture(self) -> bytes:
        """The whole page as PNG."""
        size = self._ask("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
        told = self._ask("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)
        return base64.b64decode(told["data"])

    def paper(self) -> bytes:
        """The page as PDF on A4, as its own style says."""
        told = self._ask("Page.printToPDF", preferCSSPageSize=True, printBackground=True)
        return base64.b64decode(told["data"])

    def _ask(self, method: str, **parameters: object) -> dict[str, Any]:
        self._number += 1
        number = self._number
        message: dict[str, object] = {"id": number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        self._out.write(json.dumps(message).encode() + b"\0")
        while True:
            told = self._next()
            if told.get("id") == number:
                assert "error" not in told, f"{method}: {told['error']}"
                found: dict[str, Any] = told["result"]
                return found
            if "method" in told:
                self._events.append(told)

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._waiting:
            more = os.read(self._in.fileno(), 1 << 20)
            assert more, "Chromium ended"
            self._waiting += more
        text, self._waiting = self._waiting.split(b"\0", 1)
        told: dict[str, Any] = json.loads(text)
        return told


def parts_outside(browser: Browser, width: int) -> Sequence[str]:
    """Elements with text that reach beyond a width, as they are cut off there: their tags and texts."""
    seen = "one.getClientRects().length && one.textContent.trim()"
    right = f"one.getBoundingClientRect().right > {width} + 0.5"
    text = "one.tagName + ' ' + one.textContent.trim().slice(0, 40)"
    found: list[str] = browser.value(
        f"[...document.querySelectorAll('main *')].filter(one => {seen} && {right}).map(one => {text})"
    )
    return found
