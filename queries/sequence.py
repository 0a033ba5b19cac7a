"""Where the numbers of a session's events do not follow each other: lines that were lost, and numbers given twice."""

from __future__ import annotations

from array import array
from collections.abc import Collection
from typing import NamedTuple


class Gap(NamedTuple):
    """Numbers that no event has."""

    before: int
    """Number of the event (as `SessionLog` counts) that stands behind the gap."""
    missing: int
    """How many events are not there: lost, not written yet, or on lines that cannot be read."""


class Sequence(NamedTuple):
    """What is irregular about the `seq` of a session's events."""

    gaps: tuple[Gap, ...]
    duplicates: tuple[int, ...]
    """Numbers of events whose `seq` an earlier event has."""

    @property
    def missing(self) -> int:
        """Events that are not there."""
        return sum(gap.missing for gap in self.gaps)

    def describe(self) -> tuple[str, ...]:
        """What is irregular, a sentence each; none where nothing is."""
        missing, twice = self.missing, len(self.duplicates)
        said = []
        if missing:
            events = "event is" if missing == 1 else "events are"
            said.append(
                f"{missing} {events} not in the file: not recorded (sampling), lost, or not readable."
            )
        if twice:
            events = "event has" if twice == 1 else "events have"
            said.append(
                f"{twice} {events} the number of an earlier one: several processes wrote the session."
            )
        return tuple(said)


REGULAR = Sequence((), ())


def sequence_of(seqs: array[int], without: Collection[int] = ()) -> Sequence:
    """Gaps and duplicates of ascending seqs that should count from 0.

    Args:
        without: places in `seqs` of events that have no seq of their own; they are passed over.
    """
    if not without and seqs == array("q", range(len(seqs))):
        return REGULAR
    gaps: list[Gap] = []
    duplicates: list[int] = []
    before = -1
    for number, seq in enumerate(seqs):
        if number in without:
            continue
        if seq > before + 1:
            gaps.append(Gap(number, seq - before - 1))
        elif seq == before:
            duplicates.append(number)
        before = seq
    return Sequence(tuple(gaps), tuple(duplicates))
