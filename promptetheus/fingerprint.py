"""A name for a way of failing: equal failures get equal fingerprints whatever their ids, times and paths.

The digest is the first 12 hex digits of SHA-256 over the sorted distinct signal lines joined with `|`.
Signals and normalisation are those of release 2.0.1 with its flaws mended: UUIDs and numbers of any length
collapse, apostrophes inside words do not pair up as quotes, a failing tool is named through its call_id,
`error_type` counts, a session status of success is no failure, and an error that the agent declared handled
is no failure by itself (it is part of the fingerprint of a session that failed for another reason).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

SUCCESS_STATUSES = frozenset({"completed", "success", "succeeded", "ok", "passed"})
"""Values of `session_end` status that mean the session ended well."""

MAX_TRACKED_CALLS = 10_000
"""Open calls whose tool name is remembered until the result comes; beyond, the oldest tenth is forgotten."""

MAX_SIGNALS = 1_000
"""Distinct ways of failing of one session that its fingerprint is made of; further ones are counted."""

_INPUT_LIMIT = 4_000
_NORMAL_LIMIT = 200
LABEL_LIMIT = 48
"""Characters of what was said that a label holds; the rest is left out without a mark, see `marked_label`."""

_CUT_HEADS = ("goal mismatch: ", "ended with ", "error ")
"""What labels begin with that hold no more than that."""

_MORE = " (+"
"""What counts the other labels behind the first."""

_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b"), "UUID"),
    (re.compile(r"0x[0-9a-fA-F]+"), "0xADDR"),
    (re.compile(r"\b(?=[0-9]*[a-fA-F])[0-9a-fA-F]{8,}\b"), "HEX"),
    (re.compile(r"(?:/[\w.\-]+)+"), "PATH"),
    (re.compile(r"(?<!\w)'[^\n]*?'(?!\w)|\"[^\n]*?\""), "STR"),
    (re.compile(r"\d+"), "N"),
    (re.compile(r"\s+"), " "),
)
_KIND = re.compile(r"\s*((?:[A-Za-z_]\w*\.)*[A-Za-z_]\w*?(?:Error|Exception))\b")


@dataclass(frozen=True)
class FailureFingerprint:
    """How a session failed, if it did."""

    is_failure: bool
    fingerprint: str
    """12 hex digits, or "" when nothing failed."""
    label: str
    """A few words for people: the first distinct failure and how many more there are."""
    signals: tuple[str, ...] = ()
    """The normalised lines that the digest is made of, sorted."""


def failure_fingerprint(events: Iterable[Mapping[str, Any]]) -> FailureFingerprint:
    """The fingerprint of a session's events, in any order. Malformed entries are skipped; never raises."""
    collector = SignalCollector()
    for event in in_order(events):
        collector.add(event)
    return collector.result()


def in_order(events: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The events sorted by `seq`, ties in the order given. Where one has no `seq`, the order given stands."""
    known = [event for event in events if type(event) is dict or isinstance(event, Mapping)]
    if all(type(event.get("seq")) is int for event in known):
        known.sort(key=lambda event: event["seq"])
    return known


def normalise(text: object) -> str:
    """Text with everything that differs between two runs of the same failure replaced by a placeholder."""
    line = str(text).strip()[:_INPUT_LIMIT]
    for pattern, placeholder in _RULES:
        line = pattern.sub(placeholder, line)
    return line.lower()[:_NORMAL_LIMIT]


def is_cut_label(label: str) -> bool:
    """Whether a label holds only the beginning of what was said. (One that ends just there passes for cut, too.)"""
    said = label.partition(_MORE)[0]
    for head in _CUT_HEADS:
        said = said.removeprefix(head)
    return len(said) == LABEL_LIMIT


def leaves_out(label: str) -> bool:
    """Whether a session has more to say of how it failed than a label holds."""
    return is_cut_label(label) or _MORE in label


def marked_label(label: str) -> str:
    """A label for people, with `…` where it was cut."""
    said, *more = label.partition(_MORE)
    return "".join((said, "…", *more)) if is_cut_label(label) else label


def told_in_full(failure: FailureFingerprint) -> str:
    """All that its signals say, that of its label first: ways of failing whose labels are the same differ in it."""
    first = failure.label.partition(_MORE)[0].casefold()
    said = sorted(map(_in_words, failure.signals), key=lambda words: not words.casefold().startswith(first))
    return "; ".join(said)


def _in_words(signal: str) -> str:
    """A signal as its label begins, and whole."""
    kind, _, said = signal.partition(":")
    match kind:
        case "goal":
            return f"goal mismatch: {said}"
        case "tool_error":
            tool, _, error = said.partition(":")
            return f"tool {tool} failed: {error}"
        case "error":
            name, _, message = said.partition(":")
            return f"error {name}: {message}" if name else f"error {message}"
        case "end_error":
            return f"ended with error {said}"
        case _:
            return f"session {said}"


def error_kind(text: str) -> str:
    """The exception class that a message starts with, without its module; "" when there is none."""
    match = _KIND.match(text[:_INPUT_LIMIT])
    return match.group(1).rpartition(".")[2] if match else ""


@dataclass
class SignalCollector:
    """Collects the failure signals of one session event by event."""

    tools: dict[str, str] = field(default_factory=dict)
    """Tool name by call_id, for results that do not name their tool."""
    left_out: dict[str, int] = field(default_factory=dict)
    """How many signals came after `MAX_SIGNALS` others (repetitions among them count again), and how many open
    calls were forgotten."""
    _signals: dict[str, str] = field(default_factory=dict)
    _handled: dict[str, str] = field(default_factory=dict)

    def add(self, event: Mapping[str, Any]) -> None:
        """Take one event into account. What is not an event is ignored."""
        if not isinstance(event, Mapping):
            return
        payload = event.get("payload")
        if not isinstance(payload, Mapping):
            payload = {}
        match event.get("type"):
            case "tool_call":
                self.remember_call(payload.get("call_id"), payload.get("tool_name"))
            case "tool_result":
                self._tool_result(payload)
            case "error":
                self._error(payload)
            case "goal_check":
                self._goal_check(payload)
            case "session_end":
                self._session_end(payload)

    def remember_call(self, call_id: object, tool: object) -> None:
        """Remember which tool a call_id belongs to, forgetting the oldest beyond `MAX_TRACKED_CALLS`."""
        if isinstance(call_id, str) and call_id and isinstance(tool, str):
            if len(self.tools) >= MAX_TRACKED_CALLS and call_id not in self.tools:
                self._leave_out("open_calls", forget_oldest_tenth(self.tools))
            self.tools[call_id] = tool

    def result(self) -> FailureFingerprint:
        """The fingerprint of what was added so far."""
        if not self._signals:
            return FailureFingerprint(False, "", "no failure detected")
        found = {**self._handled, **self._signals} if self._handled else self._signals
        signals = tuple(sorted(found))
        # Its import takes five milliseconds, which a list of sessions that all passed need not spend.
        from hashlib import sha256

        digest = sha256("|".join(signals).encode("utf-8", "replace")).hexdigest()[:12]
        labels = list(dict.fromkeys([*self._signals.values(), *self._handled.values()]))
        more = f"{_MORE}{len(labels) - 1} more)" if len(labels) > 1 else ""
        return FailureFingerprint(True, digest, labels[0] + more, signals)

    def _error(self, payload: Mapping[str, Any]) -> None:
        text = str(payload.get("message") or payload.get("error") or "error")
        kind = error_kind(text)
        declared = payload.get("error_type")
        if not kind and isinstance(declared, str):
            kind = declared.rpartition(".")[2]
        plain = normalise(text)
        into = self._handled if payload.get("handled") is True else self._signals
        self._note(f"error:{kind}:{plain}", f"error {kind or plain[:LABEL_LIMIT]}", into)

    def _tool_result(self, payload: Mapping[str, Any]) -> None:
        error, call_id = payload.get("error"), payload.get("call_id")
        named = self.tools.pop(call_id, None) if isinstance(call_id, str) else None
        if not error and payload.get("status") not in ("error", "failed"):
            return
        tool = payload.get("tool") or payload.get("name") or payload.get("tool_name") or named or "tool"
        tool = str(tool)[:_NORMAL_LIMIT]
        self._note(f"tool_error:{tool}:{normalise(error or 'failed')}", f"tool {tool} failed")

    def _goal_check(self, payload: Mapping[str, Any]) -> None:
        if not is_failed_check(payload):
            return
        mismatches = payload.get("mismatches")
        text = " ".join(map(str, mismatches)) if isinstance(mismatches, list | tuple) else ""
        plain = normalise(text) or "goal not met"
        self._note(f"goal:{plain}", f"goal mismatch: {plain[:LABEL_LIMIT]}")

    def _session_end(self, payload: Mapping[str, Any]) -> None:
        status, error = payload.get("status"), payload.get("error")
        if is_failed_status(status):
            text = str(status)[:_NORMAL_LIMIT]
            self._note(f"status:{text}", f"session {text}")
        if error:
            plain = normalise(error)
            self._note(f"end_error:{plain}", f"ended with error {plain[:LABEL_LIMIT]}")

    def _note(self, signal: str, label: str, into: dict[str, str] | None = None) -> None:
        into = self._signals if into is None else into
        if signal in into:
            return
        if len(into) < MAX_SIGNALS:
            into[signal] = label
        else:
            self._leave_out("signals")

    def _leave_out(self, what: str, number: int = 1) -> None:
        self.left_out[what] = self.left_out.get(what, 0) + number


def forget_oldest_tenth(entries: dict[str, Any]) -> int:
    """Delete the first tenth of a dictionary and say how many that were. One at a time, each search for the
    first would pass over all that were deleted before."""
    oldest = list(islice(entries, len(entries) // 10))
    for key in oldest:
        del entries[key]
    return len(oldest)


def is_failed_status(status: object) -> bool:
    """Whether a `session_end` status says that the session did not end well; None says nothing."""
    return status is not None and not (isinstance(status, str) and status in SUCCESS_STATUSES)


def is_failed_check(payload: Mapping[str, Any]) -> bool:
    """Whether a goal_check's verdict is negative: False, or a number that is 0; None is no verdict."""
    passed = payload.get("passed")
    return isinstance(passed, bool | int | float) and not passed
