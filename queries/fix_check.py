"""Whether a failure is gone since a fix, as far as the sessions of its tasks show."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from promptetheus.cause.failures import Outcome
from promptetheus.cause.verification import Verification, verify
from promptetheus.queries.failure_list import outcome_of
from promptetheus.queries.filter import Filter
from promptetheus.queries.rows import SessionRow
from promptetheus.queries.tasks import ended


class NoSuchFailure(LookupError):
    """No ended session failed in that way."""


@dataclass(frozen=True, slots=True)
class FixCheck:
    """What the sessions show."""

    verification: Verification
    new: dict[str, str]
    """Fingerprints that were not seen before, with their labels."""


def check_fix(
    rows: Iterable[SessionRow],
    fingerprint: str,
    *,
    since_s: float | None = None,
    fixed: Filter | None = None,
) -> FixCheck:
    """Hold the sessions of the failure's tasks before the fix against those after it. Raises NoSuchFailure.

    Args:
        since_s: When it was mended, in seconds since 1970. Without it and `fixed` the silence since the failure was
            last seen is judged.
        fixed: Which sessions ran with the fix.
    """
    known = ended(rows)
    with_fix = {row.session_id for row in known if fixed is not None and fixed.matches(row)}
    outcomes = [outcome_of(row) for row in known]
    tasks = {outcome.task for outcome in outcomes if outcome.fingerprint == fingerprint}
    if not tasks:
        raise NoSuchFailure(fingerprint)
    same = [outcome for outcome in outcomes if outcome.task in tasks]
    last = max(outcome.started_s for outcome in same if outcome.fingerprint == fingerprint)

    def is_after(outcome: Outcome) -> bool:
        if fixed is not None:
            return outcome.session_id in with_fix
        return outcome.started_s >= since_s if since_s is not None else outcome.started_s > last

    after = [outcome for outcome in same if is_after(outcome)]
    before = [outcome for outcome in same if not is_after(outcome)]
    found = verify(_with(before, fingerprint), len(before), _with(after, fingerprint), len(after))
    known_before = {outcome.fingerprint for outcome in before}
    new = {o.fingerprint: o.label for o in after if o.fingerprint and o.fingerprint not in known_before}
    return FixCheck(found, new)


def _with(outcomes: list[Outcome], fingerprint: str) -> int:
    return sum(outcome.fingerprint == fingerprint for outcome in outcomes)
