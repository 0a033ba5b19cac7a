"""`promptetheus tui --web` end to end: a page on loopback, keys through its connection, the program's answer; and
nothing that is left running."""

from __future__ import annotations

import asyncio
import re
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.tui.serving import DEADLINE_S, Served, served

__all__ = ["served"]  # a fixture

aiohttp = pytest.importorskip("aiohttp")
pytest.importorskip("textual_serve")

_CONTROLS = re.compile(r"\x1b(?:\[[0-9;?<>=]*[A-Za-z]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[()].|[=>])")


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
    await served.until_it_listens()
    # Cookies of an address without a name are left aside otherwise.
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        async with session.get(served.address) as answer:
            assert answer.status == 200
            assert str(answer.url) == f"{served.url}/", "the token is gone from the address"
            text = await answer.text()
        fetched = re.findall(r"""(?:src|href|url)[=(]["']([^"']*)""", text)
        assert len(fetched) == 4 and all(each.startswith(("/static/", "data:,")) for each in fetched)
        for each in fetched:
            if each.startswith("/"):
                async with session.get(served.url + each) as answer:
                    assert answer.status == 200, each
        async with session.ws_connect(f"{served.url}/ws?width=120&height=40") as connection:
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
    await served.until_it_listens()
    async with aiohttp.ClientSession(cookies=served.cookies) as session:
        for path in ("/", "/ws", "/static/js/textual.js", f"/?token={served.token}"):
            async with session.get(served.url + path, headers=headers) as answer:
                assert answer.status == 403, path
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await session.ws_connect(f"{served.url}/ws", headers=headers)
    assert served.group() == 1


@pytest.mark.parametrize("cookies", [{}, {"promptetheus-PORT": "wrong"}, {"promptetheus-1": "TOKEN"}])
async def test_without_the_token_nobody_is_let_in(served: Served, cookies: dict[str, str]) -> None:
    await served.until_it_listens()
    brought = {
        name.replace("PORT", str(served.port)): value.replace("TOKEN", served.token)
        for name, value in cookies.items()
    }
    async with aiohttp.ClientSession(cookies=brought) as session:
        for path in ("/", "/?token=wrong", "/ws", "/static/js/textual.js"):
            async with session.get(served.url + path) as answer:
                assert answer.status == 403, path
                assert "Open the address that" in await answer.text()
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await session.ws_connect(f"{served.url}/ws")
    assert served.group() == 1


async def test_it_listens_on_loopback_only(served: Served) -> None:
    await served.until_it_listens()
    port = f"{served.port:04X}"
    listening = [line.split()[1] for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    assert next(each for each in listening if each.endswith(f":{port}")).startswith("0100007F")
    six = Path("/proc/net/tcp6")
    assert not six.exists() or f":{port} " not in six.read_text()
