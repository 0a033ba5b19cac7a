"""How a tau2-bench simulation was judged: what did not match, in words, as a goal check and a score."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from promptetheus.importers.draft import Draft, Tally
from promptetheus.importers.expected_calls import Call, Difference, as_metadata, differences, signature
from promptetheus.importers.narrowing import arguments, items, mapping, number, text
from promptetheus.importers.preview import cut, preview

PASSING_REWARD = 1 - 1e-6
"""The reward is a product of the parts that count; below 1 one of them failed."""

_MAX_LISTED = 100
_KNOWN_KEYS = frozenset(
    {"id", "task_id", "timestamp", "start_time", "end_time", "duration", "termination_reason", "agent_cost",
     "user_cost", "reward_info", "messages", "trial", "seed", "policy"}
)  # fmt: skip
_MAX_WORDS = 300


def verdict(simulation: dict[str, Any], made: Sequence[Call], kept: Tally) -> Iterator[Draft]:
    """The goal check and the score of a simulation; nothing when it was not judged.

    `made` are the calls of the run. What decided (by the file's `reward_basis`) comes first among the mismatches.
    A run that passed has none: what did not match without counting is metadata, `not_required`.
    """
    info = mapping(simulation.get("reward_info"))
    reward = number(info.get("reward"))
    other = {
        key: preview(item)
        for key, item in simulation.items()
        if key not in _KNOWN_KEYS and item not in (None, [], {}, "")
    }
    for key in other:
        kept.add(f"simulation field {key}")
    if reward is None:
        if other:
            yield Draft("state_change", {"name": "simulation", "before": None, "after": other}, "other")
        return
    basis = [text(part) for part in items(info.get("reward_basis"))]
    unmatched = _unmatched_actions(info, made)
    deciding, further = _mismatches(info, basis, unmatched)
    passed = reward >= PASSING_REWARD
    metadata: dict[str, Any] = {
        "reward": reward,
        "reward_basis": basis,
        "reward_breakdown": preview(info.get("reward_breakdown")),
        "expected_actions": [
            preview({"name": action.get("name"), "arguments": action.get("arguments")})
            for action in _actions(info.get("action_checks"))
        ],
        "other": other,
    }
    mismatches: list[str] = []
    if passed:
        metadata["not_required"] = deciding + further
    else:
        mismatches = deciding + further or [_unexplained(info, simulation, reward)]
        metadata["unmatched"] = as_metadata(unmatched)
    metadata = {key: item for key, item in metadata.items() if item not in (None, [], {})}
    yield Draft("goal_check", {"passed": passed, "mismatches": mismatches}, "verdict", metadata=metadata)
    yield Draft("score", {"name": "reward", "value": reward, "source": "tau2-bench"}, "reward")


def _mismatches(
    info: dict[str, Any], basis: list[str], unmatched: list[Difference]
) -> tuple[list[str], list[str]]:
    """What did not match: what decided, and what was only looked at."""
    parts = {
        "DB": _database(info.get("db_check")),
        "ENV_ASSERTION": _unmet(
            info.get("env_assertions"), "env_assertion", "environment assertion failed: "
        ),
        "ACTION": [difference.words for difference in unmatched],
        "COMMUNICATE": _unmet(info.get("communicate_checks"), "info", "not communicated: "),
        "NL_ASSERTION": _unmet(info.get("nl_assertions"), "nl_assertion", "assertion not met: "),
    }
    deciding = [words for part, found in parts.items() if part in basis for words in found]
    further = [words for part, found in parts.items() if part not in basis for words in found]
    return deciding, further


def _database(check: object) -> list[str]:
    matched = mapping(check).get("db_match")
    return ["final database state differs from the expected one"] if matched is False else []


def _actions(checks: object) -> list[dict[str, Any]]:
    return [mapping(mapping(check).get("action")) for check in items(checks)[:_MAX_LISTED]]


def _unmatched_actions(info: dict[str, Any], made: Sequence[Call]) -> list[Difference]:
    """What the file says was not matched, each with the call that comes closest; where the database differs, also
    the calls that change something and stand for no expected action."""
    checks = info.get("action_checks")
    matched_by_file: dict[int, bool] = {}
    expected = []
    strict = bool(_database(info.get("db_check")))
    for check, action in zip(items(checks), _actions(checks), strict=False):
        call = Call(text(action.get("name")) or "?", arguments(action.get("arguments")))
        expected.append(call)
        matched_by_file[id(call)] = mapping(check).get("action_match") is not False
        strict = strict and action.get("compare_args") is None
    found = []
    for difference in differences(expected, made):
        call_ = difference.expected
        if call_ is None:
            if strict:  # with compare_args, what we take for unexpected may be what was matched
                found.append(difference)
        elif not matched_by_file[id(call_)]:
            words = f"expected action not taken: {signature(call_.name, call_.arguments)}"
            found.append(difference._replace(words=words))
    return found


def _unmet(checks: object, subject: str, words: str) -> list[str]:
    found = []
    for check in map(mapping, items(checks)[:_MAX_LISTED]):
        if check.get("met") is False:
            what = check.get(subject)
            if isinstance(what, dict):
                what = signature(text(what.get("func_name")) or "?", what.get("arguments"))
            found.append(words + cut(text(what) or "?", _MAX_WORDS))
    return found


def _unexplained(info: dict[str, Any], simulation: dict[str, Any], reward: float) -> str:
    note = text(mapping(info.get("info")).get("note"))
    reason = text(simulation.get("termination_reason"))
    return cut(note, _MAX_WORDS) or f"the reward is {reward:g}" + (f", ended by {reason}" if reason else "")
