"""`:` goes anywhere by name, as in k9s: `:failures`, `:session 01M8…`, `:step 412`, `:sessions status:failed`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from promptetheus.display import printable_line, short_id
from promptetheus.queries.rows import SessionRow
from promptetheus.tui.chooser import Choice, Chooser, Run
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
    Goal("sql", "a statement", "SQL over the spool"),
    Goal("delivery", "", "What was sent, what waits, what failed"),
    Goal("quit", "", "Quit"),
)


class GoScreen(Chooser):
    """Offers what fits the words, the likeliest first.

    Args:
        shell: The program.
        sessions: Newest first.
        use_filter: Shows the sessions that a filter lets through.
    """

    PROMPT: ClassVar[str] = "Go to: failures, session 01M8…, step 412, sql …"
    IS_TYPED = True

    def __init__(
        self, shell: Shell, sessions: Sequence[SessionRow], use_filter: Callable[[str], object]
    ) -> None:
        super().__init__()
        self._shell = shell
        self._sessions = sessions
        self._use_filter = use_filter

    def choices(self, words: str) -> Sequence[Choice]:
        """Where the words lead."""
        word, _, rest = words.removeprefix(":").partition(" ")
        folded, rest = word.casefold(), rest.strip()
        # `session` before `sessions` once it is typed whole.
        goals = [goal for goal in GOALS if goal.word == folded]
        goals += [goal for goal in GOALS if goal.word.startswith(folded) and goal.word != folded and not rest]
        found = [choice for goal in goals for choice in self._leading(goal, rest)]
        if not found and folded.isdigit() and not rest:
            found = list(self._step(folded))
        return found or (list(self._session(folded)) if folded else [])

    def _leading(self, goal: Goal, rest: str) -> Iterator[Choice]:
        if goal.word == "step":
            yield from self._step(rest) if rest else self._plain(goal)
        elif goal.word == "session" and rest:
            yield from self._session(rest)
        elif goal.word == "sessions" and rest:
            yield Choice(f"sessions {rest}", "filter", partial(self._use_filter, rest))
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

    def _to(self, view: str, said: str, subject: object) -> Choice:
        return Choice(
            f"{view} {printable_line(said, 200)}", "", partial(self._shell.go, view, subject, aside=True)
        )

    def _step(self, number: str) -> Iterator[Choice]:
        path = self._shell.last_session
        if not number.isdigit() or len(number) > 9:
            yield Choice(f"{printable_line(number, 40)} is no number of a step")
        elif path is None:
            yield Choice("No session has been opened yet: its steps are what has numbers")
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
            yield Choice(f"{printable_line(missing, 60)} is the beginning of no id, or of several")
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
