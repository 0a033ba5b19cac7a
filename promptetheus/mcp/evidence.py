"""The eight tools as plain functions over a spool. They read, and write nothing but a note of what was read."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from promptetheus.attention import note_read, selection
from promptetheus.cause.explain import MIN_BYTES, explain
from promptetheus.cause.first_mistake import Candidate, first_mistakes
from promptetheus.cause.narrative import did_fail
from promptetheus.clock import parse_timestamp
from promptetheus.display import age, duration, money, printable_line
from promptetheus.mcp.answers import Answer, Refused, events_without_secrets, without_secrets
from promptetheus.queries.catalog import Catalog
from promptetheus.queries.rows import SessionRow, Status
from promptetheus.queries.session_log import SessionLog
from promptetheus.spool import session_file_stem

if TYPE_CHECKING:
    from promptetheus.queries.failure_list import ListedFailure
    from promptetheus.queries.search import Hit

Part = Literal["all", "arguments", "result", "raw", "image"]
Kind = Literal["session", "step", "fingerprint"]

MAX_LISTED = 200
_PICTURE_PX = (1_000.0, 1_000.0)
_STEP_BYTES = 4_000
_MAX_LOGS = 8
_MAX_OUTLINES = 64


class Evidence:
    """A spool and the questions that it answers. Safe to use from several threads.

    Every method returns an `Answer` or raises `Refused` with what would work.
    """

    def __init__(self, spool: Path, now_s: Callable[[], float] = time.time) -> None:
        self.spool = spool
        self._now = now_s
        self._catalog = Catalog(spool)
        self._lock = threading.RLock()
        self._database: Any = None
        self._logs: OrderedDict[Path, SessionLog] = OrderedDict()
        self._told: OrderedDict[tuple[Path, int, int], tuple[list[str], list[Candidate]]] = OrderedDict()
        """Outlines by session, its size and the budget."""
        self._rows: list[SessionRow] = []
        self._failures: list[ListedFailure] | None = None

    def close(self) -> None:
        """End the process that answers SQL, if there is one."""
        with self._lock:
            if self._database is not None:
                self._database.close()
                self._database = None
            while self._logs:
                self._logs.popitem()[1].close()

    # ── the tools ────────────────────────────────────────────────────────────────────────────────────────

    def situation(self) -> Answer:
        """What the person has selected, the newest failing sessions, the open failures, the health of the spool."""
        rows = self.rows()
        counts = {status: sum(row.status is status for row in rows) for status in Status}
        said = ", ".join(f"{number} {status.word}" for status, number in counts.items() if number)
        facts = [f"{len(rows)} sessions in {self.spool.name}: {said or 'none yet'}."]
        chosen = selection(self.spool)
        if chosen is not None:
            step = f", step {chosen.step}" if chosen.step is not None else ""
            facts.append(f"Selected in the terminal ({chosen.view} view): {_name(chosen.session_id)}{step}.")
        unread = sum(row.skipped.total for row in rows)
        if unread:
            facts.append(f"{unread} lines of the spool could not be read; `promptetheus doctor` says why.")
        failing = [row for row in rows if row.status.is_failing][:5]
        lines = [self._session_line(row) for row in failing]
        open_failures = [each for each in self.failures() if "gone" not in each.failure.state][:5]
        lines += [_failure_line(each.failure, self._now()) for each in open_failures]
        more = []
        if failing:
            more.append(f"Next: outline(session={_name(failing[0].session_id)!r}) or compare(a=the same).")
        note_read(self.spool, "situation")
        return Answer(facts, lines, "names and labels of sessions", more=more)

    def find(self, query: str, kind: Kind = "session", limit: int = 10) -> Answer:
        """Sessions by the filter of the terminal, steps by a text in what was recorded, or failures by a text."""
        limit = min(max(limit, 1), MAX_LISTED)
        note_read(self.spool, "find")
        if kind == "step":
            return self._find_text(query, limit)
        if kind == "fingerprint":
            return self._find_failures(query, limit)
        from promptetheus.queries.filter import BadFilter, read_filter

        try:
            wanted = read_filter(query)
        except BadFilter as error:
            raise Refused(f"The filter is not understood: {printable_line(str(error), 400)}") from None
        rows = self.rows()
        found = [row for row in rows if wanted.matches(row)]
        facts = [f"{len(found)} of {len(rows)} sessions match, newest first."]
        return Answer(facts, [self._session_line(row) for row in found[:limit]], "the list of sessions")

    def outline(self, session: str, budget: int = 3_000, focus: int | None = None) -> Answer:
        """What happened: every error and failed check, the rest folded. `focus`: the steps around one."""
        row, log = self._open(session)
        facts = [_facts(row)]
        lines, guesses = self._outline(row, log, max(budget, MIN_BYTES))
        if focus is not None:
            lines = _around(log, focus)
        more = []
        if guesses:
            named = ", ".join(f"step {guess.step} ({guess.chance:.0%})" for guess in guesses)
            facts.append(f"Likeliest first mistake, from this session alone: {named}.")
        if row.status.is_failing:
            more.append(f"Next: compare(a={_name(row.session_id)!r}), step(session=the same, steps=[…]).")
        note_read(self.spool, "outline", row.session_id, (focus,) if focus is not None else ())
        return Answer(facts, lines, f"session {_name(row.session_id)}", row.session_id, more=more)

    def step(
        self, session: str, steps: Sequence[int], part: Part = "all", path: str = "", offset: int = 0
    ) -> Answer:
        """The whole content of steps: a call with its result, a message, a check, a screenshot.

        Args:
            path: A place in it, such as `result.items[3].name`.
            offset: Characters to leave out at the start, for a value that is larger than an answer.
        """
        from promptetheus.cause.describe import describe
        from promptetheus.exporters.markdown_export import step_markdown, value_text
        from promptetheus.mcp.values import BadPath, value_at

        row, log = self._open(session)
        known = {step.index: step for step in log.steps}
        missing = [number for number in steps if number not in known]
        if missing or not steps:
            raise Refused(
                f"There is no step {missing[0] if missing else ''}; the session has {_range(known)}."
            )
        note_read(self.spool, "step", row.session_id, tuple(steps)[:20])
        pieces: list[str] = []
        picture = None
        for number in list(steps)[:20]:
            found = known[number]
            events = [log.event(place) for place in found.events]
            if part == "image":
                picture = picture or self._picture(row, events)
                continue
            events = events_without_secrets(events)
            if part == "all" and not path:
                text = step_markdown(
                    found, events, describe(found, dict(zip(found.events, events, strict=True)).__getitem__)
                )
            else:
                try:
                    text = value_text(value_at(_content(events, part), path))
                except BadPath as error:
                    raise Refused(str(error)) from None
            if offset or len(text) > _STEP_BYTES:
                total = len(text)
                text = text[offset : offset + _STEP_BYTES]
                end = offset + len(text)
                if end < total:
                    text += f"\n[characters {offset} to {end} of {total}; offset={end} goes on]"
            pieces.append(text)
        if part == "image" and picture is None:
            raise Refused(
                "None of these steps has a screenshot that can be shown; part='all' says what they have."
            )
        facts = [f"{_facts(row)} Steps {', '.join(map(str, list(steps)[:20]))} of {_range(known)}."]
        return Answer(
            facts, pieces, f"session {_name(row.session_id)}", row.session_id, tuple(steps)[:20], picture
        )

    def compare(self, a: str, b: str = "", group: bool = False) -> Answer:
        """Where a failing session departs from a passing one: the nearest of its task, or `b`. With `group`: what
        failing sessions of the task do that passing ones do not."""
        from promptetheus.mcp.comparing import compare_group, compare_two

        row, _ = self._open(a)
        note_read(self.spool, "compare", row.session_id)
        if group:
            return compare_group(self.spool, row, self.rows())
        other = self._open(b)[0] if b else None
        return compare_two(self.spool, row, other, self.rows())

    def fingerprint(self, id: str) -> Answer:
        """A way of failing: how often, when, where, with examples and notes. Takes a fingerprint or a session."""
        rows = self.rows()
        whole = self._fingerprint(id, rows)
        listed = next((each for each in self.failures() if each.failure.fingerprint == whole), None)
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
        lines = [printable_line(failure.label, 300), *map(self._session_line, _different(sessions, 3))]
        lines += [f"note of a person: {printable_line(note.text, 500)}" for note in listed.notes]
        note_read(self.spool, "fingerprint")
        more = [
            f"Next: compare(a={_name(sessions[0].session_id)!r}, group=true), verify(fingerprint={whole!r})."
        ]
        return Answer(facts, lines, "sessions that failed in this way", more=more)

    def query(self, sql: str, max_rows: int = 50) -> Answer:
        """A SELECT over the documented views."""
        from promptetheus.mcp.sql_answers import sql_answer

        note_read(self.spool, "query")
        with self._lock:
            if self._database is None:
                from promptetheus.queries.isolated import IsolatedDatabase

                self._database = IsolatedDatabase(self.spool)
            database = self._database
        return sql_answer(database, sql, min(max(max_rows, 1), MAX_LISTED))

    def verify(self, fingerprint: str, since: str = "", sessions: str = "") -> Answer:
        """Whether a failure is gone: gone, still there, or not enough sessions yet."""
        from promptetheus.queries.filter import BadFilter, read_filter
        from promptetheus.queries.fix_check import NoSuchFailure, check_fix

        since_s = None
        if since:
            since_s = parse_timestamp(since if "T" in since else f"{since}T00:00:00Z")
            if since_s is None:
                raise Refused(f"since={since!r} is no time; write 2026-11-22 or 2026-11-22T07:04:12Z.")
        try:
            fixed = read_filter(sessions) if sessions else None
        except BadFilter as error:
            raise Refused(f"The filter is not understood: {printable_line(str(error), 400)}") from None
        rows = self.rows()
        whole = self._fingerprint(fingerprint, rows)
        try:
            found = check_fix(rows, whole, since_s=since_s, fixed=fixed)
        except NoSuchFailure:
            raise Refused(f"No ended session failed with {whole}.") from None
        note_read(self.spool, "verify")
        lines = [f"{other}  {printable_line(label, 200)}" for other, label in sorted(found.new.items())]
        facts = [f"{whole}: {found.verification.standing.value}. {found.verification.describe()}"]
        facts.append(f"{len(lines)} new fingerprints since{':' if lines else '.'}")
        return Answer(facts, lines, "failures that were not there before")

    # ── what they share ──────────────────────────────────────────────────────────────────────────────────

    def rows(self) -> list[SessionRow]:
        """All sessions, newest first."""
        with self._lock:
            change = self._catalog.refresh()
            if change.updated or change.removed or not self._rows:
                self._rows, self._failures = self._catalog.rows(), None
            return self._rows

    def failures(self) -> list[ListedFailure]:
        """The failures of these sessions, the one seen last first, with the notes of people."""
        from promptetheus.queries.failure_list import list_failures, with_notes

        with self._lock:
            if self._failures is None:
                self._failures = list_failures(self.spool, self._rows)
            return with_notes(self.spool, self._failures)

    def _outline(self, row: SessionRow, log: SessionLog, budget: int) -> tuple[list[str], list[Candidate]]:
        key = (row.path, log.size_bytes, budget)
        with self._lock:
            known = self._told.get(key)
            if known is None:
                events = without_secrets(
                    log.events()
                )  # before it is cut: half a secret is no longer known as one
                lines = explain(events, lines=10_000, max_bytes=budget).splitlines()
                known = (lines, first_mistakes(events, limit=3) if did_fail(events) else [])
                self._told[key] = known
                if len(self._told) > _MAX_OUTLINES:
                    self._told.popitem(last=False)
            return known

    def _open(self, session: str) -> tuple[SessionRow, SessionLog]:
        from promptetheus.queries.resolve import AmbiguousSession, SessionNotFound, resolve

        if "/" in session or session.endswith((".json", ".jsonl")):
            raise Refused("A session is named by its id or the beginning of it, not by a path.")
        try:
            path = resolve(self.spool, session)
        except AmbiguousSession as error:
            named = ", ".join(_name(each) for each in error.candidates[:10])
            raise Refused(f"{session[:80]!r} is the beginning of several sessions: {named}.") from None
        except SessionNotFound:
            newest = ", ".join(_name(row.session_id) for row in self.rows()[:3]) or "none"
            raise Refused(f"There is no session {session[:80]!r}. The newest are: {newest}.") from None
        if path.parent.resolve() != self.spool.resolve():
            raise Refused("A session is named by its id or the beginning of it, not by a path.")
        with self._lock:
            log = self._logs.pop(path, None) or SessionLog(path)
            self._logs[path] = log
            while log.poll().more:
                pass
            if len(self._logs) > _MAX_LOGS:
                self._logs.popitem(last=False)[1].close()
            return log.row(), log

    def _fingerprint(self, beginning: str, rows: Sequence[SessionRow]) -> str:
        known = sorted({row.fingerprint for row in rows if row.fingerprint})
        found = [each for each in known if beginning and each.startswith(beginning.lower())]
        if len(found) == 1:
            return found[0]
        if not found:
            of_session = {
                row.fingerprint for row in rows if beginning and row.session_id.startswith(beginning)
            }
            if len(of_session) == 1 and (only := of_session.pop()):
                return only
        what = "begins several of" if found else "is none of"
        raise Refused(
            f"{beginning[:40]!r} {what} the fingerprints: {', '.join(found or known[:20]) or 'there are none'}."
        )

    def _session_line(self, row: SessionRow) -> str:
        started = age(max(0.0, self._now() - row.started)) if row.started is not None else "–"
        cost = f", {money(row.cost_usd)}" if row.cost_usd else ""
        label = f"; {row.fingerprint} {printable_line(row.label, 160)}" if row.fingerprint else ""
        goal = printable_line(row.goal, 120)
        return (
            f"{_name(row.session_id)}  {row.status.word}  {started}  {printable_line(row.agent, 40)}: {goal} "
            f"({row.steps} steps, {duration(row.duration_ms)}, {row.errors} errors{cost}){label}"
        )

    def _find_text(self, query: str, limit: int) -> Answer:
        from promptetheus.queries.bounded_search import SearchGivenUp, search_spools

        lines: list[str] = []
        facts = []
        more = False
        try:
            for hit in search_spools([self.spool], query):
                if len(lines) == limit:
                    more = True
                    break
                step = f"step {hit.step}" if hit.step is not None else f"seq {hit.seq}"
                where = f"{_name(hit.session_id)} {step} {hit.kind or hit.type}"
                snippet = self._snippet(hit)
                lines.append(f"{printable_line(where, 160)}  {printable_line(hit.field, 80)}: {snippet}")
        except SearchGivenUp as error:
            facts.append(f"Stopped early: {printable_line(str(error), 200)}")
        facts.insert(0, f"{'More than ' if more else ''}{len(lines)} hits, newest session first.")
        return Answer(facts, lines, "what was recorded")

    def _snippet(self, hit: Hit) -> str:
        """The surroundings of a hit. A snippet may begin or end inside a secret, where nobody would know it: of an
        event that has one, only as much is shown as is left without it."""
        if hit.number is None:
            return hit.snippet
        with self._lock:
            _, log = self._open(session_file_stem(hit.session_id))
            event = log.event(hit.number)
        if without_secrets(event) == event:
            return hit.snippet
        return f"(near a secret, which is left out) {printable_line(hit.snippet[hit.start : hit.end], 80)}"

    def _find_failures(self, query: str, limit: int) -> Answer:
        words = query.lower().split()
        self.rows()
        listed = [each.failure for each in self.failures()]
        found = [
            f for f in listed if all(word in f"{f.fingerprint} {f.label} {f.state}".lower() for word in words)
        ]
        facts = [f"{len(found)} of {len(listed)} failures match, seen last first."]
        return Answer(facts, [_failure_line(f, self._now()) for f in found[:limit]], "labels of failures")

    def _picture(self, row: SessionRow, events: Sequence[dict[str, Any]]) -> bytes | None:
        from promptetheus.artifacts import read_artifact
        from promptetheus.pictures import PictureError, small_copy

        for event in events:
            payload = event.get("payload")
            path = payload.get("storage_path") if isinstance(payload, dict) else None
            if not isinstance(path, str):
                continue
            try:
                return small_copy(read_artifact(row.path.parent, path), _PICTURE_PX)[1]
            except (OSError, ValueError, PictureError):
                continue
        return None


def _name(session_id: str) -> str:
    """What a session is called in our own words: an id may be any text, the name of its file may not."""
    return session_file_stem(session_id)


def _facts(row: SessionRow) -> str:
    return (
        f"Session {_name(row.session_id)}: {row.status.word}, {row.steps} steps, {row.events} events, "
        f"{row.errors} errors, {row.failed_checks} failed checks, {duration(row.duration_ms)}."
    )


def _failure_line(failure: Any, now_s: float) -> str:
    return (
        f"{failure.fingerprint}  {failure.state}  ×{failure.sessions}  last {age(max(0.0, now_s - failure.last_s))}  "
        f"{printable_line(failure.label, 200)}  e.g. {', '.join(_name(each) for each in failure.examples[:2])}"
    )


def _around(log: SessionLog, focus: int) -> list[str]:
    from promptetheus.cause.describe import describe

    def event_of(number: int) -> dict[str, Any]:
        found: dict[str, Any] = without_secrets(log.event(number))
        return found

    place = next((place for place, step in enumerate(log.steps) if step.index == focus), None)
    if place is None:
        raise Refused(f"There is no step {focus}; the session has {_range({s.index: s for s in log.steps})}.")
    shown = log.steps[max(0, place - 6) : place + 7]
    return [
        f"{'>' if step.index == focus else ' '} {step.index}  {step.kind.value}  {describe(step, event_of)}"
        for step in shown
    ]


def _range(steps: dict[int, Any]) -> str:
    return f"steps {min(steps)} to {max(steps)}" if steps else "no steps"


def _content(events: Sequence[dict[str, Any]], part: Part) -> Any:
    from promptetheus.cause.describe import call_arguments, call_result

    if part == "arguments":
        return call_arguments(events[0])
    if part == "result":
        results = [event for event in events[1:] if event.get("type") == "tool_result"]
        if not results:
            return None
        payload = results[-1].get("payload")
        error = payload.get("error") if isinstance(payload, dict) else None
        return {"error": error} if error else call_result(results[-1])
    if part == "raw":
        return list(events)
    return [event.get("payload") for event in events]


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
