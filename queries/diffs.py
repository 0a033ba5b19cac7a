"""Building a `DiffReport` from session files: reading them, picking a baseline, comparing pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path

from promptetheus.artifacts import read_artifact
from promptetheus.cause.diff_report import DiffReport, SessionSide, report_of_runs
from promptetheus.cause.effects import Effects, Evidence, evidence_in, judge
from promptetheus.cause.noise import DEFAULT_NOISE, Noise
from promptetheus.cause.picture_changes import PictureChange, PictureKind, picture_changes
from promptetheus.cause.row_details import PicturePair
from promptetheus.cause.signatures import Run, make_run
from promptetheus.events import Event
from promptetheus.exporters.diff_html import Shots
from promptetheus.pictures import MAX_FILE_BYTES, PictureError, small_copy
from promptetheus.queries.pricing import Pricer
from promptetheus.queries.project_effects import MAX_READ_BYTES, evidence_by_file
from promptetheus.queries.roots import Roots
from promptetheus.queries.rows import SessionRow
from promptetheus.queries.session_log import SessionLog

EMBEDDED_PX = (800.0, 1_200.0)
"""How large an embedded screenshot is at most."""

READ_BYTES = 4 << 20
"""Of a session file, between two words of how far the reading is."""


@dataclass(frozen=True)
class ReadSession:
    """A session read whole, for comparing."""

    row: SessionRow
    events: list[Event]
    _runs: dict[Noise, Run] = field(default_factory=dict, init=False, repr=False, compare=False)

    def run(self, noise: Noise = DEFAULT_NOISE) -> Run:
        """The session made comparable; kept, because who judges its tools and who aligns it want the same."""
        found = self._runs.get(noise)
        if found is None:
            self._runs.clear()
            found = self._runs[noise] = make_run(self.events, noise)
        return found

    @cached_property
    def evidence(self) -> Mapping[str, Evidence]:
        """What the session shows of its tools."""
        return evidence_in(self.run())

    @property
    def spool(self) -> Path:
        """Where its pictures are."""
        return self.row.path.parent

    @property
    def side(self) -> SessionSide:
        """How a report names it."""
        row = self.row
        return SessionSide(
            row.session_id,
            row.agent,
            row.goal,
            row.status.word,
            row.status.glyph,
            row.status.is_failing,
            row.label,
            row.started,
        )


def read_session(path: Path, told: Callable[[int], object] = lambda _events: None) -> ReadSession:
    """Read a session file whole. Raises OSError when it cannot be read.

    Args:
        told: called now and then with how many events were read so far; what it raises ends the reading.
    """
    log = SessionLog(path)
    try:
        while log.poll(READ_BYTES).more:
            told(len(log))
        return ReadSession(log.row(), log.events())
    finally:
        log.close()


def report_on(
    left: ReadSession, right: ReadSession, *, noise: Noise, effects: Effects, chosen: str = ""
) -> DiffReport:
    """Hold `right` against `left`; `chosen` says why that one, when nobody named it. Prices what was not priced."""
    pricer = Pricer(right.row.path.parent)
    numbers = pricer.priced(left.row), pricer.priced(right.row)
    pricer.keep()
    return report_of_runs(
        left.side,
        left.run(noise),
        right.side,
        right.run(noise),
        effects=effects,
        numbers=numbers,
        chosen=chosen,
    )


def effects_for(
    spools: Roots,
    rows: Iterable[SessionRow],
    corrections: Mapping[str, str],
    left: ReadSession,
    right: ReadSession,
    *,
    most_bytes: int = MAX_READ_BYTES,
) -> Effects:
    """What the tools of two sessions do to the world: told from recent sessions of their agents, and from these two
    where they are not among them.

    Args:
        rows: the spools' sessions, newest first.
        corrections: tool name to effect, see `project_rules.ProjectRules.effects`.
        most_bytes: of other sessions that are read for it; 0 for what is known of them already.
    """
    # As far as it is asked for: looking into ten thousand rows takes as long as comparing the two sessions.
    recent = (row for row in rows if row.agent in (left.row.agent, right.row.agent))
    evidence = evidence_by_file(spools, recent, most_bytes)
    more = [each.evidence for each in (left, right) if each.row.path not in evidence]
    return judge([*evidence.values(), *more], corrections)


@lru_cache(maxsize=256)
def compare_pictures(left_spool: Path, right_spool: Path, pair: PicturePair) -> PictureChange:
    """How two screenshots differ; about 40 ms, so call it from a thread. Never raises.

    Artifacts are named by their content: what was once found stays right.
    """
    if pair.is_same:
        return PictureChange(PictureKind.SAME)
    if pair.left is None or pair.right is None:
        return PictureChange(PictureKind.RIGHT_ONLY if pair.left is None else PictureKind.LEFT_ONLY)
    try:
        before = read_artifact(left_spool, pair.left, MAX_FILE_BYTES)
        after = read_artifact(right_spool, pair.right, MAX_FILE_BYTES)
    except FileNotFoundError:
        return PictureChange(PictureKind.UNREADABLE, reason="a file is gone from the spool")
    except OSError as error:
        return PictureChange(PictureKind.UNREADABLE, reason=error.strerror or type(error).__name__)
    except ValueError as error:
        return PictureChange(PictureKind.UNREADABLE, reason=str(error))
    return picture_changes(before, after)


def shots(left_spool: Path, right_spool: Path, pair: PicturePair) -> Shots:
    """A pair of screenshots to embed in a page, each as a small copy of its own."""
    left, right = _small(left_spool, pair.left), _small(right_spool, pair.right)
    size = (right or left or ((0, 0), b""))[0]
    return Shots(
        left[1] if left else None,
        right[1] if right else None,
        size,
        compare_pictures(left_spool, right_spool, pair),
    )


def _small(spool: Path, path: str | None) -> tuple[tuple[int, int], bytes] | None:
    if path is None:
        return None
    try:
        return small_copy(read_artifact(spool, path, MAX_FILE_BYTES), EMBEDDED_PX)
    except (OSError, ValueError, PictureError):
        return None
