"""Check the settings, the spool and the connection.

Says where things are, what is in the spool, what cannot be read in it and why, and what to do about it.
Exit code 0 when all is well, 1 otherwise. Without an API key nothing is to be sent anywhere: that is no problem.
The API key is never printed.

--wait waits for an event of an agent that you start meanwhile: at the gateway where a key is set, else in the spool.
"""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING, Any

from promptetheus import retention
from promptetheus.cli.options import add_json, add_spool
from promptetheus.cli.output import out, print_json, say
from promptetheus.cli.spool import deliveries
from promptetheus.delivery.overview import Totals, totals
from promptetheus.display import age, count, counted, printable_line, size
from promptetheus.losses import Losses, losses

if TYPE_CHECKING:
    from pathlib import Path

    from promptetheus.cli.doctor_wait import Waiting
    from promptetheus.queries.checkup import Checkup
    from promptetheus.settings import Config

DEFAULT_WAIT_S = 60.0
MAX_NAMED = 20
"""Files with trouble that are named; further ones are counted. --json names all."""

NO_KEY = "no api_key configured (set PROMPTETHEUS_API_KEY)."
"""A note: recording to the spool is what happens without one."""

ANOTHER_KEY = "Another key: promptetheus init --new-key --write-env; source .env"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "--wait",
        nargs="?",
        type=_seconds,
        const=DEFAULT_WAIT_S,
        metavar="SECONDS",
        help=f"wait so long for an event to arrive (default {DEFAULT_WAIT_S:.0f}); none is a problem",
    )
    add_spool(parser)
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    from promptetheus.queries.checkup import examine
    from promptetheus.settings import load_config

    config = load_config()
    settings = _settings(config)
    waiting = None if arguments.wait is None else _waiting(arguments.spool, settings)
    found = examine(arguments.spool)
    kept = {**retention.state(arguments.spool), "cap_bytes": config.spool_max_bytes}
    lost = losses(arguments.spool)
    backlog = (
        totals(arguments.spool, deliveries(arguments.spool)) if found.exists else totals(arguments.spool, ())
    )
    connectivity, connected = _connectivity(settings)
    healthy = connected and not found.complaints
    if arguments.json:
        arrival = None if waiting is None else waiting.until(arguments.wait)
        healthy = healthy and (waiting is None or arrival is not None)
        print_json(
            {
                "healthy": healthy,
                "settings": settings,
                "connectivity": connectivity,
                "spool": _as_json(found),
                "delivery": backlog._asdict(),
                **({} if waiting is None else {"arrival": arrival._asdict() if arrival else None}),
                "retention": kept,
                "losses": lost._asdict(),
            }
        )
        return 0 if healthy else 1
    for line in _configuration(settings, backlog):
        out(line)
    out(f"Connectivity   : {connectivity}")
    out("")
    for line in _spool(found):
        out(line)
    for line in _limits(kept, lost):
        out(line)
    if waiting is not None:
        healthy = _wait(waiting, arguments.wait) and healthy
    return 0 if healthy else 1


def _waiting(spool: Path, settings: dict[str, Any]) -> Waiting:
    from promptetheus.cli.doctor_wait import Waiting
    from promptetheus.delivery.destination import destination

    return Waiting(spool, destination() if settings["api_key"] else None)


def _wait(waiting: Waiting, deadline_s: float) -> bool:
    """Tell what arrives; whether something did."""
    say(f"Waiting up to {deadline_s:g} s for an event: start an agent now.")
    arrival = waiting.until(deadline_s)
    if arrival is not None:
        place = "at the gateway" if arrival.where == "gateway" else "in the spool"
        out(f"Arrived        : an event of session {printable_line(arrival.session, 80)}, {place}")
        return True
    if waiting.recorded is None:
        out("! No event arrived. Does the agent write to this spool (spool_dir=, its working directory)?")
        return False
    why = waiting.why_not()
    reason = f": {printable_line(why, 300)}" if why else ". Is PROMPTETHEUS_API_KEY set where the agent runs?"
    name = printable_line(waiting.recorded.session, 80)
    out(f"! Session {name} was recorded and did not reach the gateway{reason}")
    return False


def _seconds(text: str) -> float:
    try:
        found = float(text)
    except ValueError:
        found = 0.0
    if not 0 < found < 86_400:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds above 0 and below a day")
    return found


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
    """What to say about the connection, and whether it is as it should be: who set a key counts on being heard."""
    from promptetheus.delivery.destination import destination

    target = destination() if settings["api_key"] else None
    if target is None:
        return NO_KEY, True
    from promptetheus.delivery.reach import MAX_SKEW_S, reach

    found = reach(target)
    if found.error:
        return f"UNREACHABLE ({printable_line(found.error)} ({printable_line(found.health_url)}))", False
    said = f"OK (HTTP {found.health_status} from {printable_line(found.health_url)})"
    if found.is_key_taken is False:
        why = printable_line(found.key_error)
        return f"{said}, but the api_key is refused: {why}. {ANOTHER_KEY}", False
    if found.clock_skew_s is not None and abs(found.clock_skew_s) > MAX_SKEW_S:
        said += f", its clock is {found.clock_skew_s:+.0f} s from ours"
    return said, True


def _configuration(settings: dict[str, Any], backlog: Totals) -> list[str]:
    lines = ["Promptetheus configuration:"]
    for name, value in settings.items():
        absent = "(off)" if name == "redact" else "(not set)"
        lines.append(f"  {name:<13}: {absent if value is None else printable_line(str(value))}")
    lines.append(
        f"  spool backlog: {backlog.pending_events} pending event(s) in {backlog.pending_sessions} file(s); "
        f"{backlog.dead_events} dead-lettered"
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


def _limits(kept: dict[str, Any], lost: Losses) -> list[str]:
    """What the byte cap took away, and what sessions say was not recorded of them."""
    cap = kept["cap_bytes"]
    pruned = kept.get("pruned_sessions")
    gone = "nothing pruned so far"
    if isinstance(pruned, int) and pruned:
        checked = kept.get("checked")
        last = (
            f", last look {age(max(0.0, time.time() - checked))}" if isinstance(checked, int | float) else ""
        )
        gone = f"{count(pruned)} session(s) pruned so far ({size(_number(kept.get('pruned_bytes')))}){last}"
    missing = f"{count(lost.lost_events)} in {count(lost.sessions)} session(s)" if lost.sessions else "none"
    lines = [
        f"  retention    : {f'cap {size(cap)}' if cap else 'no cap'}, {gone}",
        f"  unwritten    : {missing}",
    ]
    if lost.left_out:
        kinds = ", ".join(
            f"{count(number)} {printable_line(kind, 40)}" for kind, number in lost.left_out.items()
        )
        lines.append(f"  left out     : {kinds} (in the events, not in the summaries)")
    return lines


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


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
    return f"{cache.path}: {counted(cache.sessions, 'session')}, {size(cache.size_bytes)}"


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
        "cache": {**found.cache._asdict(), "path": str(found.cache.path or "")},
        "mode": None if found.mode is None else f"{found.mode:o}",
    }
