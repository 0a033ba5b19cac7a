"""What may differ between two runs of the same thing without meaning anything: visible, switchable rules.

Every rule is a `NoiseRule`: those of `NOISE_RULES`, and a project's own (`project_rules`). Ids that a program drew,
machine clocks and temporary folders are ignored by default; a date, a place or an amount that somebody chose never
is. The patterns here are linear in their input.

A view shows `Noise.switches` and toggles one with `Noise.switched`: the result goes into a new comparison.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TypeAlias

PARALLEL_ORDER = "parallel"
TOLERANCE = "tolerance"

Trail: TypeAlias = tuple[str, ...]
"""The steps of a JSON path that are still to go: names, `*` for any member, `**` for any depth."""


@dataclass(frozen=True, slots=True)
class NoiseRule:
    """Something that is not compared: texts of a pattern, what stands at a JSON path, or a kind of difference."""

    name: str
    meaning: str
    """For people: what is ignored."""
    pattern: re.Pattern[str] | None = None
    placeholder: str = ""
    """What a text of the pattern is replaced by before it is compared."""
    on: bool = True
    """Whether it applies unless somebody says otherwise."""
    needs: str = ""
    """A character without which the pattern cannot match: most texts are passed over at that."""
    trail: Trail = ()
    own: bool = False
    """Whether it is the project's, not one of ours."""


NOISE_RULES: tuple[NoiseRule, ...] = (
    NoiseRule(
        "uuids",
        "UUIDs, such as 3f2b8a10-5c6e-…",
        re.compile(r"\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b"),
        "‹uuid›",
        needs="-",
    ),
    NoiseRule(
        "ids",
        "call ids, addresses, ULIDs and long hexadecimal ids",
        re.compile(
            r"\b(?:call|toolu|chatcmpl|msg|req|resp|run|trace|span|sess)[_-][A-Za-z0-9]{8,64}\b"
            r"|\b0x[0-9a-fA-F]{4,16}\b"
            r"|\b01[0-9A-HJKMNP-TV-Z]{24}\b"
            r"|\b(?=[0-9]{0,64}[a-f])(?=[a-f]{0,64}[0-9])[0-9a-f]{12,64}\b"
        ),
        "‹id›",
    ),
    NoiseRule(
        "times",
        "timestamps that are not on a whole minute",
        # A time that somebody chose ends on a whole minute; a clock that was read does so once in sixty.
        re.compile(
            r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:(?!00(?!\d|\.\d))\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?"
        ),
        "‹time›",
        needs=":",
    ),
    NoiseRule(
        "durations",
        "durations in milliseconds or fractions of a second",
        re.compile(r"\b\d{1,12}(?:\.\d{1,9})?\s?(?:ms|µs|ns)\b|\b\d{1,12}\.\d{1,9}\s?(?:s|sec|seconds)\b"),
        "‹duration›",
        needs="s",
    ),
    NoiseRule(
        "paths",
        "temporary folders and home directories",
        re.compile(
            r"(?:/private)?/(?:tmp|var/folders|var/tmp)/[\w.+\-]{1,255}|/(?:home|Users)/[\w.\-]{1,64}"
        ),
        "‹folder›",
        needs="/",
    ),
    NoiseRule("numbers", "all numbers", re.compile(r"\d{1,64}(?:\.\d{1,64})?"), "‹n›", on=False),
    NoiseRule(TOLERANCE, "numbers that are almost the same", on=False),
    NoiseRule(PARALLEL_ORDER, "the order of calls that ran at the same time"),
)

DEFAULT_TOLERANCE = 0.01
"""How far apart numbers may be, relative to the larger one, when the rule is switched on and no other is named."""


@dataclass(frozen=True, slots=True)
class Noise:
    """The rules there are, and which of them are in force for a comparison."""

    known: tuple[NoiseRule, ...]
    """Ours first, then the project's, in the order they are applied."""
    active: frozenset[str]
    """Names of those that are in force."""
    tolerance: float = DEFAULT_TOLERANCE
    """Of the rule of that name."""
    patterns: tuple[NoiseRule, ...] = field(init=False, compare=False)
    """Those in force that are patterns."""
    has_own: bool = field(init=False, compare=False)
    """Whether a pattern of the project is among them: nothing is known of what it needs."""
    trails: tuple[Trail, ...] = field(init=False, compare=False)
    masks_numbers: bool = field(init=False, compare=False)
    """Whether JSON numbers are ignored like those in text."""
    texts: dict[str, str] = field(init=False, compare=False, repr=False)
    """Short texts seen with their plain forms: two runs of a task say much the same. `plain_form` fills it."""
    number_digits: int = field(init=False, compare=False)
    """Significant digits of a number that count: so many that no two that are told apart by the tolerance look
    alike. Two that are close may still look different: `is_close` decides."""

    def __post_init__(self) -> None:
        in_force = [rule for rule in self.known if rule.name in self.active]
        digits = 12
        if TOLERANCE in self.active:
            digits = min(12, 1 + math.ceil(-math.log10(self.tolerance)))
        for name, found in (
            ("patterns", tuple(rule for rule in in_force if rule.pattern is not None)),
            ("has_own", any(rule.own and rule.pattern is not None for rule in in_force)),
            ("trails", tuple(rule.trail for rule in in_force if rule.trail)),
            ("masks_numbers", "numbers" in self.active),
            ("number_digits", digits),
            ("texts", {}),
        ):
            object.__setattr__(self, name, found)

    @property
    def parallel(self) -> bool:
        """Whether the order of calls that ran at the same time is ignored."""
        return PARALLEL_ORDER in self.active

    @property
    def names(self) -> tuple[str, ...]:
        """What is ignored, for the line that says so."""
        return tuple(
            f"{rule.name} (±{self.tolerance:.3g})" if rule.name == TOLERANCE else rule.name
            for rule in self.known
            if rule.name in self.active
        )

    @property
    def switches(self) -> tuple[tuple[NoiseRule, bool], ...]:
        """Every rule with whether it is in force, for the list in which a person toggles them."""
        return tuple((rule, rule.name in self.active) for rule in self.known)

    def switched(self, name: str, on: bool) -> Noise:
        """The same with one rule on or off. ValueError for a name that no rule has."""
        self._must_know({name})
        return replace(self, active=self.active | {name} if on else self.active - {name})

    def is_close(self, one: float, other: float) -> bool:
        """Whether two numbers are the same as far as the tolerance goes."""
        return TOLERANCE in self.active and math.isclose(one, other, rel_tol=self.tolerance)

    def _must_know(self, names: Iterable[str]) -> None:
        unknown = set(names) - {rule.name for rule in self.known}
        if unknown:
            known = ", ".join(rule.name for rule in self.known)
            raise ValueError(f"no noise rule is called {', '.join(sorted(unknown))!r}; there are {known}")


def noise_rules(
    off: Iterable[str] = (),
    on: Iterable[str] = (),
    own: Iterable[NoiseRule] = (),
    tolerance: float = DEFAULT_TOLERANCE,
) -> Noise:
    """The default rules without `off`, with `on`, and with a project's own.

    Raises:
        ValueError: for a name that no rule has, or a tolerance that is not between 0 and 1.
    """
    if not 0 < tolerance < 1:
        raise ValueError(f"a tolerance is more than 0 and less than 1, not {tolerance:g}")
    off, on = set(off), set(on)
    known = (*NOISE_RULES, *own)
    noise = Noise(
        known,
        frozenset(r.name for r in known if (r.on or r.name in on) and r.name not in off),
        tolerance,
    )
    noise._must_know(off | on)
    return noise


def own_rule(name: str, *, pattern: str = "", json_path: str = "", on: bool = True) -> NoiseRule:
    """A rule of a project: a regular expression, or a JSON path into arguments and results.

    Raises:
        ValueError: saying what is wrong with it.
    """
    if not name or not name.isprintable() or len(name) > 60:
        raise ValueError("a rule needs a name of at most 60 printable characters")
    if any(rule.name == name for rule in NOISE_RULES):
        raise ValueError(f"noise rule {name!r}: there is one of that name already")
    if bool(pattern) == bool(json_path):
        raise ValueError(f"noise rule {name!r}: it needs a pattern or a json_path, one of the two")
    if pattern:
        try:
            compiled = re.compile(pattern)
        except (re.error, OverflowError, RecursionError) as error:
            raise ValueError(f"noise rule {name!r}: {error}") from error
        return NoiseRule(name, f"what matches {pattern}", compiled, f"‹{name}›", on, own=True)
    return NoiseRule(name, f"what stands at {json_path}", on=on, trail=_trail(name, json_path), own=True)


_PATH_STEP = re.compile(r"\[(\d+|\*)\]|([^.\[\]]+)")


def _trail(name: str, path: str) -> Trail:
    """`items[*].id` as its steps; `**.id` is an `id` anywhere."""
    rest = path.removeprefix("$").removeprefix(".")
    steps = tuple(index or word for index, word in _PATH_STEP.findall(rest))
    if not steps or _PATH_STEP.sub("", rest).strip("."):
        raise ValueError(f"noise rule {name!r}: {path!r} is no path; write headers.request_id or items[*].id")
    if set(steps) <= {"*", "**"}:
        raise ValueError(f"noise rule {name!r}: {path!r} would ignore everything")
    return steps


def onward(trails: tuple[Trail, ...], key: str) -> tuple[Trail, ...] | None:
    """The trails that go on below member `key`; None when one of them ends there: what is there is ignored."""
    found: list[Trail] = []
    for trail in trails:
        if trail[0] == "**":
            found.append(trail)
            trail = trail[1:]
        if trail and (trail[0] == key or trail[0] == "*"):
            if len(trail) == 1:
                return None
            found.append(trail[1:])
    return tuple(found)


DEFAULT_NOISE = noise_rules()
NO_NOISE = noise_rules(off=[rule.name for rule in NOISE_RULES])
