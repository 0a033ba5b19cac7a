"""A real browser for tests: Chromium without a window, spoken to over its debugging protocol.

Protocol: https://chromedevtools.github.io/devtools-protocol/
"""

from __future__ import annotations

import asyncio
import base64
import json
import shutil
import subprocess
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

DEADLINE_S = 60.0

# The page keeps its terminal to itself: this takes hold of it as it is made. What is in its buffer is what it draws.
_HOLD_TERMINAL = """
Object.defineProperty(Object.prototype, "terminal", {
  configurable: true,
  set(value) {
    window.__terminal = value;
    Object.defineProperty(this, "terminal", {value, writable: true, configurable: true});
  },
});
"""
_SCREEN = """
(() => {
  const terminal = window.__terminal;
  if (!terminal || !document.body.classList.contains("-first-byte")) return "";
  const lines = terminal.buffer.active;
  const text = (_, row) => lines.getLine(row).translateToString(true, 0, terminal.cols);
  return Array.from({length: terminal.rows}, text).join("\\n");
})()
"""
_CELL = """
(() => {
  const box = document.querySelector(".xterm-screen").getBoundingClientRect();
  return [box.x, box.y, box.width / window.__terminal.cols, box.height / window.__terminal.rows];
})()
"""

_KEYS = {"Enter": 13, "Escape": 27, "ArrowDown": 40, "ArrowUp": 38, "Tab": 9}
"""Keys that have names, with the numbers that scripts of pages know them by."""


def chromium() -> str:
    """The browser of the system. Skips the test when there is none."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    pytest.skip("no browser on this machine: apt-get install chromium")


class Browser:
    """One page of a browser."""

    def __init__(self, connection: aiohttp.ClientWebSocketResponse) -> None:
        self._connection = connection
        self._number = 0
        self.asked: list[str] = []
        """Addresses that the page asked for."""
        self.complaints: list[str] = []
        """Exceptions of the page's scripts."""

    async def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Ask the browser for something; what it answered."""
        self._number += 1
        await self._connection.send_json({"id": self._number, "method": method, "params": parameters})
        async with asyncio.timeout(DEADLINE_S):
            while True:
                answer = json.loads((await self._connection.receive()).data)
                if answer.get("id") == self._number:
                    assert "error" not in answer, answer
                    found: dict[str, Any] = answer["result"]
                    return found
                self._heard(answer)

    def _heard(self, event: dict[str, Any]) -> None:
        match event["method"]:
            case "Network.requestWillBeSent":
                self.asked.append(event["params"]["request"]["url"])
            case "Network.webSocketCreated":
                self.asked.append(event["params"]["url"])
            case "Runtime.exceptionThrown":
                self.complaints.append(json.dumps(event["params"]["exceptionDetails"])[:500])

    async def evaluate(self, script: str) -> Any:
        """What an expression in the page has for a value."""
        answer = await self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    async def open(self, url: str) -> None:
        """Go to an address."""
        for domain in ("Page", "Network", "Runtime"):
            await self.call(f"{domain}.enable")
        await self.call("Page.addScriptToEvaluateOnNewDocument", source=_HOLD_TERMINAL)
        await self.call("Page.navigate", url=url)

    async def resize(self, width: int, height: int) -> None:
        """Give the window another size, in pixels."""
        await self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=False,
        )  # fmt: skip

    async def screen(self) -> str:
        """What the terminal in the page shows."""
        return str(await self.evaluate(_SCREEN))

    async def until(self, holds: Callable[[str], object], what: str) -> str:
        """Wait for the screen to be so; the screen."""
        end = time.monotonic() + DEADLINE_S
        while not holds(screen := await self.screen()):
            assert time.monotonic() < end, f"not on the page: {what}\n{screen}\n{self.complaints}"
            await asyncio.sleep(0.05)
        return screen

    async def until_text(self, words: str) -> str:
        """Wait for words on the screen; the screen."""
        return await self.until(lambda screen: words in screen, words)

    async def until_script(self, script: str) -> Any:
        """Wait for an expression in the page to be true; its value."""
        end = time.monotonic() + DEADLINE_S
        while not (found := await self.evaluate(script)):
            assert time.monotonic() < end, f"not true on the page: {script}"
            await asyncio.sleep(0.05)
        return found

    async def cell(self) -> tuple[float, float, float, float]:
        """Left and top edge of the first cell of the terminal, and width and height of a cell, in pixels."""
        left, top, width, height = await self.evaluate(_CELL)
        return left, top, width, height

    async def press(self, key: str) -> None:
        """Press and release a key: a character, or the name of a key."""
        code = _KEYS.get(key)
        named = {"key": key, "windowsVirtualKeyCode": code or ord(key.upper())}
        typed = {} if code and key != "Enter" else {"text": "\r" if key == "Enter" else key}
        await self.call("Input.dispatchKeyEvent", type="keyDown", **named, **typed)
        await self.call("Input.dispatchKeyEvent", type="keyUp", **named)

    async def click(self, column: int, row: int) -> None:
        """Click on a cell of the terminal."""
        left, top, width, height = await self.cell()
        place = {"x": left + (column + 0.5) * width, "y": top + (row + 0.5) * height}
        for kind, buttons in (("mousePressed", 1), ("mouseReleased", 0)):
            await self.call(
                "Input.dispatchMouseEvent",
                type=kind, button="left", buttons=buttons, clickCount=1, **place,
            )  # fmt: skip

    async def picture(self, path: Path) -> None:
        """What a person sees, as a PNG file."""
        answer = await self.call("Page.captureScreenshot", format="png")
        path.write_bytes(base64.b64decode(answer["data"]))


@asynccontextmanager
async def browser(folder: Path) -> AsyncIterator[Browser]:
    """A browser with an empty page, its profile in `folder`; ended with all of its processes."""
    process = subprocess.Popen(
        [
            chromium(),
            # No sandbox: it cannot be had as root, and the page is ours.
            *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"),
            *("--disable-background-networking", "--disable-component-update", "--remote-debugging-port=0"),
            *(f"--user-data-dir={folder}", "--window-size=1200,800", "about:blank"),
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        address = await _address(process, folder / "DevToolsActivePort")
        async with aiohttp.ClientSession() as session:
            async with session.get(f"http://{address}/json/list") as answer:
                pages = [each for each in await answer.json() if each["type"] == "page"]
            async with session.ws_connect(
                pages[0]["webSocketDebuggerUrl"], max_msg_size=0, timeout=aiohttp.ClientWSTimeout(ws_close=5)
            ) as connection:
                found = Browser(connection)
                yield found
                await connection.send_json({"id": 0, "method": "Browser.close"})
        await asyncio.to_thread(process.wait, 20)
    finally:
        process.kill()
        process.wait()


async def _address(process: subprocess.Popen[bytes], told: Path) -> str:
    """Where the browser listens, which it writes into its profile."""
    end = time.monotonic() + DEADLINE_S
    while not told.exists() or "\n" not in told.read_text():
        assert process.poll() is None, "the browser has ended"
        assert time.monotonic() < end, "the browser does not start"
        await asyncio.sleep(0.05)
    return f"127.0.0.1:{told.read_text().split()[0]}"
