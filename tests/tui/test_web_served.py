"""`promptetheus tui --web` end to end: a page on loopback, keys through its connection, the program's answer; and
nothing that is left running."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.tui.recorded import a_failing, a_passing

aiohttp = pytest.importorskip("aiohttp")
pytest.importorskip("textual_serve")

DEADLINE_S = 40.0
_CONTROLS = re.compile(r"\x1b(?:\[[0-9;?<>=]*[A-Za-z]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[()].|[=>])")


class Served:
    """A server in a process group of its own."""

    def __init__(self, spool: Path, port: int) -> None:
        words = ["-m", "promptetheus", "tui", "--spool", str(spool), "--web", str(port)]
        self.port = port
        self.process = subprocess.Popen(
            [sys.executable, *words],
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def group(self) -> int:
        """How many processes of its group there are."""
        found = 0
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                state, _, group = stat.read_text().rpartition(")")[2].split()[:3]
            except OSError:
                continue
            found += int(group) == self.process.pid and state != "Z"
        return found

    async def until(self, happened: Callable[[], object], what: str) -> None:
        end = time.monotonic() + DEADLINE_S
        while not happened():
            assert time.monotonic() < end, f"did not happen: {what}"
            await asyncio.sleep(0.05)

    def answers(self) -> bool:
        assert self.process.poll() is None, "the server has ended"
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


@pytest.fixture
def served(spool: Path) -> Iterator[Served]:
    a_failing(spool, "01M8FAILED", ago=60)
    a_passing(spool, "01M8PASSED", ago=90)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    found = Served(spool, port)
    yield found
    if found.group():
        os.killpg(found.process.pid, signal.SIGKILL)
    found.process.wait()


class Page:
    """What a browser's page is to the program: a connection that takes keys and gives what to draw."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._drawn = ""

    async def type(self, text: str) -> None:
        await self._connection.send_json(["stdin", text])

    async def until_closed(self) -> None:
        """Answer as a browser does until the server closes the connection."""
        async with asyncio.timeout(DEADLINE_S):
            async for _message in self._connection:
                pass

    async def until_text(self, words: str) -> None:
        """Wait until the program has drawn `words` since this was asked last."""
        async with asyncio.timeout(DEADLINE_S):
            while words not in _CONTROLS.sub("", self._drawn):
                message = await self._connection.receive()
                assert message.type in (aiohttp.WSMsgType.BINARY, aiohttp.WSMsgType.TEXT), message
                if message.type is aiohttp.WSMsgType.BINARY:
                    self._drawn += message.data.decode("utf-8", "replace")
        self._drawn = ""


@asynccontextmanager
async def page(served: Served) -> AsyncIterator[Page]:
    """The page's connection, with the size of its terminal told."""
    await served.until(served.answers, "the server listens")
    async with aiohttp.ClientSession() as session:
        async with session.get(served.url) as answer:
            assert answer.status == 200
            text = await answer.text()
        address = re.search(r"ws://127\.0\.0\.1:\d+/ws", text)
        fetched = re.findall(r"""(?:src|href)=["']([^"']*)""", text)
        assert address is not None and fetched and all(each.startswith(served.url) for each in fetched)
        async with session.ws_connect(f"{address[0]}?width=120&height=40") as connection:
            yield Page(connection)


async def test_keys_reach_the_program_and_its_answer_the_page(served: Served) -> None:
    async with page(served) as shown:
        await shown.until_text("2 sessions")
        await shown.type("?")
        await shown.until_text("Keys of this view")
        await shown.type("\x1b")
        await shown.type("\r")
        await shown.until_text("01M8FAILED"[:8])
        await served.until(lambda: served.group() >= 2, "the program runs beside the server")
    await served.until(lambda: served.group() == 1, "closing the page ends its program")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_ending_the_server_leaves_no_process(served: Served, number: signal.Signals) -> None:
    async with page(served) as shown:
        await shown.until_text("2 sessions")
        served.process.send_signal(number)
        await shown.until_closed()
        await served.until(lambda: served.process.poll() is not None, "the server ends")
    await served.until(lambda: served.group() == 0, "nothing is left of it")


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ],
)
async def test_pages_and_names_from_elsewhere_are_refused(served: Served, headers: dict[str, str]) -> None:
    await served.until(served.answers, "the server listens")
    async with aiohttp.ClientSession() as session:
        for path in ("/", "/ws", "/static/js/textual.js"):
            async with session.get(served.url + path, headers=headers) as answer:
                assert answer.status == 403, path
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await session.ws_connect(f"{served.url}/ws", headers=headers)
    assert served.group() == 1


async def test_it_listens_on_loopback_only(served: Served) -> None:
    await served.until(served.answers, "the server listens")
    port = f"{served.port:04X}"
    listening = [line.split()[1] for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    assert next(each for each in listening if each.endswith(f":{port}")).startswith("0100007F")
    six = Path("/proc/net/tcp6")
    assert not six.exists() or f":{port} " not in six.read_text()
