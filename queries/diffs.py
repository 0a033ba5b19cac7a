"""Building a `DiffReport` from session files: reading them, picking a baseline, comparing pictures."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from promptetheus.artifacts import read_artifact
from promptetheus.diff_report import DiffReport, SessionSide, diff_report
from promptetheus.effects import Effects
from promptetheus.events import Event
from promptetheus.noise import Noise
from promptetheus.picture_changes import PictureChange, PictureKind, picture_changes
from promptetheus.pictures import MAX_FILE_BYTES
from promptetheus.queries.pricing import Pricer
from promptetheus.queries.rows import SessionRow
from promptetheus.queries.session_log import SessionLog
from promptetheus.row_details import PicturePair


@dataclass(frozen=True, slots=True)
class ReadSession:
    """A session read whole, for comparing."""

    row: SessionRow
    events: list[Event]

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


def read_session(path: Path) -> ReadSession:
    """Read a session file whole. Raises OSError when it cannot be read."""
    log = SessionLog(path)
    try:
        while log.poll().more:
            pass
        return ReadSession(log.row(), log.events())
    finally:
        log.close()


def report_on(
    left: ReadSession, right: ReadSession, *, noise: Noise, effects: Effects, chosen: str = ""
) -> DiffReport:
    """Hold `right` against `left`; `chosen` says why that one, when nobody named it. Prices what was not priced."""
    pricer = Pricer()
    return diff_report(
        left.side,
        left.events,
        right.side,
        right.events,
        noise=noise,
        effects=effects,
        numbers=(pricer.priced(left.row), pricer.priced(right.row)),
        chosen=chosen,
    )


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
