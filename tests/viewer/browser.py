"""A headless Chromium, driven over a pipe by its own protocol, so that a test can use a page."""

import base64
import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage", "--hide-scrollbars", "--remote-debugging-pipe",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)  # fmt: skip
KEY_CODES = {"ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40, "Escape": 27,
             "Tab": 9, "Enter": 13}  # fmt: skip


class Browser:
    """One tab. What it asks for and complains about is kept.

    Attributes:
        requests: addresses that the page asked for, its own file aside.
        complaints: messages of the console, such as a refusal by the page's policy.
    """

    def __init__(self, folder: Path):
        assert CHROMIUM is not None
        reader, self._out = os.pipe()
        self._in, writer = os.pipe()
        script = f'exec "$@" 3<&{reader} 4>&{writer}'
        command = ["bash", "-c", script, "bash", CHROMIUM, *FLAGS, f"--user-data-dir={folder}"]
        self._process = subprocess.Popen(
            command, pass_fds=(reader, writer), stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
        os.close(reader)
        os.close(writer)
        self._number, self._rest, self._session = 0, b"", ""
        self.requests: list[str] = []
        self.complaints: list[str] = []
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.send("Target.attachToTarget", targetId=target, flatten=True)[
            "sessionId"
        ]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.send(f"{domain}.enable")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(timeout=20)
        os.close(self._in)
        os.close(self._out)

    def send(self, method: str, **parameters: Any) -> Any:
        """Ask the browser something and wait for its answer."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer["error"]
                return answer["result"]

    def open(self, html: str, folder: Path, *, width: int = 1280, height: int = 900,
             scripts: bool = True, scheme: str = "light") -> None:  # fmt: skip
        """Open a page from a file, as a person would, and wait until it is drawn."""
        self.requests.clear()
        self.complaints.clear()
        path = folder / "page.html"
        path.write_text(html, encoding="utf-8")
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.send("Emulation.setDeviceMetricsOverride", **size)
        self.send("Emulation.setScriptExecutionDisabled", value=not scripts)
        features = [{"name": "prefers-color-scheme", "value": scheme},
                    {"name": "prefers-reduced-motion", "value": "reduce"}]  # fmt: skip
        self.send("Emulation.setEmulatedMedia", features=features)
        self.send("Page.navigate", url="about:blank")
        self.send("Page.navigate", url=path.as_uri())
        self.wait(lambda: self.js("document.readyState === 'complete' && location.protocol")
                  == "file:")  # fmt: skip
        if scripts:
            self.wait(lambda: bool(self.js("document.documentElement.matches('.ready')")))

    def visit(self, url: str) -> None:
        """Go to a page that is served on this machine; what it draws by itself comes later."""
        self.requests.clear()
        self.complaints.clear()
        self.send("Page.navigate", url=url)

    def fill(self, selector: str, text: str) -> None:
        """Type a text into a field, in place of what stands there."""
        self.js(f"(() => {{ const e = document.querySelector({selector!r}); e.focus();"
                " e.select(); })()")  # fmt: skip
        self.send("Input.insertText", text=text)

    def js(self, expression: str) -> Any:
        """The value of an expression in the page."""
        result = self.send("Runtime.evaluate", expression=expression, returnByValue=True,
                           awaitPromise=True)  # fmt: skip
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def text(self, selector: str) -> str:
        """What a reader sees of the first element that matches."""
        return " ".join(str(self.js(f"document.querySelector({selector!r}).innerText")).split())

    def count(self, selector: str) -> int:
        """How many elements match."""
        return int(self.js(f"document.querySelectorAll({selector!r}).length"))

    def click(self, selector: str) -> None:
        """Press the mouse in the middle of an element."""
        at = self.js(
            f"(() => {{ const e = document.querySelector({selector!r}); e.scrollIntoView("
            "{block: 'center'}); const b = e.getBoundingClientRect();"
            " return {x: b.x + b.width / 2, y: b.y + b.height / 2}; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.send("Input.dispatchMouseEvent", type=kind, button="left", clickCount=1, **at)

    def press(self, key: str) -> None:
        """Press a key, as a keyboard does."""
        code = {"windowsVirtualKeyCode": KEY_CODES[key]} if key in KEY_CODES else {"text": key}
        if key == "Enter":
            code["text"] = "\r"
        self.send("Input.dispatchKeyEvent", type="keyDown", key=key, **code)
        self.send("Input.dispatchKeyEvent", type="keyUp", key=key)

    def screenshot(self, path: Path, *, whole: bool = True) -> None:
        """The whole page, or the part in sight, as a PNG, for a person to look at."""
        answer = self.send("Page.captureScreenshot", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(answer["data"]))

    def wait(self, done: Callable[[], bool]) -> None:
        """Wait for the page; half a minute is more than any of ours needs."""
        for _ in range(600):
            if done():
                return
            time.sleep(0.05)
        raise AssertionError(f"the page did not get there; it said {self.complaints}")

    def _receive(self) -> Any:
        while b"\0" not in self._rest:
            received = os.read(self._in, 1 << 16)
            assert received, "the browser has gone"
            self._rest += received
        message, _, self._rest = self._rest.partition(b"\0")
        answer = json.loads(message)
        match answer.get("method"):
            case "Network.requestWillBeSent":
                url = answer["params"]["request"]["url"]
                if not url.startswith(("file:", "data:", "about:")):
                    self.requests.append(url)
            case "Log.entryAdded":
                self.complaints.append(answer["params"]["entry"]["text"])
            case "Runtime.consoleAPICalled" | "Runtime.exceptionThrown":
                self.complaints.append(str(answer["params"]))
        return answer
