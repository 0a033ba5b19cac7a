"""Evidence for coding agents over MCP: read-only tools on the spool, or on a project of a gateway.

  promptetheus mcp                         serve the spool over stdio (what a client starts)
  promptetheus mcp --hosted URL            pass stdio on to a gateway's hosted MCP
  promptetheus mcp install --client claude --local
                                           print the client's configuration; --write puts it into the project

Exit codes: 0 done, 1 it could not be written or there is no key, 2 not understood.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from promptetheus.cli.options import add_json, add_spool
from promptetheus.cli.output import out, print_json, say

_HEADINGS = {
    "codex": "Codex config snippet:",
    "claude": "Claude Code .mcp.json snippet:",
    "cursor": "Cursor workspace .cursor/mcp.json snippet:",
}
_MISSING = 'MCP needs one more package: pip install "promptetheus[mcp]"'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "action", nargs="?", choices=["serve", "install"], default="serve", help="default: serve"
    )
    parser.add_argument("--hosted", metavar="URL", help="serve: pass on to this hosted MCP, with your key")
    parser.add_argument("--classic", action="store_true", help="serve: the five tools of release 2.0.1, too")
    parser.add_argument("--client", choices=["codex", "claude", "cursor"], help="install: for which program")
    parser.add_argument("--workspace", metavar="W", help="install: workspace at the gateway")
    parser.add_argument("--project-ref", metavar="R", help="install: project at the gateway")
    parser.add_argument(
        "--server-name", default="promptetheus", metavar="NAME", help="install: its name there"
    )
    parser.add_argument(
        "--hosted-url", metavar="URL", help="install: the gateway's MCP (default: your gateway + /mcp)"
    )
    parser.add_argument(
        "--local", action="store_true", help="install: serve the local spool, without a gateway"
    )
    parser.add_argument("--write", action="store_true", help="install: write it into the project's file")
    add_spool(parser)
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    if arguments.action == "install":
        return _install(arguments)
    return _bridge(arguments.hosted) if arguments.hosted else _serve(arguments)


def _serve(arguments: argparse.Namespace) -> int:
    try:
        from promptetheus.mcp.server import build_server
    except ModuleNotFoundError as error:
        return _not_installed(error)
    from promptetheus.mcp.evidence import Evidence

    evidence = Evidence(arguments.spool)
    try:
        build_server(evidence, classic=arguments.classic).run("stdio")
    finally:
        evidence.close()
    return 0


def _bridge(url: str) -> int:
    from promptetheus.delivery.destination import destination

    target = destination()
    if target is None:
        say("The hosted MCP needs a key: set PROMPTETHEUS_API_KEY, or run promptetheus init --write-config.")
        return 1
    try:
        import anyio

        from promptetheus.mcp.bridge import run_bridge
    except ModuleNotFoundError as error:
        return _not_installed(error)
    anyio.run(run_bridge, url, target.api_key)
    return 0


def _not_installed(error: ModuleNotFoundError) -> int:
    if (error.name or "").split(".")[0] not in ("mcp", "mcp_types", "httpx2", "anyio", "pydantic"):
        raise error
    say(_MISSING)
    return 1


def _install(arguments: argparse.Namespace) -> int:
    from promptetheus.mcp.clients import PROJECT_FILES, CannotEdit, snippet, write_into

    if arguments.client is None:
        say("promptetheus mcp install: --client codex, claude or cursor")
        return 2
    if not arguments.server_name.strip():
        say("--server-name must not be empty")
        return 2
    chosen = _command(arguments)
    if chosen is None:
        return 2
    command, url = chosen
    text = snippet(arguments.client, arguments.server_name, command)
    written = None
    if arguments.write:
        written = Path(PROJECT_FILES[arguments.client])
        try:
            copy = write_into(written, arguments.client, arguments.server_name, command)
        except (CannotEdit, OSError) as error:
            say(f"{written} was not changed: {error}")
            return 1
        say(f"{written} has it." + (f" As it was: {copy}" if copy else ""))
    if arguments.json:
        print_json(
            {
                "client": arguments.client,
                "url": url,
                "command": command,
                "snippet": text,
                "written": str(written) if written else None,
            }
        )
    else:
        _show(arguments, url, text)
    return 0


def _command(arguments: argparse.Namespace) -> tuple[list[str], str | None] | None:
    from promptetheus.mcp.clients import hosted_url, server_command
    from promptetheus.settings import load_config
    from promptetheus.spool import DEFAULT_SPOOL_DIR

    if arguments.local:
        spool: Path = arguments.spool
        return server_command(None, None if spool == Path(DEFAULT_SPOOL_DIR) else spool.absolute()), None
    for option, value in (("--workspace", arguments.workspace), ("--project-ref", arguments.project_ref)):
        if value is None:
            say(f"promptetheus mcp install: {option} is missing; or say --local to serve the spool")
            return None
        if not value.strip():
            say(f"{option} must not be empty")
            return None
    base = arguments.hosted_url or f"{(load_config().api_url or '').rstrip('/')}/mcp"
    url = hosted_url(base, arguments.workspace, arguments.project_ref)
    return server_command(url), url


def _show(arguments: argparse.Namespace, url: str | None, text: str) -> None:
    rows: list[tuple[str, Any]]
    if url is None:
        out("Promptetheus local MCP")
        rows = [
            ("spool", arguments.spool),
            ("access", "read-only evidence from the local spool; nothing is sent"),
        ]
    else:
        out("Promptetheus hosted MCP")
        rows = [
            ("URL", url),
            ("workspace", arguments.workspace.strip()),
            ("project_ref", arguments.project_ref.strip()),
            ("access", "read-only Promptetheus evidence scoped to this project"),
            ("key", "PROMPTETHEUS_API_KEY or your settings, when the client starts it"),
        ]
    for name, value in rows:
        out(f"  {name:<11}: {value}")
    out("")
    out(_HEADINGS[arguments.client])
    out(text)
