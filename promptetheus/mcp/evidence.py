"""The eight tools as plain functions over a spool. They read, and write nothing but a note of what was read."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from promptetheus.attention import note_read, selection
from promptetheus.cause.explain import MIN_BYTES
from promptetheus.clock import parse_timestamp
from promptetheus.display import age, printable_line
from promptetheus.fingerprint import marked_label
from promptetheus.mcp.answers import Answer, Refused
from promptetheus.mcp.finding import filter_of, find_failures, find_sessions, find_steps
from promptetheus.mcp.lines import failure_line, session_facts, session_line, session_name, step_range
from promptetheus.mcp.reader import SpoolReader
from promptetheus.mcp.step_content import Part, small_picture, step_text, steps_around
from promptetheus.queries.rows import SessionRow, Status

Kind = Literal["session", "step", "fingerprint"]

MAX_LISTED = 200
"""Sessions, hits, failures or rows of SQL in an answer."""

MAX_STEPS = 20
"""Steps that are shown in one answer."""


class Evidence:
    """A spool and the questions that it answers. Safe to use from several threads.

    Every method returns an `Answer` or raises `Refused` with what would work.
    """

    def __init__(self, spool: Path, now_s: Callable[[], float] = time.time) -> None:
        self.spool = spool
        self.reader = SpoolReader(spool)
        self._now = now_s

    def close(self) -> None:
        """Close the sessions that are open, and end the process that answers SQL, if there is one."""
        self.reader.close()

    def situation(self) -> Answer:
        """What the person has selected, the newest failing sessions, the open failures, the health of the spool."""
        rows = self.reader.rows()
        counts = {status: sum(row.status is status for row in rows) for status in Status}
        said = ", ".join(f"{number} {status.word}" for status, number in counts.items() if number)
        facts = [f"{len(rows)} sessions in {self.spool.name}: {said or 'none yet'}."]
        chosen = selection(self.spool)
        if chosen is not None:
            step = f", step {chosen.step}" if chosen.step is not None else ""
            name = session_name(chosen.session_id)
            facts.append(f"Selected in the terminal ({chosen.view} view): {name}{step}.")
        unread = sum(row.skipped.total for row in rows)
        if unread:
            facts.append(f"{unread} lines of the spool could not be read; `promptetheus doctor` says why.")
        failing = [row for row in rows if row.status.is_failing][:5]
        lines = [session_line(row, self._now()) for row in failing]
        open_failures = [each for each in self.reader.failures() if "gone" not in each.failure.state][:5]
        lines += [failure_line(each.failure, self._now()) for each in open_failures]
        more = []
        if failing:
            name = session_name(failing[0].session_id)
            more.append(f"Next: outline(session={name!r}) or compare(a=the same).")
        note_read(self.spool, "situation")
        return Answer(facts, lines, "names and labels of sessions", more=more)

    def find(self, query: str, kind: Kind = "session", limit: int = 10) -> Answer:
        """Sessions by the filter of the terminal, steps by a text in what was recorded, or failures by a text."""
        limit = min(max(limit, 1), MAX_LISTED)
        note_read(self.spool, "find")
        match kind:
            case "session":
                return find_sessions(self.reader, query, limit, self._now())
            case "step":
                return find_steps(self.reader, query, limit)
            case "fingerprint":
                return find_failures(self.reader, query, limit, self._now())

    def outline(self, session: str, budget: int = 3_000, focus: int | None = None) -> Answer:
        """What happened: every error and failed check, the rest folded. `focus`: the steps around one."""
        row, log = self.reader.open(session)
        name = session_name(row.session_id)
        facts = [session_facts(row)]
        lines, guesses = self.reader.outline(row, log, max(budget, MIN_BYTES))
        if focus is not None:
            places = {step.index: place for place, step in enumerate(log.steps)}
            if focus not in places:
                raise Refused(f"There is no step {focus}; the session has {step_range(places)}.")
            lines = steps_around(log, places[focus])
        more = []
        if guesses:
            named = ", ".join(f"step {guess.step} ({guess.chance:.0%})" for guess in guesses)
            facts.append(f"Likeliest first mistake, from this session alone: {named}.")
        if row.status.is_failing:
            more.append(f"Next: compare(a={name!r}), step(session=the same, steps=[…]).")
        note_read(self.spool, "outline", row.session_id, (focus,) if focus is not None else ())
        return Answer(facts, lines, f"session {name}", row.session_id, more=more)

    def step(
        self, session: str, steps: Sequence[int], part: Part = "all", path: str = "", offset: int = 0
    ) -> Answer:
        """The whole content of steps: a call with its result, a message, a check, a screenshot.

        Args:
            path: A place in it, such as `result.items[3].name`.
            offset: Characters to leave out at the start, for a value that is larger than an answer.
        """
        row, log = self.reader.open(session)
        known = {step.index: step for step in log.steps}
        missing = [number for number in steps if number not in known]
        if missing or not steps:
            raise Refused(
                f"There is no step {missing[0] if missing else ''}; the session has {step_range(known)}."
            )
        numbers = tuple(steps)[:MAX_STEPS]
        note_read(self.spool, "step", row.session_id, numbers)
        pieces: list[str] = []
        picture = None
        if part == "image":
            shots = (map(log.event, known[number].events) for number in numbers)
            picture = next(filter(None, (small_picture(self.spool, list(shot)) for shot in shots)), None)
            if picture is None:
                raise Refused(
                    "None of these steps has a screenshot that can be shown; part='all' says what they have."
                )
        else:
            pieces = [step_text(known[number], log, part, path, offset) for number in numbers]
        facts = [f"{session_facts(row)} Steps {', '.join(map(str, numbers))} of {step_range(known)}."]
        origin = f"session {session_name(row.session_id)}"
        return Answer(facts, pieces, origin, row.session_id, numbers, picture)

    def compare(self, a: str, b: str = "", group: bool = False) -> Answer:
        """Where a failing session departs from a passing one: the nearest of its task, or `b`. With `group`: what
        failing sessions of the task do that passing ones do not."""
        from promptetheus.mcp.comparing import compare_group, compare_two

        row, _ = self.reader.open(a)
        note_read(self.spool, "compare", row.session_id)
        if group:
            return compare_group(self.spool, row, self.reader.rows())
        other = self.reader.open(b)[0] if b else None
        return compare_two(self.spool, row, other, self.reader.rows())

    def fingerprint(self, id: str) -> Answer:
        """A way of failing: how often, when, where, with examples and notes. Takes a fingerprint or a session."""
        rows = self.reader.rows()
        whole = self.reader.fingerprint(id, rows)
        listed = next((each for each in self.reader.failures() if each.failure.fingerprint == whole), None)
        if listed is None:
            raise Refused(f"No ended session failed with {whole}.")
        failure = listed.failure
        days = ", ".join(f"{day}: {number}" for day, number in failure.per_day[-10:])
        facts = [
            f"Fingerprint {whole}: {failure.state}; {failure.sessions} sessions, "
            f"first {age(self._now() - failure.first_s)}, last {age(self._now() - failure.last_s)}; "
            f"{failure.since} sessions of its tasks since. By day: {days}."
        ]
        sessions = [row for row in rows if row.fingerprint == whole]
        lines = [printable_line(marked_label(failure.label), 300)]
        lines += [session_line(row, self._now()) for row in _different(sessions, 3)]
        lines += [f"note of a person: {printable_line(note.text, 500)}" for note in listed.notes]
        note_read(self.spool, "fingerprint")
        name = session_name(sessions[0].session_id)
        more = [f"Next: compare(a={name!r}, group=true), verify(fingerprint={whole!r})."]
        return Answer(facts, lines, "sessions that failed in this way", more=more)

    def query(self, sql: str, max_rows: int = 50) -> Answer:
        """A SELECT over the documented views."""
        from promptetheus.mcp.sql_answers import sql_answer

        note_read(self.spool, "query")
        return sql_answer(self.reader.database(), sql, min(max(max_rows, 1), MAX_LISTED))

    def verify(self, fingerprint: str, since: str = "", sessions: str = "") -> Answer:
        """Whether a failure is gone: gone, still there, or not enough sessions yet."""
        from promptetheus.queries.fix_check import NoSuchFailure, check_fix

        since_s = None
        if since:
            since_s = parse_timestamp(since if "T" in since else f"{since}T00:00:00Z")
            if since_s is None:
                raise Refused(f"since={since!r} is no time; write 2026-11-22 or 2026-11-22T07:04:12Z.")
        fixed = filter_of(sessions) if sessions else None
        rows = self.reader.rows()
        whole = self.reader.fingerprint(fingerprint, rows)
        try:
            found = check_fix(rows, whole, since_s=since_s, fixed=fixed)
        except NoSuchFailure:
            raise Refused(f"No ended session failed with {whole}.") from None
        note_read(self.spool, "verify")
        lines = [
            f"{other}  {printable_line(marked_label(label), 200)}"
            for other, label in sorted(found.new.items())
        ]
        facts = [f"{whole}: {found.verification.standing.value}. {found.verification.describe()}"]
        facts.append(f"{len(lines)} new fingerprints since{':' if lines else '.'}")
        return Answer(facts, lines, "failures that were not there before")


def _different(rows: Sequence[SessionRow], number: int) -> list[SessionRow]:
    """The newest, and then those that are least like the ones before: by agent, goal and length."""
    chosen: list[SessionRow] = []
    left = list(rows)
    while left and len(chosen) < number:
        best = max(left, key=lambda row: min((_unlike(row, other) for other in chosen), default=0))
        chosen.append(best)
        left.remove(best)
    return chosen


def _unlike(one: SessionRow, other: SessionRow) -> float:
    longer = max(one.steps, other.steps, 1)
    return (one.agent != other.agent) + (one.goal != other.goal) + abs(one.steps - other.steps) / longer
