"""Setting one key of a TOML file that a person wrote: comments, order and everything else stay as they are."""

from __future__ import annotations

import json
import re
import tomllib

_HEADER = re.compile(r"\s*\[")
_KEY = re.compile(r"""\s*(?P<key>"(?:[^"\\]|\\.)*"|'[^']*'|[A-Za-z0-9_-]+)\s*=""")
_BARE = re.compile(r"[A-Za-z0-9_-]+")


def with_key(text: str, table: str, key: str, value: str | bool | float | None) -> str:
    """The text with `key` of `[table]` set to `value`, or taken out when that is None.

    Raises:
        ValueError: the text is no TOML, or it says the key in a way that only a person can change.
    """
    wanted = tomllib.loads(text)
    inside = wanted.setdefault(table, {})
    if not isinstance(inside, dict):
        raise ValueError(f"{table} is no table")
    if value is None:
        inside.pop(key, None)
    else:
        inside[key] = value
    found = _edited(text.split("\n"), table, key, value)
    try:
        done = tomllib.loads(found)
    except tomllib.TOMLDecodeError:
        done = {}
    done.setdefault(table, {})
    if done != wanted:
        raise ValueError(f"{key!r} of [{table}] cannot be changed here, only by hand")
    return found


def _edited(lines: list[str], table: str, key: str, value: str | bool | float | None) -> str:
    start = next((n for n, line in enumerate(lines) if _names(line, table)), None)
    if start is None:
        if value is None:
            return "\n".join(lines)
        body = "\n".join(lines).rstrip("\n")
        return f"{body}\n\n[{table}]\n{_line(key, value)}\n".lstrip("\n")
    stop = next((n for n in range(start + 1, len(lines)) if _HEADER.match(lines[n])), len(lines))
    place = next((n for n in range(start + 1, stop) if _says(lines[n], key)), None)
    if place is not None:
        lines[place : place + 1] = [] if value is None else [_line(key, value)]
    elif value is not None:
        while stop > start + 1 and not lines[stop - 1].strip():
            stop -= 1
        lines.insert(stop, _line(key, value))
    return "\n".join(lines)


def _names(line: str, table: str) -> bool:
    return re.fullmatch(rf"\s*\[\s*{re.escape(table)}\s*\]\s*(#.*)?", line) is not None


def _says(line: str, key: str) -> bool:
    match = _KEY.match(line)
    if match is None:
        return False
    try:
        return key in tomllib.loads(f"{match['key']} = 0")
    except tomllib.TOMLDecodeError:
        return False


def _line(key: str, value: str | bool | float) -> str:
    name = key if _BARE.fullmatch(key) else json.dumps(key, ensure_ascii=False)
    return f"{name} = {json.dumps(value, ensure_ascii=False)}"
