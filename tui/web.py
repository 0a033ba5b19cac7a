"""The same program in a browser of this machine, with textual-serve: off unless `--web` asks for it."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import sys
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

HOST = "127.0.0.1"
"""The loopback address and no other: whoever reaches the page reads the spool."""

DEFAULT_PORT = 8484

_FOREIGN_LINK = re.compile(r"<link\b[^>]*https?://fonts\.[^>]*>", re.DOTALL)
"""The page of textual-serve fetches a font from elsewhere; ours asks no other host."""


class CannotServe(Exception):
    """The browser cannot be served; the text says why and what to do."""


def serve(words: Sequence[str], port: int = DEFAULT_PORT) -> None:
    """Serve `promptetheus tui` with these arguments until ctrl+c. Raises CannotServe without textual-serve."""
    try:
        import textual_serve
        from aiohttp import web
        from textual_serve.server import Server
    except ImportError:
        raise CannotServe(
            "--web needs textual-serve, which is not installed: pip install 'promptetheus[web]'."
        ) from None
    pages: set[asyncio.Task[Any]] = set()
    """The open connections."""
    known = frozenset((f"{HOST}:{port}", f"localhost:{port}"))

    @web.middleware
    async def only_from_here(request: web.Request, handler: Callable[[web.Request], Awaitable[Any]]) -> Any:
        if not is_from_here(request.headers.get("Host"), request.headers.get("Origin"), known):
            raise web.HTTPForbidden(text="This page is served to this machine's browser only.")
        task = asyncio.current_task()
        assert task is not None
        pages.add(task)
        try:
            return await handler(request)
        finally:
            pages.discard(task)

    class LoopbackServer(Server):
        """Any web page may open a connection to this machine: it must not reach the spool by that."""

        async def _make_app(self) -> web.Application:
            app = await super()._make_app()
            app.middlewares.append(only_from_here)
            return app

        async def on_shutdown(self, app: web.Application) -> None:
            """Close the open pages: else ctrl+c waits until each of them is closed by a person."""
            for task in list(pages):
                task.cancel()

    # A browser shows all colours, whatever the terminal does that this was started from.
    os.environ.update(TERM="xterm-256color", COLORTERM="truecolor")
    command = shlex.join([sys.executable, "-P", "-m", "promptetheus", "tui", *words])
    with tempfile.TemporaryDirectory(prefix="promptetheus-web-") as folder:
        for page in (Path(textual_serve.__file__).parent / "templates").glob("*.html"):
            Path(folder, page.name).write_text(without_foreign_links(page.read_text("utf-8")), "utf-8")
        LoopbackServer(command, host=HOST, port=port, title="promptetheus", templates_path=folder).serve()


def is_from_here(host: str | None, origin: str | None, known: frozenset[str]) -> bool:
    """Whether a request was made by the page itself, under a name of this machine.

    The host keeps names out that were made to point here; the origin keeps the scripts of other pages out.
    """
    return host in known and (origin is None or origin.removeprefix("http://") in known)


def without_foreign_links(page: str) -> str:
    """The page without what it would fetch from other hosts."""
    return _FOREIGN_LINK.sub("", page)
