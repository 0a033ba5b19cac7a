"""Check the settings, the spool and the connection.

Says where things are, what is in the spool, what cannot be read in it and why, and what to do about it.
Exit code 0 when all is well, 1 otherwise. The API key is never printed.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from promptetheus.cli.options import add_json, add_spool
from promptetheus.cli.output import out, print_json
from promptetheus.display import count, printable_line, size

if TYPE_CHECKING:
    from promptetheus.queries.checkup import Checkup
    from promptetheus.settings import Config

MAX_NAMED = 20
"""Files with trouble that are named; further ones are counted. --json names all."""

NO_KEY = "no api_key configured (set PROMPTETHEUS_API_KEY)."
NO_DELIVERY = "not checked: this version records and reads, it does not send yet."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_spool(parser)
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    from promptetheus.queries.checkup import examine
    from promptetheus.settings import load_config

    settings = _settings(load_config())
    found = examine(arguments.spool)
    connectivity, connected = _connectivity(settings)
    healthy = connected and not found.complaints
    if arguments.json:
        print_json(
            {
                "healthy": healthy,
                "settings": settings,
                "connectivity": connectivity,
                "spool": _as_json(found),
            }
        )
        return 0 if healthy else 1
    for line in _configuration(settings, found):
        out(line)
    out(f"Connectivity   : {connectivity}")
    out("")
    for line in _spool(found):
        out(line)
    return 0 if healthy else 1


def _settings(config: Config) -> dict[str, Any]:
    return {
        "api_url": config.api_url,
        "api_key": "set" if config.api_key else None,
        "project_id": config.project_id,
        "environment": config.environment,
        "sample_rate": config.sample_rate,
        "redact": config.redact,
    }


def _connectivity(settings: dict[str, Any]) -> tuple[str, bool]:
    """What to say about the connection, and whether there is one: who set a key counts on being heard."""
    return (NO_DELIVERY if settings["api_key"] else NO_KEY), False


def _configuration(settings: dict[str, Any], found: Checkup) -> list[str]:
    lines = ["Promptetheus configuration:"]
    for name, value in settings.items():
        absent = "(off)" if name == "redact" else "(not set)"
        lines.append(f"  {name:<13}: {absent if value is None else printable_line(str(value))}")
    lines.append(
        f"  spool backlog: {found.events} pending event(s) in {found.sessions} file(s); "
        f"{found.dead_letters} dead-lettered"
    )
    return lines


def _spool(found: Checkup) -> list[str]:
    if not found.exists:
        return [f"Spool          : {found.root} (not there yet)", *_complaints(found)]
    statuses = ", ".join(
        f"{number} {status.glyph} {status.word}" for status, number in found.statuses.items()
    )
    lines = [
        f"Spool          : {found.root} (mode {found.mode or 0:o}, {'' if found.writable else 'not '}writable)",
        f"  sessions     : {count(found.sessions)}{': ' if statuses else ''}{statuses}",
        f"  size         : {size(found.size_bytes)}, {_free(found)}",
        f"  watching     : {found.watch_mode}{_because(found.watch_reason)}",
        f"  cache        : {_cache(found)}",
        f"  skipped      : {found.skipped.describe() or 'nothing'}",
    ]
    lines += _named(
        [
            f"    {printable_line(session_id, 80)}: {skipped.describe()}"
            for session_id, skipped in found.skipped_in
        ]
    )
    lines.append(f"  not sessions : {len(found.problems)} file(s)")
    lines += _named(
        [f"    {printable_line(problem.path.name, 80)}: {problem.reason}" for problem in found.problems]
    )
    return [*lines, *_complaints(found)]


def _named(lines: list[str]) -> list[str]:
    more = len(lines) - MAX_NAMED
    return [*lines[:MAX_NAMED], *([f"    … and {more} more"] if more > 0 else [])]


def _complaints(found: Checkup) -> list[str]:
    return [f"! {complaint}" for complaint in found.complaints]


def _free(found: Checkup) -> str:
    free = found.disk_free_bytes
    return "free space unknown" if free is None else f"{size(free)} free on the disk"


def _because(reason: str) -> str:
    return f" ({reason})" if reason else ""


def _cache(found: Checkup) -> str:
    cache = found.cache
    if cache.path is None:
        return f"none ({cache.problem})"
    if cache.problem:
        return f"{cache.path}: {cache.problem}"
    return f"{cache.path}: {count(cache.sessions)} sessions, {size(cache.size_bytes)}"


def _as_json(found: Checkup) -> dict[str, Any]:
    import dataclasses

    fields = {field.name: getattr(found, field.name) for field in dataclasses.fields(found)}
    return {
        **fields,
        "root": str(found.root),
        "sessions": found.sessions,
        "statuses": {status.value: number for status, number in found.statuses.items()},
        "skipped": dataclasses.asdict(found.skipped),
        "skipped_in": {session_id: dataclasses.asdict(skipped) for session_id, skipped in found.skipped_in},
        "problems": {problem.path.name: problem.reason for problem in found.problems},
        "cache": {**dataclasses.asdict(found.cache), "path": str(found.cache.path or "")},
        "mode": None if found.mode is None else f"{found.mode:o}",
    }
