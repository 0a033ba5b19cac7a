"""A project's own rules for comparing sessions: what is noise, and what its tools do to the world.

They stand in `rules.toml` beside the spool (`.promptetheus/rules.toml`), written by hand or by `promptetheus rules`:

    [ignore]              # switch the built-in rules
    numbers = true
    paths = false
    tolerance = 0.01      # JSON numbers that differ by less than 1 % are the same

    [[rule]]              # ignore what matches a regular expression, in every text
    name = "tickets"
    pattern = 'TICKET-\\d+'

    [[rule]]              # or what stands at a JSON path of arguments and results; * any member, ** any depth
    name = "request ids"
    json_path = "**.request_id"

    [effects]             # what a tool does: read, write or handoff
    lookup_and_reserve = "write"

A pattern is the project's own code: one that takes exponential time does so here, too.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from promptetheus.cause.noise import (
    DEFAULT_TOLERANCE,
    NOISE_RULES,
    TOLERANCE,
    Noise,
    NoiseRule,
    noise_rules,
    own_rule,
)
from promptetheus.project_files import beside
from promptetheus.spool import make_private_directory
from promptetheus.toml_key import with_key

FILE_NAME = "rules.toml"
EFFECT_WORDS = ("read", "write", "handoff")
MAX_BYTES = 1 << 18
MAX_RULES = 100


@dataclass(frozen=True, slots=True)
class ProjectRules:
    """What `rules.toml` says. Without a file: nothing."""

    path: Path
    """Where the file is, or would be."""
    switches: Mapping[str, bool] = field(default_factory=dict)
    """Built-in noise rules that are on or off here."""
    own: tuple[NoiseRule, ...] = ()
    tolerance: float = DEFAULT_TOLERANCE
    effects: Mapping[str, str] = field(default_factory=dict)
    """Tool name to `read`, `write` or `handoff`."""
    problems: tuple[str, ...] = ()
    """What was not understood and does not count, as sentences."""

    def noise(self, on: Iterable[str] = (), off: Iterable[str] = ()) -> Noise:
        """The rules in force, after the switches of one comparison. ValueError for a name that no rule has."""
        switches = {**self.switches, **dict.fromkeys(on, True), **dict.fromkeys(off, False)}
        return noise_rules(
            [name for name, is_on in switches.items() if not is_on],
            [name for name, is_on in switches.items() if is_on],
            self.own,
            self.tolerance,
        )


def read_rules(spool: Path) -> ProjectRules:
    """The rules of the project that a spool belongs to; never raises."""
    path = beside(spool, FILE_NAME)
    try:
        text = _read(path)
    except FileNotFoundError:
        return ProjectRules(path)
    except (OSError, ValueError) as error:
        return ProjectRules(path, problems=(f"{path} cannot be read: {error}",))
    return parse_rules(path, text)


def parse_rules(path: Path, text: str) -> ProjectRules:
    """The rules in a text; what is wrong with it is in `problems`."""
    try:
        data = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        return ProjectRules(path, problems=(f"{path} is no TOML: {error}",))
    problems = [f"[{key}] means nothing here" for key in data if key not in ("ignore", "rule", "effects")]
    switches, tolerance = _switches(_table(data, "ignore", problems), problems)
    own = _own(data.get("rule", []), problems)
    effects = _effects(_table(data, "effects", problems), problems)
    return ProjectRules(
        path, switches, own, tolerance, effects, tuple(f"{path.name}: {problem}" for problem in problems)
    )


def write_rule(spool: Path, table: str, key: str, value: str | bool | float | None) -> Path:
    """Set one key of `[ignore]` or `[effects]` in the file, or take it out; returns the file's path.

    Raises:
        ValueError: the file says it in a way that only a person can change.
        OSError: it cannot be read or written.
    """
    path = beside(spool, FILE_NAME)
    try:
        text = _read(path)
    except FileNotFoundError:
        text = ""
    changed = with_key(text, table, key, value)
    make_private_directory(path.parent)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    try:
        draft.write_text(changed, encoding="utf-8")
        os.replace(draft, path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
    return path


def _read(path: Path) -> str:
    if not path.is_file() and path.exists():
        raise ValueError("not a regular file")
    with path.open("rb") as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise ValueError(f"longer than {MAX_BYTES} bytes")
    return data.decode()


def _table(data: Mapping[str, Any], name: str, problems: list[str]) -> Mapping[str, Any]:
    found = data.get(name, {})
    if isinstance(found, dict):
        return found
    problems.append(f"{name} must be a table")
    return {}


def _switches(table: Mapping[str, Any], problems: list[str]) -> tuple[dict[str, bool], float]:
    known = {rule.name for rule in NOISE_RULES}
    switches: dict[str, bool] = {}
    tolerance = DEFAULT_TOLERANCE
    for name, value in table.items():
        if name == TOLERANCE and isinstance(value, int | float) and not isinstance(value, bool):
            if 0 < value < 1:
                tolerance, switches[name] = float(value), True
            else:
                problems.append("tolerance is more than 0 and less than 1")
        elif name not in known:
            problems.append(f"no noise rule is called {name!r}; there are {', '.join(sorted(known))}")
        elif isinstance(value, bool):
            switches[name] = value
        else:
            problems.append(f"{name} must be true or false")
    return switches, tolerance


def _own(items: Any, problems: list[str]) -> tuple[NoiseRule, ...]:
    if not isinstance(items, list):
        problems.append("rule must be written as [[rule]]")
        return ()
    found: dict[str, NoiseRule] = {}
    for item in items[:MAX_RULES]:
        fields = item if isinstance(item, dict) else {}
        texts = {key: fields.get(key, "") for key in ("name", "pattern", "json_path")}
        try:
            if not all(isinstance(text, str) for text in texts.values()):
                raise ValueError("name, pattern and json_path are texts")
            rule = own_rule(**texts, on=fields.get("on") is not False)
        except ValueError as error:
            problems.append(str(error))
            continue
        if rule.name in found:
            problems.append(f"two rules are called {rule.name!r}")
        found.setdefault(rule.name, rule)
    if len(items) > MAX_RULES:
        problems.append(f"only the first {MAX_RULES} rules count")
    return tuple(found.values())


def _effects(table: Mapping[str, Any], problems: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for tool, word in table.items():
        if word in EFFECT_WORDS:
            found[tool] = word
        else:
            problems.append(f"the effect of {tool!r} must be one of {', '.join(EFFECT_WORDS)}")
    return found
