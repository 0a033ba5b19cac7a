"""What the Session view is opened on when it is not a whole session."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple


class StepOf(NamedTuple):
    """A step of a session, to open the session at."""

    path: Path
    step: int
    """Its index."""
