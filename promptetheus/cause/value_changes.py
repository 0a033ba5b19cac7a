"""Where two JSON values differ, by path: `payment_methods[0].amount: 250 → 255`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from rapidfuzz.distance import Indel, Prefix

from promptetheus.cause.noise import DEFAULT_NOISE, Noise, Trail, onward
from promptetheus.cause.plain_form import IGNORED, plain
from promptetheus.display import printable_line, value

MAX_CHANGES = 50
MAX_DEPTH = 20
_MAX_MEMBERS = 1_000


class _Absent:
    """Stands for what is not there: None is a value."""

    def __repr__(self) -> str:
        return "absent"


ABSENT = _Absent()


_MOST_ALIKE = 20_000
"""Characters in which two texts are looked through for where they part."""


@dataclass(frozen=True, slots=True)
class ValueChange:
    """One difference between two values."""

    path: str
    """`passengers[0].dob`; "" when the values themselves differ. Places in a list are those before; of a member that
    was added, where it is now."""
    before: Any
    """The value there, or `ABSENT`."""
    after: Any

    @property
    def top(self) -> str:
        """The name the path begins with: which argument it is about."""
        return self.path.partition(".")[0].partition("[")[0]

    def path_in(self, whole: str) -> str:
        """The path with the name of the value before it: `result[0].amount`; "" without both."""
        between = "." if whole and self.path and not self.path.startswith("[") else ""
        return f"{whole}{between}{self.path}"

    def describe(self, limit: int = 120, whole: str = "") -> str:
        """One printable line; `whole` names the value that the change is in.

        Long texts that begin alike are shown from a little before where they part.

        Args:
            limit: Characters for both values together.
        """
        room = max(16, limit // 2)
        path = self.path_in(whole)
        where = f"{printable_line(path, limit)}: " if path else ""
        before, after = _from_where_they_part(self.before, self.after, room)
        return f"{where}{_shown(before, room)} → {_shown(after, room)}"


def value_changes(before: Any, after: Any, noise: Noise = DEFAULT_NOISE) -> list[ValueChange]:
    """The differences that are no noise, in the order of `before`; at most 50.

    Members of lists are aligned: one that was put in between is one change. What is too deep or too long to walk
    through is one change, too.
    """
    return list(islice(_changes(before, after, noise, noise.trails), MAX_CHANGES))


def changed_arguments(before: Any, after: Any, noise: Noise = DEFAULT_NOISE) -> tuple[str, ...]:
    """Names of the arguments that differ between two calls, sorted."""
    if not isinstance(before, Mapping) or not isinstance(after, Mapping):
        return () if same_value(before, after, noise) else ("",)
    names = {str(key) for key in [*before, *after][: 2 * _MAX_MEMBERS]}
    found = []
    for name in names:
        inside = onward(noise.trails, name) if noise.trails else ()
        one, other = before.get(name), after.get(name)
        if inside is not None and next(_changes(one, other, noise, inside), None) is not None:
            found.append(name)
    return tuple(sorted(found))


def same_value(one: Any, other: Any, noise: Noise = DEFAULT_NOISE) -> bool:
    """Whether two values differ in noise only."""
    try:
        if type(one) is type(other) and one == other:
            return True
    except RecursionError:  # nested beyond reason: `plain` looks only so deep
        pass
    return next(_changes(one, other, noise, noise.trails), None) is None


def _changes(before: Any, after: Any, noise: Noise, trails: tuple[Trail, ...]) -> Iterator[ValueChange]:
    work: list[tuple[str, Any, Any, int, tuple[Trail, ...]]] = [("", before, after, 0, trails)]
    while work:
        path, one, other, depth, trails = work.pop()
        if one is other or _is_same(one, other, noise, trails):
            continue
        members = _members(one, other, noise, trails) if depth < MAX_DEPTH else None
        if members is None:
            yield ValueChange(path, one, other)
            continue
        for step, left, right in reversed(members):
            inside = onward(trails, step.strip("[]")) if trails else ()
            if inside is not None:
                inner = step if not path or step.startswith("[") else f".{step}"
                work.append((path + inner, left, right, depth + 1, inside))


def _is_same(one: Any, other: Any, noise: Noise, trails: tuple[Trail, ...]) -> bool:
    """Containers whose numbers are all but equal are not the same here: their members are."""
    if one is ABSENT or other is ABSENT:
        return False
    if _is_number(one) and _is_number(other) and noise.is_close(one, other):
        return True
    return plain(one, noise, trails) == plain(other, noise, trails)


def _is_number(thing: object) -> bool:
    return isinstance(thing, int | float) and not isinstance(thing, bool)


Members = list[tuple[str, Any, Any]]


def _members(one: Any, other: Any, noise: Noise, trails: tuple[Trail, ...]) -> Members | None:
    """The members of two containers of the same kind side by side; None where there is no inside to look at."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        if len(one) > _MAX_MEMBERS or len(other) > _MAX_MEMBERS:
            return None
        keys = [*one, *(key for key in other if key not in one)]
        return [(str(key), one.get(key, ABSENT), other.get(key, ABSENT)) for key in keys]
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        if len(one) > _MAX_MEMBERS or len(other) > _MAX_MEMBERS:
            return None
        return _aligned(one, other, noise, trails)
    return None


def _aligned(one: Sequence[Any], other: Sequence[Any], noise: Noise, trails: tuple[Trail, ...]) -> Members:
    """Equal members side by side, as many as can be in the order of both; those in between pair by pair."""
    numbers: dict[str, int] = {}
    a, b = (
        [numbers.setdefault(_key(i, item, noise, trails), len(numbers)) for i, item in enumerate(items)]
        for items in (one, other)
    )
    equal = [step for step in Indel.opcodes(a, b) if step.tag == "equal"]
    ends = [(step.src_start, step.dest_start, step.src_end - step.src_start) for step in equal]
    found: Members = []
    i = j = 0
    for left_end, right_end, size in [*ends, (len(one), len(other), 0)]:
        paired = min(left_end - i, right_end - j)
        found += [(f"[{i + k}]", one[i + k], other[j + k]) for k in range(paired)]
        found += [(f"[{k}]", one[k], ABSENT) for k in range(i + paired, left_end)]
        found += [(f"[{k}]", ABSENT, other[k]) for k in range(j + paired, right_end)]
        i, j = left_end + size, right_end + size
    return found


def _key(place: int, item: Any, noise: Noise, trails: tuple[Trail, ...]) -> str:
    inside = onward(trails, str(place)) if trails else ()
    return IGNORED if inside is None else plain(item, noise, inside)


def _from_where_they_part(before: Any, after: Any, room: int) -> tuple[Any, Any]:
    """Two texts without most of what both begin with, where the difference would be cut off otherwise."""
    if not isinstance(before, str) or not isinstance(after, str):
        return before, after
    alike = Prefix.similarity(before[:_MOST_ALIKE], after[:_MOST_ALIKE])
    kept = room // 4
    if alike <= kept or max(len(before), len(after)) + 2 <= room:
        return before, after
    start = before.rfind(" ", 0, alike - kept) + 1 or alike - kept
    start = max(start, alike - 2 * kept)
    return f"…{before[start:]}", f"…{after[start:]}"


def _shown(thing: Any, limit: int) -> str:
    return "not there" if thing is ABSENT else value(thing, limit)
