"""Where words lead that name a place: `failures`, `session 01M8…`, `step 412`, `412`, `sessions status:failed`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from promptetheus.display import printable_line, short_id
from promptetheus.queries.rows import SessionRow
from promptetheus.tui.chooser import Choice, Run
from promptetheus.tui.keymap import chosen_key
from promptetheus.tui.session.session_subject import StepOf
from promptetheus.tui.shell import Shell
from promptetheus.tui.views import VIEWS

SESSIONS_SHOWN = 50


@dataclass(frozen=True, slots=True)
class Goal:
    """One word that leads somewhere."""

    word: str
    takes: str
    """What may stand behind it, for people; "" for nothing."""
    sentence: str


GOALS = (
    Goal("sessions", "a filter", "All sessions, or those that a filter lets through"),
    Goal("session", "an id", "One session, step by step"),
    Goal("step", "a number", "A step of the session that was opened last"),
    Goal("diff", "one id or two", "Two sessions side by side"),
    Goal("failures", "a fingerprint", "The ways in which sessions fail"),
    Goal("suspects", "an id or a fingerprint", "What failing sessions do that passing ones do not"),
    Goal("search", "words", "All that was recorded: messages, arguments, results, errors"),
    Goal("sql", "a statement", "SQL over the spool"),
    Goal("delivery", "", "What was sent, what waits, what failed"),
    Goal("quit", "", "Quit"),
)


class GoWords:
    """Knows where words lead, with the sessions that are known now."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell
        self._sessions = shell.sessions_screen.sessions()

    def leading(self, words: str) -> Sequence[Choice]:
        """The places that fit the words, the likeliest first."""
        word, _, rest = words.removeprefix(":").partition(" ")
        folded, rest = word.casefold(), rest.strip()
        # `session` before `sessions` once it is typed whole.
        goals = [goal for goal in GOALS if goal.word == folded]
        goals += [goal for goal in GOALS if goal.word.startswith(folded) and goal.word != folded and not rest]
        found = [choice for goal in goals for choice in self._leading(goal, rest)]
        if found or not folded:
            return found
        sessions = list(self._session(folded))
        steps = list(self._step(folded)) if folded.isdecimal() and not rest else []
        # A step first, unless there is none to go to and it is the id of a session that begins so.
        return [*sessions, *steps] if self._shell.last_session is None else [*steps, *sessions]

    def step(self, words: str) -> Sequence[Choice]:
        """The step that the words name, be it `step 412` or `412`; nothing where they name none."""
        number = words.casefold().removeprefix("step ").strip()
        return list(self._step(number)) if number.isdecimal() else []

    def _leading(self, goal: Goal, rest: str) -> Iterator[Choice]:
        if goal.word == "step":
            yield from self._step(rest) if rest else self._plain(goal)
        elif goal.word == "session" and rest:
            yield from self._session(rest)
        elif goal.word == "sessions" and rest:
            yield Choice(f"sessions {rest}", "filter", partial(self._shell.use_filter, rest))
        elif goal.word == "search":
            yield self._search(goal, rest)
        elif goal.word == "diff" and rest:
            yield from self._diff(rest.split())
        elif goal.word == "suspects" and rest:
            row = self._one(rest)
            yield self._to("suspects", rest, rest if row is None else row.path)
        elif goal.word in ("failures", "sql") and rest:
            yield self._to(goal.word, rest, rest)
        else:
            yield from self._plain(goal)

    def _plain(self, goal: Goal) -> Iterator[Choice]:
        number = VIEWS[goal.word].number if goal.word in VIEWS else None
        note = "" if number is None else str(number)
        takes = f"  ({goal.takes})" if goal.takes else ""
        run: Run = partial(self._shell.go, goal.word, aside=True)
        if goal.word == "quit":
            run = self._shell.exit
        elif goal.word == "step":
            run = partial(self._shell.notify, "Type its number behind it: step 12.", timeout=3)
        yield Choice(f"{goal.word:<10}{goal.sentence}{takes}", note, run)

    def _search(self, goal: Goal, rest: str) -> Choice:
        said = f"search {printable_line(rest, 200)}" if rest else f"{goal.word:<10}{goal.sentence}"
        return Choice(
            said, chosen_key(self._shell, "app.search", "backslash"), partial(self._shell.search, rest)
        )

    def _to(self, view: str, said: str, subject: object) -> Choice:
        return Choice(
            f"{view} {printable_line(said, 200)}", "", partial(self._shell.go, view, subject, aside=True)
        )

    def _refused(self, why: str) -> Choice:
        """Leads nowhere; `enter` says so aloud, and one can go on typing."""
        return Choice(why, "", partial(self._shell.notify, f"{why}.", timeout=4), is_out_of_reach=True)

    def _step(self, number: str) -> Iterator[Choice]:
        path = self._shell.last_session
        if not number.isdecimal() or len(number) > 9:
            yield self._refused(f"{printable_line(number, 40)} is no number of a step")
        elif path is None:
            yield self._refused("A step needs a session: open one first")
        else:
            go = partial(self._shell.go, "session", StepOf(path, int(number)))
            yield Choice(f"step {int(number)}", short_id(path.stem), go)

    def _session(self, words: str) -> Iterator[Choice]:
        found = self._of(words)
        for row in found[:SESSIONS_SHOWN]:
            title = f"{row.status.glyph} {row.status.word:<12} {row.agent or '–'}  {row.goal}"
            yield Choice(title, short_id(row.session_id), partial(self._shell.open_session, row.path))
        if len(found) > SESSIONS_SHOWN:
            yield Choice(f"and {len(found) - SESSIONS_SHOWN} more: type more of the id")

    def _diff(self, ids: list[str]) -> Iterator[Choice]:
        rows = [self._one(each) for each in ids[:2]]
        known = [row for row in rows if row is not None]
        if len(known) < len(rows):
            missing = next(each for each, row in zip(ids, rows, strict=False) if row is None)
            yield self._refused(f"{printable_line(missing, 60)} is the beginning of no id, or of several")
        else:
            said = " ".join(short_id(row.session_id) for row in known)
            yield self._to("diff", said, tuple(row.path for row in known))

    def _of(self, words: str) -> list[SessionRow]:
        """Sessions whose id begins so, or is shortened so."""
        folded = words.casefold().replace("...", "…")
        head, _, tail = folded.partition("…")
        ids = ((row, row.session_id.casefold()) for row in self._sessions)
        return [row for row, each in ids if each.startswith(head) and each.endswith(tail)]

    def _one(self, words: str) -> SessionRow | None:
        found = self._of(words)
        return found[0] if len(found) == 1 else None
