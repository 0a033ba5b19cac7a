"""Records the demo: a day at work of three agents, in a few seconds."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from promptetheus.demo import browser_agent, calendar_agent, coding_agent, own_spool
from promptetheus.demo.agent_process import AgentProcess
from promptetheus.demo.pace import Pace
from promptetheus.demo.take import AgentFailed, Take
from promptetheus.display import duration
from promptetheus.queries.catalog import Catalog, SessionRow
from promptetheus.spool import session_file_name


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the programme."""

    play: Callable[[Take], None]
    mood: str
    after_s: float
    """When it starts, counted from the start of the recording."""


# The agents work side by side, as in an evaluation: 15 runs of 2 to 4 seconds each take 7 seconds.
PROGRAMME = (
    Run(calendar_agent.play, calendar_agent.Mood.RIGHT, 0.0),
    Run(browser_agent.play, browser_agent.Mood.RIGHT, 0.1),
    Run(coding_agent.play, coding_agent.Mood.FIXES, 0.2),
    Run(calendar_agent.play, calendar_agent.Mood.WRONG_DAY, 0.7),
    Run(coding_agent.play, coding_agent.Mood.LOOPS, 0.9),
    Run(browser_agent.play, browser_agent.Mood.STALE_POINT, 1.2),
    Run(calendar_agent.play, calendar_agent.Mood.OUTAGE, 1.6),
    Run(coding_agent.play, coding_agent.Mood.SECOND_TRY, 2.0),
    Run(browser_agent.play, browser_agent.Mood.LOOKS_AGAIN, 2.2),
    Run(calendar_agent.play, calendar_agent.Mood.RIGHT, 2.6),
    Run(coding_agent.play, coding_agent.Mood.KILLED, 2.8),
    Run(browser_agent.play, browser_agent.Mood.CONFLICT, 2.9),
    Run(coding_agent.play, coding_agent.Mood.EDITS_TEST, 3.2),
    Run(calendar_agent.play, calendar_agent.Mood.WRONG_DAY, 3.4),
    Run(browser_agent.play, browser_agent.Mood.STALE_POINT, 3.6),
)


def record_demo(
    spool_dir: Path,
    *,
    fast: bool,
    say: Callable[[str], object],
    closed: threading.Event | None = None,
) -> list[str]:
    """Records the demo's sessions and returns their ids in the order they were started.

    Needs no key and no network. May be called from any thread.

    Args:
        spool_dir: Made if it is not there; an earlier demo in it is replaced, nothing else is touched.
        fast: No pauses: about one second instead of seven. The recorded latencies are the same.
        say: Called with one line of text as each run ends.
        closed: Set from another thread, it makes the runs end at their next pause.

    Raises:
        OSError: When the directory cannot be written.
        DemoClosed: When `closed` was set before all was recorded.
    """
    token = own_spool.prepare(spool_dir)
    closed = closed or threading.Event()
    speed = 0.0 if fast else 1.0
    catalog = Catalog(spool_dir)
    session_ids = [""] * len(PROGRAMME)

    def record(index: int) -> int:
        run = PROGRAMME[index]
        pace = Pace(f"{index}/{run.mood}", speed=speed, closed=closed)
        pace.wait(run.after_s)
        session_ids[index] = _record(run, Take(spool_dir, token, run.mood, pace), speed, closed)
        return index

    with ThreadPoolExecutor(len(PROGRAMME), thread_name_prefix="demo") as pool:
        try:
            for done in as_completed([pool.submit(record, index) for index in range(len(PROGRAMME))]):
                session_id = session_ids[done.result()]
                catalog.refresh([spool_dir / session_file_name(session_id)])
                row = catalog.row(session_id)
                if row is not None:
                    say(verdict(row))
        finally:
            closed.set()  # on Ctrl+C the runs end at their next pause instead of holding up the exit
    return session_ids


def _record(run: Run, take: Take, speed: float, closed: threading.Event) -> str:
    """Plays one run and returns its session's id."""
    if run.mood == coding_agent.Mood.KILLED:
        with AgentProcess(take.spool, take.token, coding_agent.Mood.KILLED, speed=speed) as agent:
            session_id = agent.session_id()
            agent.wait(closed)
        return session_id
    try:
        run.play(take)
    except AgentFailed:
        pass
    return take.session_id


def verdict(row: SessionRow) -> str:
    """`✗ failed goal  calendar-agent  Book Tuesday at 2pm   3.2s  8ae0f4 goal mismatch: …`"""
    failure = f"{row.fingerprint[:6]} {row.label}" if row.fingerprint else ""
    return (
        f"{row.status.glyph} {row.status.word:<11}  {row.agent:<14}  {row.goal:<30}  "
        f"{duration(row.duration_ms):>6}  {failure}"
    ).rstrip()
