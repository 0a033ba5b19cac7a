"""What `dev` and `serve` share: the place to listen at, starting, and what is said at the start."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from promptetheus.cli.output import out, print_json, say

if TYPE_CHECKING:
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
        _greet(options, arguments.host, listening.getsockname()[1], new_secrets)
        settle_interpreter()
        server_for(app, options.limits, host=arguments.host, port=port).run(sockets=[listening])
    return 0


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


def _greet(options: Options, host: str, port: int, new_secrets: bool) -> None:
    shown = f"[{host}]" if ":" in host else host
    url = f"http://{shown}:{port}"
    store = "PostgreSQL" if options.database_url else str(options.directory)
    say(f"Promptetheus gateway at {url}, keeping what it receives in {store}.")
    from promptetheus.gateway.options import KNOWN_TOKENS

    if options.api_key and (options.api_key in KNOWN_TOKENS or new_secrets):
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
    if not options.database_url:
        from promptetheus.gateway.stores.embedded import spool_below

        spool = spool_below(options.directory, options.project_id)
        say("")
        say(f"To look: promptetheus tui --spool {spool}")
    say("Ctrl-C ends it.")
