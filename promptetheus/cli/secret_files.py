"""Files that hold a key: an env file for the shell, and the configuration of the SDK.

Written as a whole under another name, for the owner alone, and then moved into place: neither a reader nor a crash
sees half of one. What else is in them stays as it was.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

_ASSIGNMENT = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)=")
_TABLE = re.compile(r"\s*\[")


def write_env(path: Path, values: Mapping[str, str]) -> None:
    """Set variables in a file for `source`. An assignment that is there already is replaced in place, with or without
    `export`; further ones of the same name go. Raises OSError."""
    lines = _lines(path)
    left = dict(values)
    kept: list[str] = []
    for line in lines:
        found = _ASSIGNMENT.match(line)
        name = found[1] if found else ""
        if name not in values:
            kept.append(line)
        elif name in left:
            kept.append(_export(name, left.pop(name)))
    kept += [_export(name, value) for name, value in left.items()]
    _replace(path, kept)


def write_config(path: Path, values: Mapping[str, str]) -> None:
    """Set keys in a TOML file where the SDK reads them: in its `[promptetheus]` table if it has one, else before
    the first table. Raises OSError, and ValueError when the file is no TOML now or would not be afterwards."""
    lines = _lines(path)
    tables = tomllib.loads("\n".join(lines))
    start, end = _section(lines, "promptetheus" if isinstance(tables.get("promptetheus"), dict) else "")
    section = [line for line in lines[start:end] if not _assigns(line, values)]
    while section and not section[-1].strip():
        section.pop()
    section += [f"{name} = {_quoted(value)}" for name, value in values.items()]
    if end < len(lines):
        section.append("")
    renewed = lines[:start] + section + lines[end:]
    known = tomllib.loads("\n".join(renewed))
    table = known.get("promptetheus", known)
    if any(table.get(name) != value for name, value in values.items()):
        raise ValueError(f"{path} has a form that cannot be edited: set {' and '.join(values)} there by hand")
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _replace(path, renewed)


def _section(lines: list[str], table: str) -> tuple[int, int]:
    """From which line to which the keys of a table stand; "" is the top level."""
    start = 0
    if table:
        start = next((n + 1 for n, line in enumerate(lines) if line.strip().startswith(f"[{table}]")), 0)
    end = next((n for n in range(start, len(lines)) if _TABLE.match(lines[n])), len(lines))
    return start, end


def _assigns(line: str, values: Mapping[str, str]) -> bool:
    return line.partition("=")[0].strip().strip("\"'") in values and "=" in line


def _export(name: str, value: str) -> str:
    quoted = value.replace("'", "'\\''")
    return f"export {name}='{quoted}'"


def _quoted(value: str) -> str:
    import json

    return json.dumps(value)  # a JSON string in ASCII is a TOML basic string


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text("utf-8").splitlines()
    except FileNotFoundError:
        return []


def _replace(path: Path, lines: list[str]) -> None:
    path = Path(os.path.realpath(path))  # a link stays a link
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        with open(fd, "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
        os.replace(draft, path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
