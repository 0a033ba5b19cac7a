"""How coding agents are told of our MCP server: the snippets of Codex, Claude Code and Cursor.

Formats as these programs write them themselves (Codex 0.169, Claude Code 2.1.197; Cursor from its documentation).
No snippet holds a key: it is taken from the environment or the user's settings when the server starts.
"""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

Client = Literal["codex", "claude", "cursor"]

PROJECT_FILES: dict[Client, str] = {
    "codex": ".codex/config.toml",
    "claude": ".mcp.json",
    "cursor": ".cursor/mcp.json",
}
"""Where a project's own configuration is."""


class CannotEdit(Exception):
    """The file is not what its client writes; the message says what is wrong with it."""


def hosted_url(base: str, workspace: str, project_ref: str) -> str:
    """The hosted MCP of a project: `<base>/<workspace>/<project>`."""
    return f"{base.rstrip('/')}/{quote(workspace.strip(), safe='')}/{quote(project_ref.strip(), safe='')}"


def server_command(url: str | None, spool: Path | None = None) -> list[str]:
    """The command that a client starts: the bridge to a hosted server, or the server over the local spool."""
    if url is not None:
        return ["promptetheus", "mcp", "--hosted", url]
    return ["promptetheus", "mcp", *(["--spool", str(spool)] if spool is not None else [])]


def snippet(client: Client, name: str, command: Sequence[str]) -> str:
    """What goes into the client's file."""
    if client == "codex":
        return "\n".join(
            [
                f"[mcp_servers.{_toml_key(name)}]",
                f"command = {json.dumps(command[0])}",
                f"args = {json.dumps(list(command[1:]), ensure_ascii=False)}",
            ]
        )
    return json.dumps({"mcpServers": {name: _entry(client, command)}}, indent=2)


def write_into(path: Path, client: Client, name: str, command: Sequence[str]) -> Path | None:
    """Put the server into a project's file, with the file as it was beside it. Again with the same server nothing
    changes. Returns the copy, or None when there was no file or nothing to change. Raises CannotEdit and OSError."""
    before = path.read_text("utf-8") if path.exists() else ""
    after = _with_server(before, client, name, command)
    if after == before:
        return None
    path.parent.mkdir(parents=True, exist_ok=True)
    copy = None
    if before:
        copy = path.with_name(path.name + ".bak")
        copy.write_text(before, "utf-8")
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(after, "utf-8")
    os.replace(draft, path)
    return copy


def _with_server(text: str, client: Client, name: str, command: Sequence[str]) -> str:
    return (_with_toml if client == "codex" else _with_json)(text, client, name, command)


def _with_json(text: str, client: Client, name: str, command: Sequence[str]) -> str:
    try:
        found = json.loads(text) if text.strip() else {}
    except ValueError as error:
        raise CannotEdit(f"it is no JSON: {error}") from None
    servers = found.setdefault("mcpServers", {}) if isinstance(found, dict) else None
    if not isinstance(servers, dict):
        raise CannotEdit("it has no object of mcpServers")
    entry = _entry(client, command)
    if servers.get(name) == entry:
        return text
    servers[name] = entry
    return json.dumps(found, indent=2, ensure_ascii=False) + "\n"


def _with_toml(text: str, client: Client, name: str, command: Sequence[str]) -> str:
    try:
        found: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise CannotEdit(f"it is no TOML: {error}") from None
    servers = found.get("mcp_servers", {})
    known = servers.get(name) if isinstance(servers, dict) else None
    if isinstance(known, dict):
        if [known.get("command"), *known.get("args", [])] == list(command):
            return text
        raise CannotEdit(f"it has another server by the name of {name!r}: remove that, or say --server-name")
    gap = "" if not text else "\n" if text.endswith("\n") else "\n\n"
    return f"{text}{gap}{snippet(client, name, command)}\n"


def _entry(client: Client, command: Sequence[str]) -> dict[str, Any]:
    kind = {"type": "stdio"} if client == "claude" else {}
    return {**kind, "command": command[0], "args": list(command[1:])}


def _toml_key(name: str) -> str:
    plain = name.isascii() and name.replace("-", "a").replace("_", "a").isalnum()
    return name if plain else json.dumps(name)
