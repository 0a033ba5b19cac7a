"""One run of a demo agent, as the agent sees it: where to record, at which pace, and in which mood."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from promptetheus.demo.pace import Pace


class AgentFailed(Exception):
    """A demo agent gave up, as its mood demanded. Anything else that leaves an agent is a bug of the demo."""


@dataclass(slots=True)
class Take:
    """What an agent needs to play one run."""

    spool: Path
    token: str
    """Goes into the metadata of every session of the demo, so that the demo knows its own again."""
    mood: str
    """Which way the run goes; every agent names its own."""
    pace: Pace
    announce: Callable[[str], object] = field(default=lambda session_id: None)
    """Called with the session's id once it is open."""
    session_id: str = ""

    def options(self, *tags: str) -> dict[str, Any]:
        """What every session of the demo is opened with.

        The transport and the rate are given here and not left to the configuration: with an API key in the
        environment the demo still sends nothing, and a sampling rate set there does not thin it out.
        """
        return {
            "transport": "spool",
            "spool_dir": str(self.spool),
            "environment": "demo",
            "tags": list(tags),
            "metadata": {"demo": self.token},
            "sample_rate": 1.0,
        }

    def opened(self, session_id: str) -> None:
        """To be called by the agent first thing inside its session."""
        self.session_id = session_id
        self.announce(session_id)
