"""What `dev` and `serve` share: the place to listen at, starting, and what is said at the start."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from promptetheus.cli.output import out, print_json, say

if TYPE_CHECKING:
    import uvicorn

    from promptetheus.gateway.options import Options

_NEEDS = "The gateway needs the extra `server`: pip install 'promptetheus[server]'"


def add_place(parser: argparse.ArgumentParser, *, default_host: str) -> None:
    """`--host` and `--port`."""
    parser.add_argument("--host", default=default_host, help=f"address to listen at (default {default_host})")
    parser.add_argument("--port", type=int, help="port (default $PORT, else 4318; 0: any that is free)")


def serve(arguments: argparse.Namespace, *, mode: str | None, directory: Path | None) -> int:
    """Serve until told to stop; the exit code."""
    try:
        from promptetheus.gateway.app import create_app
        from promptetheus.gateway.errors import StoreUnavailable
        from promptetheus.gateway.options import DEFAULT_PORT, BadOptions
        from promptetheus.gateway.server import listen, server_for, settle_interpreter
    except ImportError as error:
        say(f"{_NEEDS} ({error}).")
        return 1
    try:
        port = arguments.port if arguments.port is not None else _port_of_environment(DEFAULT_PORT)
        options, new_secrets = _options(arguments.host, mode, directory)
    except BadOptions as error:
        say(f"Cannot start: {error}.")
        return 2
    try:
        listening = listen(arguments.host, port)
    except OSError as error:
        say(
            f"Cannot listen at {arguments.host}:{port}: {error.strerror or error}. "
            "Another gateway or an OpenTelemetry collector may be there; try --port 4319."
        )
        return 1
    with listening:
        try:
            app = create_app(options)
        except (BadOptions, StoreUnavailable) as error:
            say(f"Cannot start: {error}.")
            return 1
        server = server_for(app, options.limits, host=arguments.host, port=port)
        _end_quietly(server)
        settle_interpreter()
        place = _Place(options, arguments.host, listening.getsockname()[1])
        if arguments.json:
            print_json(place.as_json(with_secrets=place.has_known_keys or new_secrets))
            sys.stdout.flush()
        else:
            _greet(place, new_secrets)
        server.run(sockets=[listening])
    return 0


def _end_quietly(server: uvicorn.Server) -> None:
    """Being told to stop is no failure: uvicorn ends what it serves and then passes the signal on, to here."""

    def stop(number: int, frame: object) -> None:
        if not server.started:
            raise SystemExit(0)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)


def _port_of_environment(default: int) -> int:
    """`PORT`. Raises BadOptions."""
    from promptetheus.gateway.options import BadOptions

    text = os.environ.get("PORT") or str(default)
    if not text.isdecimal() or int(text) > 65535:
        raise BadOptions(f"PORT is not the number of a port: {text[:40]!r}")
    return int(text)


def print_settings(*, as_json: bool) -> int:
    """Print every environment variable of a gateway, its default and what it means."""
    from promptetheus.gateway.options import VARIABLES, defaults

    known = defaults()
    rows = [
        {
            "variable": row.names[0],
            "also": list(row.names[1:]),
            "default": _shown(known[row.field]),
            "meaning": row.meaning,
        }
        for row in VARIABLES
    ]
    if as_json:
        print_json({"settings": rows})
    else:
        width = max(len(str(row["variable"])) for row in rows)
        for row in rows:
            default = f" (default {row['default']})" if row["default"] not in (None, "") else ""
            out(f"{row['variable']:{width}}  {row['meaning']}{default}")
    return 0


def _shown(value: Any) -> Any:
    if isinstance(value, tuple):
        return ", ".join(value)
    return str(value) if isinstance(value, Path) else value


def _options(host: str, mode: str | None, directory: Path | None) -> tuple[Options, bool]:
    """The options, and whether secrets were made that nobody knows yet. Raises BadOptions."""
    import secrets
    from dataclasses import replace

    from promptetheus.gateway.credentials import new_project_key
    from promptetheus.gateway.options import DEV_API_KEY, DEV_CONSOLE_TOKEN, Options
    from promptetheus.gateway.server import is_loopback

    options = Options.from_environment(mode=mode, directory=directory)
    if options.mode != "dev":
        return options.checked(), False
    if is_loopback(host):
        return replace(
            options,
            api_key=options.api_key or DEV_API_KEY,
            console_token=options.console_token or DEV_CONSOLE_TOKEN,
        ), False
    # Others can reach it: nothing that everybody knows opens it.
    made = not (options.api_key and options.console_token)
    options = replace(
        options,
        mode="token",
        api_key=options.api_key or new_project_key(),
        console_token=options.console_token or secrets.token_urlsafe(32),
    )
    return options.checked(), made


class _Place(NamedTuple):
    """Where a gateway serves, and with what."""

    options: Options
    host: str
    port: int

    @property
    def url(self) -> str:
        """As clients on this machine write it."""
        return f"http://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"

    @property
    def spool(self) -> Path | None:
        """The spool of the first project; None on PostgreSQL."""
        from promptetheus.gateway.places import spool_below

        options = self.options
        return None if options.database_url else spool_below(options.directory, options.project_id)

    @property
    def has_known_keys(self) -> bool:
        """Whether its keys are those that everybody knows."""
        from promptetheus.gateway.options import KNOWN_TOKENS

        return self.options.api_key in KNOWN_TOKENS

    def as_json(self, *, with_secrets: bool) -> dict[str, Any]:
        """What a program that starts a gateway wants to know."""
        secrets = {"api_key": self.options.api_key, "console_token": self.options.console_token}
        store = "postgresql" if self.options.database_url else str(self.options.directory)
        spool = None if self.spool is None else str(self.spool)
        return {
            "url": self.url,
            "port": self.port,
            "store": store,
            "spool": spool,
            **(secrets if with_secrets else {}),
        }


def _greet(place: _Place, new_secrets: bool) -> None:
    options, url = place.options, place.url
    store = "PostgreSQL" if options.database_url else str(options.directory)
    say(f"Promptetheus gateway at {url}, keeping what it receives in {store}.")
    if place.has_known_keys or new_secrets:
        say("")
        say("For your agents:")
        say(f"  export PROMPTETHEUS_API_URL='{url}'")
        say(f"  export PROMPTETHEUS_API_KEY='{options.api_key}'")
        say("For any OpenTelemetry exporter:")
        say(f"  export OTEL_EXPORTER_OTLP_ENDPOINT='{url}'")
        say(f"  export OTEL_EXPORTER_OTLP_HEADERS='Authorization=Bearer {options.api_key}'")
        say("For `promptetheus init` and consoles:")
        say(f"  export PROMPTETHEUS_CONSOLE_TOKEN='{options.console_token}'")
        if new_secrets:
            say("This is the only time that these are shown; set them yourself to keep them.")
    if place.spool is not None:
        say("")
        say(f"To look: promptetheus tui --spool {place.spool}")
    say("Ctrl-C ends it.")
