"""In what a run departs from a baseline so that it matters: it changes something else, or fails in a new way."""

from __future__ import annotations

from collections.abc import Sequence

from promptetheus.cause.effects import infer_effects
from promptetheus.cause.held_against import compare
from promptetheus.cause.signatures import make_run
from promptetheus.display import printable_line
from promptetheus.events import Event
from promptetheus.fingerprint import failure_fingerprint


def departures(baseline: Sequence[Event], candidate: Sequence[Event]) -> list[str]:
    """What is to be said of each departure, one printable line each; none when the runs amount to the same."""
    left, right = make_run(baseline), make_run(candidate)
    found = [
        divergence.reason for divergence in compare(left, right, infer_effects((left, right))).candidates
    ]
    known = set(failure_fingerprint(baseline).signals)
    new = [signal for signal in failure_fingerprint(candidate).signals if signal not in known]
    return found + [
        f"fails in a way that the baseline did not: {printable_line(signal, 200)}" for signal in new
    ]
