"""The same program in a browser of this machine, with textual-serve: off unless `--web` asks for it.

Who reaches the page reads the spool, so three things are asked of every request: that it came to the loopback
address under a name of this machine, that no other page made it, and that it brings the token, which only the
terminal shows.
"""

from __future__ import annotations

import asyncio
import errno
import hmac
import logging
import os
import secrets
import shlex
import socket
import sys
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from promptetheus.tui.web_page import PAGE

HOST = "127.0.0.1"
"""The loopback address and no other."""

DEFAULT_PORT = 8484

_TOKEN = "token"
_NOT_LET_IN = "Open the address that `promptetheus tui --web` printed: the token in it lets a browser in.\n"
_OTHER_TERMINAL = ("KITTY_WINDOW_ID", "KONSOLE_VERSION", "STY", "TERM_PROGRAM", "TMUX", "COLORFGBG")
"""What is known of the terminal that this was started from, and wrong of a browser."""

_HEADERS = {
    "Content-Security-Policy": "default-src 'self' 'unsafe-inline' data:; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class CannotServe(Exception):
    """The browser cannot be served; the text says why and what to do."""


def serve(words: Sequence[str], port: int = DEFAULT_PORT, *, say: Callable[[str], object]) -> None:
    """Serve `promptetheus tui` with these arguments until ctrl+c.

    Args:
        port: 0 takes any that is free.
        say: Tells the person the address.

    Raises:
        CannotServe: Without textual-serve, and where the port cannot be had.
    """
    try:
        from aiohttp import web
        from textual_serve.server import Server
    except ImportError:
        raise CannotServe(
            "--web needs textual-serve, which is not installed: pip install 'promptetheus[web]'."
        ) from None
    port = free_port(port)
    token = secrets.token_urlsafe(24)
    known = frozenset((f"{HOST}:{port}", f"localhost:{port}"))
    # Cookies are kept by host, whatever the port: two of these must not take each other's.
    cookie = f"promptetheus-{port}"
    pages: set[asyncio.Task[Any]] = set()
    """The open connections."""

    @web.middleware
    async def only_from_here(request: web.Request, handler: Callable[[web.Request], Awaitable[Any]]) -> Any:
        if not is_from_here(request.headers.get("Host"), request.headers.get("Origin"), known):
            raise web.HTTPForbidden(text="This page is served to this machine's browser only.\n")
        if is_same(request.query.get(_TOKEN), token):
            # On to the address without it, which may stay in a history and on a shared screen.
            query = {name: value for name, value in request.query.items() if name != _TOKEN}
            answer = web.HTTPFound(request.rel_url.with_query(query))
            answer.set_cookie(cookie, token, httponly=True, samesite="Lax")
            return answer
        if not is_same(request.cookies.get(cookie), token):
            raise web.HTTPForbidden(text=_NOT_LET_IN)
        task = asyncio.current_task()
        assert task is not None
        pages.add(task)
        try:
            return await handler(request)
        finally:
            pages.discard(task)

    async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
        response.headers.update(_HEADERS)

    class LoopbackServer(Server):
        """Any web page, and any user of this machine, may open a connection: it must not reach the spool by that."""

        def initialize_logging(self) -> None:
            """Say what goes wrong; what is asked for is nobody's business."""
            logging.basicConfig(level=logging.WARNING, format="%(message)s")

        async def _make_app(self) -> web.Application:
            app = await super()._make_app()
            app.middlewares.append(only_from_here)
            app.on_response_prepare.append(add_headers)
            return app

        async def on_startup(self, app: web.Application) -> None:
            """Tell the address."""
            say(f"Open in a browser of this machine: http://{HOST}:{port}/?{_TOKEN}={token}")
            say("The address lets in whoever has it. ctrl+c ends this.")

        async def on_shutdown(self, app: web.Application) -> None:
            """Close the open pages: else ctrl+c waits until each of them is closed by a person."""
            for task in list(pages):
                task.cancel()

    # A browser shows all colours, whatever the terminal does that this was started from.
    os.environ.update(TERM="xterm-256color", COLORTERM="truecolor")
    for name in _OTHER_TERMINAL:
        os.environ.pop(name, None)
    # Without `exec` a shell would stay between the server and the program.
    command = "exec " + shlex.join([sys.executable, "-P", "-m", "promptetheus", "tui", *words])
    with tempfile.TemporaryDirectory(prefix="promptetheus-web-") as folder:
        Path(folder, "app_index.html").write_text(PAGE, "utf-8")
        LoopbackServer(command, host=HOST, port=port, title="promptetheus", templates_path=folder).serve()


def free_port(port: int) -> int:
    """The port (0 to 65535), or any free one for 0. Raises CannotServe where it cannot be had."""
    with socket.socket() as probe:
        # As the server itself will: the last one's closed connections are no hindrance.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except PermissionError:
            raise CannotServe(
                f"port {port} cannot be had: ports below 1024 belong to the system. "
                f"--web {DEFAULT_PORT} is the usual one, --web 0 takes any that is free."
            ) from None
        except OSError as error:
            busy = "another program has it" if error.errno == errno.EADDRINUSE else error.strerror
            raise CannotServe(f"port {port} cannot be had: {busy}. --web 0 takes any that is free.") from None
        found: int = probe.getsockname()[1]
        return found


def is_from_here(host: str | None, origin: str | None, known: frozenset[str]) -> bool:
    """Whether a request was made by the page itself, under a name of this machine.

    The host keeps names out that were made to point here; the origin keeps the scripts of other pages out.
    """
    return host in known and (origin is None or origin.removeprefix("http://") in known)


def is_same(given: str | None, token: str) -> bool:
    """Whether it is the token, told in a time that says nothing about where they differ."""
    return given is not None and hmac.compare_digest(given.encode("utf-8", "replace"), token.encode())
