"""How well the cause of a failure is found, on published runs whose first wrong call is known.

    python benchmarks/cause.py DATA          # DATA holds tau-bench/, tau2-bench/ and labels/

The verdict of every run (checks, scores, end, reward) is taken out before the code under test sees it; labels are
used for choosing pairs and for scoring only. Means are over tasks.
"""

from __future__ import annotations

import argparse
import itertools
import json
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence
from pathlib import Path
from typing import Any

from promptetheus.deviation import DeviationKind, deviation
from promptetheus.divergence import Comparison, DivergenceKind, compare
from promptetheus.effects import Effects, infer_effects
from promptetheus.failures import Outcome, failures
from promptetheus.importers.intake import import_paths
from promptetheus.signatures import Run, make_run
from promptetheus.suspects import find_suspects

Label = dict[str, Any]
VERDICTS = {"goal_check", "score", "session_end"}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("-v", "--verbose", action="store_true", help="name every pair that is wrong")
    arguments = parser.parse_args()
    data: Path = arguments.data
    with tempfile.TemporaryDirectory() as folder:
        tau(data, Path(folder) / "tau", arguments.verbose)
        tau2(data, Path(folder) / "tau2")
    speed()


def imported(source: Path, spool: Path) -> list[tuple[dict[str, Any], Run]]:
    """What each run is (metadata, record and file it came from) and the run without its verdict."""
    list(import_paths([source], spool))
    found = []
    for path in sorted(spool.glob("*.jsonl")):
        events = [json.loads(line) for line in path.read_text().splitlines()]
        about = events[0]["metadata"]
        known = {
            **about["session_metadata"],
            "agent": events[0]["payload"]["after"]["agent"],
            **about["imported"],
        }
        about["session_metadata"] = {}
        found.append((known, make_run(event for event in events if event["type"] not in VERDICTS)))
    return found


def ordinal(run: Run, place: int) -> int:
    """The how-manyth call of its session a step is, from 0."""
    calls = sorted(step.index for step in run.steps if step.kind == "tool")
    return calls.index(run.steps[place].index)


def mean_over_tasks(scores: dict[Any, list[float]]) -> float:
    return sum(sum(each) / len(each) for each in scores.values()) / max(1, len(scores))


def tau(data: Path, spool: Path, verbose: bool) -> None:
    labels = json.loads((data / "labels" / "tau-bench_airline_split-A.labels.json").read_text())
    source = data / "tau-bench" / "airline" / "gpt-4o-airline.split-A.json"
    runs = {known["record"]: run for known, run in imported(source, spool)}
    effects = infer_effects(runs.values())
    by_task: dict[Any, list[Label]] = defaultdict(list)
    for label in labels:
        by_task[label["task_id"]].append(label)
    exact, within, omitted, alarms = (defaultdict[Any, list[float]](list) for _ in range(4))
    for task, group in by_task.items():
        passing = [label for label in group if label["passed"]]
        for failed, passed in itertools.product([x for x in group if not x["passed"]], passing):
            right = runs[failed["list_index"]]
            found = compare(runs[passed["list_index"]], right, effects)
            wrong = failed["first_wrong_call_ordinal"]
            if wrong is not None:
                places = [ordinal(right, c.right) if c.right is not None else -1 for c in found.candidates]
                exact[task].append(float(places[:1] == [wrong]))
                within[task].append(float(wrong in places[:3]))
                if verbose and places[:1] != [wrong]:
                    print("  wrong call", task, failed["trial"], passed["trial"], wrong, places)
            elif failed["primary"] and failed["primary"][0].startswith("missing_write"):
                named = {each.name for each in found.missing_effects}
                omitted[task].append(float(failed["primary"][1] in named))
                if verbose and failed["primary"][1] not in named:
                    print("  omission", task, failed["trial"], passed["trial"], failed["primary"], named)
        for one, other in itertools.permutations(passing, 2):
            found = compare(runs[one["list_index"]], runs[other["list_index"]], effects)
            alarms[task].append(float(found.effective is not None))
            if verbose and found.effective is not None:
                print("  false alarm", task, one["trial"], other["trial"], found.effective.reason)
    print(f"tau-bench airline, split A: {len(runs)} runs")
    for words, scores, target in (
        ("wrong call exactly", exact, ">= 0.85"),
        ("wrong call in three", within, ">= 0.95"),
        ("missing tool named", omitted, ">= 0.95"),
        ("pass/pass false alarm", alarms, "<= 0.10"),
    ):
        pairs = sum(map(len, scores.values()))
        print(
            f"  {words:24} {mean_over_tasks(scores):.3f}  target {target}  ({pairs} pairs, {len(scores)} tasks)"
        )
    classes(by_task, runs, effects, verbose)


def classes(by_task: dict[Any, list[Label]], runs: dict[int, Run], effects: Effects, verbose: bool) -> None:
    """Deviation classes against the labels' primary, where a run of the same task passed."""
    truth: list[tuple[Any, ...]] = []
    told: list[tuple[Any, ...]] = []
    for group in by_task.values():
        passing = [runs[label["list_index"]] for label in group if label["passed"]]
        for label in group:
            if label["passed"] or not passing or not label["primary"]:
                continue
            found = deviation(runs[label["list_index"]], passing, effects)
            assert found is not None
            truth.append((label["primary"][0], label["primary"][1], tuple(label["primary"][2])))
            told.append((found.kind.value, found.tool, found.arguments))
            if verbose:
                print("  class", label["task_id"], label["trial"], truth[-1], told[-1])
    print(f"  deviation class          {len(truth)} failing runs with a passing one of their task")
    for words, length in (("fine", 3), ("coarse", 2)):
        a, b = [each[:length] for each in truth], [each[:length] for each in told]
        f1 = pairwise_f1(a, b)
        print(f"    {words:8} pairwise F1 {f1:.3f}  target >= 0.88   ARI {adjusted_rand(a, b):.3f}")
    assert {kind for kind, *_ in told} <= {kind.value for kind in DeviationKind}


def pairwise_f1(truth: Sequence[Hashable], told: Sequence[Hashable]) -> float:
    both = _pairs(zip(truth, told, strict=True))
    return 2 * both / max(1, _pairs(truth) + _pairs(told))


def adjusted_rand(truth: Sequence[Hashable], told: Sequence[Hashable]) -> float:
    both, one, other = _pairs(zip(truth, told, strict=True)), _pairs(truth), _pairs(told)
    expected = one * other / max(1, len(truth) * (len(truth) - 1) // 2)
    return (both - expected) / max(1e-9, (one + other) / 2 - expected)


def _pairs(items: Iterable[Hashable]) -> int:
    return sum(n * (n - 1) // 2 for n in Counter(items).values())


def tau2(data: Path, spool: Path) -> None:
    """Pairs of the two agents of tau2-bench, one of which passed: is an unmatched change named?"""
    labels = json.loads((data / "labels" / "tau2-bench.labels.json").read_text())
    found = imported(data / "tau2-bench" / "airline", spool)
    effects = infer_effects(run for _, run in found)
    runs = {(known["source"], known["record"]): run for known, run in found}
    by_task: dict[Any, list[Label]] = defaultdict(list)
    for label in labels:
        if "/airline/" in label["source"]:
            by_task[label["task_id"]].append(label)
    named, alarms, silent = [], [], []
    for group in by_task.values():
        for one, other in itertools.permutations(group, 2):
            key = [(Path(label["source"]).name, label["sim_index"]) for label in (one, other)]
            if not one["passed"] or any(each not in runs for each in key):
                continue
            outcome = compare(runs[key[0]], runs[key[1]], effects)
            if other["passed"]:
                alarms.append(outcome.effective is not None)
                continue
            changing = {a["name"] for a in other["unmatched_actions"] if _writes(effects, a["name"])}
            if changing:
                named.append(_names(outcome) & changing != set())
            else:
                silent.append(outcome.effective is not None)
    print(f"tau2-bench airline, pairs across the two agents: {len(runs)} runs")
    print(f"  an unmatched change is named           {sum(named)} of {len(named)}")
    print(f"  fails without one: a difference found  {sum(silent)} of {len(silent)}")
    print(f"  pass/pass false alarm                  {sum(alarms)} of {len(alarms)}")


def _writes(effects: Effects, tool: str) -> bool:
    return tool in effects and effects[tool].writes


def _names(outcome: Comparison) -> set[str]:
    return {found.name for found in outcome.candidates if found.kind is not DivergenceKind.WORDING}


def speed() -> None:
    """Processor time, for a machine that does other things too; reading the files is not in it."""
    for steps, budget in ((5_000, "500 ms"), (50_000, "5 s")):
        one, other = (_long(steps, offset) for offset in (0, 25))
        began = time.process_time()
        outcome = compare(make_run(one), make_run(other))
        took = (time.process_time() - began) * 1000
        coarse = ", coarse" if outcome.sides.coarse else ""
        print(f"diff of two runs of {steps} steps: {took:.0f} ms{coarse}  budget {budget}")
    sessions = [_long(100, offset) for offset in range(500)]
    began = time.process_time()
    runs = [make_run(session) for session in sessions]
    find_suspects(runs[:250], runs[250:])
    print(
        f"suspects over 500 sessions of 100 steps: {(time.process_time() - began) * 1000:.0f} ms  budget 2 s"
    )
    outcomes = [
        Outcome(f"s{n}", n * 60.0, "agent", f"goal {n % 40}", f"{n % 9_000:012x}") for n in range(10_000)
    ]
    began = time.process_time()
    failures(outcomes)
    print(f"failures of 10,000 sessions: {(time.process_time() - began) * 1000:.0f} ms  budget 1 s")


def _long(steps: int, offset: int) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = []
    for number in range(steps):
        other = (number + offset) % 50 == 0
        arguments = {"query": f"flights {number % 700}{' direct' if other else ''}", "limit": 20}
        call = {"tool_name": "search", "arguments": arguments, "call_id": f"call_{number:08}"}
        answer = {
            "call_id": f"call_{number:08}",
            "result": [{"flight": f"HAT{number % 300}", "seats": number % 9}],
        }
        events += [
            {"type": "tool_call", "seq": 2 * number, "payload": call},
            {"type": "tool_result", "seq": 2 * number + 1, "payload": answer},
        ]
    return events


if __name__ == "__main__":
    main()
