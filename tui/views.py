"""The views of the program: number keys, palette entries and breadcrumbs all come from this one table.

To plug a view in:

1. Write `tui/<name>_screen.py` with a `ViewScreen` (class variable `VIEW`: the view's key in `VIEWS`) and a
   function `open_view(app: Shell, subject: object) -> ViewScreen`. `subject` is what the view is to be
   about (`View.subject` says it in words); None means "whatever the person most likely wants to see now": look at
   `app.sessions_screen.table` (`highlighted`, `marks`) and `app.last_session`. Raise `NotNow("why, and what to do")`
   when there is nothing to show: the app says so and stays where it is. Do nothing slow there: read in the
   screen's workers.
2. That is all: number key, palette entry, history and breadcrumbs work. As long as the module is missing, the app
   says that the view is not installed.

A screen goes on to another view with `await app.go("session", path)`, and back one level with `app.leave()` (bind
`escape` to it, or to something that calls it last). A screen's own handlers call both through `app.call_next(…)`:
a screen cannot wait for its own end. `app.crumbs()` gives the views underneath for a header, `app.leave_to(screen)`
is what a click on one does here. `commands()` of the screen adds entries to the palette.
Each view stands at most once on the stack: opening another subject of one that is there closes it and what is in
front of it. Views keep running while others are in front of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from textual import on
from textual.binding import Binding
from textual.messages import InvokeLater
from textual.worker import Worker, WorkerState

from promptetheus.queries.filter_terms import quoted
from promptetheus.tui.answering import AnswersAtOnce
from promptetheus.tui.crumbs import AgentWanted, CrumbWanted
from promptetheus.tui.guard import Guarded
from promptetheus.tui.laid_out_once import LaidOutOnce
from promptetheus.tui.text_selection import CopiesSelection

if TYPE_CHECKING:
    from promptetheus.tui.shell import Shell


class NotNow(Exception):
    """A view has nothing to show at the moment; the text says why and what to do."""


class View(NamedTuple):
    """One view of the program."""

    key: str
    """How code names it."""
    number: int | None
    """The digit that opens it; None for one that is reached from another view."""
    title: str
    sentence: str
    """For help and palette."""
    module: str
    """Holds `open_view`; imported when the view is first opened."""
    subject: str
    """What `open_view` takes as its subject, in words."""


VIEWS: Mapping[str, View] = {
    view.key: view
    for view in (
        View(
            "sessions", 1, "sessions", "View 1: all sessions",
            "promptetheus.tui.sessions.sessions_screen", "nothing: it is under everything",
        ),
        View(
            "session", 2, "session", "View 2: one session, step by step",
            "promptetheus.tui.session.session_screen", "Path of a session file, or StepOf(path, step)",
        ),
        View(
            "diff", 3, "diff", "View 3: two sessions side by side",
            "promptetheus.tui.diff.screen", "tuple of one or two Paths, in the order in which they were marked",
        ),
        View(
            "failures", 4, "failures", "View 4: the ways in which sessions fail",
            "promptetheus.tui.failures.failures_screen", "a fingerprint (str)",
        ),
        View(
            "suspects", None, "suspects", "What failing sessions do that passing ones do not",
            "promptetheus.tui.failures.suspects_screen", "Path of a failing session, or a fingerprint (str)",
        ),
        View(
            "sql", 5, "SQL", "View 5: SQL over the spool",
            "promptetheus.tui.sql.screen", "a statement (str) to start with",
        ),
        View(
            "delivery", 6, "delivery", "View 6: what was sent, what waits, what failed",
            "promptetheus.tui.delivery.screen", "nothing",
        ),
    )
}  # fmt: skip
"""In the order of their numbers."""


class Place(NamedTuple):
    """Where a person is or was: enough to go there again."""

    view: str
    subject: object = None


class ViewScreen(Guarded, LaidOutOnce, AnswersAtOnce, CopiesSelection):
    """A view in front of the Sessions view, or that view itself; dialogs and full-screen values are none."""

    MARKS: ClassVar[tuple[tuple[str, str], ...]] = ()
    """The marks that stand in its rows, each with what it means: the legend of its help."""
    VIEW: ClassVar[str]
    """Its key in `VIEWS`."""
    ELSEWHERE: ClassVar[Mapping[str, str]] = {}
    """By key: why it does nothing here although it does something in other views; keys named for `with_keys`."""
    NOT_NOW: ClassVar[Mapping[str, str]] = {}
    """By action of its own that it may not offer: why not, and what to do."""

    @property
    def shell(self) -> Shell:
        """The app, as what it is."""
        from promptetheus.tui.shell import Shell

        assert isinstance(self.app, Shell)
        return self.app

    def _compositor_refresh(self) -> None:
        """Draw what changed; nothing while another view hides this one.

        Textual takes the screen under the front one for visible even where that is opaque, and draws all of the
        front one again each time the list of sessions under it changes.
        """
        front = self.app.screen
        if front is self or front.styles.background.a < 1:
            super()._compositor_refresh()

    def _on_invoke_later(self, message: InvokeLater) -> None:
        """Do what is to be done after the next frame, whichever view is in front.

        Textual leaves that to the screen in front, and forgets it where that one closes first: the list of sessions
        was never watched when somebody left a session as soon as it opened.
        """
        if self.app.screen is not self:  # No frame of this view is drawn meanwhile.
            message.prevent_default()
            self.call_later(message.callback)

    @property
    def subject(self) -> object:
        """What it is about, so that history finds the way back; compared with `==`."""
        return None

    @property
    def crumb(self) -> str:
        """What the breadcrumbs of the views above call it; may be cut, need not be printable."""
        return VIEWS[self.VIEW].title

    @property
    def selected(self) -> tuple[str, int | None]:
        """Id of the session that the person looks at ("" for none), and its step where one is selected."""
        return "", None

    def notes_changed(self) -> None:
        """Somebody wrote a note or a bookmark about what is selected."""

    def commands(self) -> Iterable[tuple[str, Callable[[], object]]]:
        """What the palette offers here beside the keys: a name and what it does."""
        return ()

    @property
    def place(self) -> Place:
        """Where the person is while this is in front."""
        return Place(self.VIEW, self.subject)

    @on(CrumbWanted)
    def _crumb_wanted(self, event: CrumbWanted) -> None:
        self.app.call_next(self.shell.leave_to, self.shell.crumbs()[event.depth])

    @on(AgentWanted)
    def _agent_wanted(self, event: AgentWanted) -> None:
        self.app.call_next(self.shell.use_filter, f"agent:={quoted(event.agent)}")

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """A worker that failed may have been needed; what is on screen stays."""
        error = event.worker.error if event.state is WorkerState.ERROR else None
        if isinstance(error, Exception):
            self.worker_failed(event.worker.group, error)

    def is_at_work(self, group: str) -> bool:
        """Whether a worker of this group runs: a clock that started it anew would end it before it is done."""
        return any(
            worker.group == group and worker.is_running for worker in self.workers if worker.node is self
        )

    def worker_failed(self, group: str, error: Exception) -> None:
        """A worker of this group ended in an error, which is told besides."""


def view_bindings() -> Iterator[Binding]:
    """The number keys."""
    for view in VIEWS.values():
        if view.number is not None:
            yield Binding(
                str(view.number),
                f"show_view('{view.key}')",
                view.title,
                show=False,
                id=f"app.{view.key}",
                tooltip=view.sentence,
            )


def why_missing(view: View) -> str:
    """Why a view cannot be opened at all; "" when it can."""
    return "" if find_spec(view.module) else f"The {view.title} view is not part of this installation."


def make_view(app: Shell, view: View, subject: object) -> ViewScreen:
    """The screen of a view. Raises NotNow when it has nothing to show, or is not there."""
    missing = why_missing(view)
    if missing:
        raise NotNow(missing)
    made = import_module(view.module).open_view(app, subject)
    assert isinstance(made, ViewScreen)
    return made
