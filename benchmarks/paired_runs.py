"""Runs of one task held against each other: is the labelled first wrong call the effective divergence?"""

from __future__ import annotations

import itertools
import json
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from benchmarks.labelled_runs import Labelled, imported
from benchmarks.scorecard import Scorecard, adjusted_rand, mean_over_tasks, pairwise_f1
from promptetheus.cause.deviation import deviation
from promptetheus.cause.divergence import DivergenceKind
from promptetheus.cause.effects import Effects, infer_effects
from promptetheus.cause.held_against import Comparison, compare
from promptetheus.cause.signatures import Run
from promptetheus.cause.steps import StepKind

Label = dict[str, Any]
Tasks = dict[Any, list[Label]]


class TauBench:
    """Split A of tau-bench airline: 25 tasks, four runs each, with the first wrong call of those that failed."""

    def __init__(self, data: Path, spool: Path) -> None:
        source = data / "tau-bench" / "airline" / "gpt-4o-airline.split-A.json"
        labels = json.loads((data / "labels" / "tau-bench_airline_split-A.labels.json").read_text())
        self.sessions: dict[int, Labelled] = {
            found.known["record"]: found for found in imported(source, spool)
        }
        self.runs: dict[int, Run] = {record: found.run for record, found in self.sessions.items()}
        self.effects = infer_effects(self.runs.values())
        self.tasks: Tasks = defaultdict(list)
        for label in labels:
            self.tasks[label["task_id"]].append(label)

    def run(self, label: Label) -> Run:
        """The run that a label is about."""
        return self.runs[label["list_index"]]

    def passing(self, label: Label) -> list[Run]:
        """The runs of the same task that passed."""
        return [self.run(other) for other in self.tasks[label["task_id"]] if other["passed"]]

    @property
    def failing(self) -> list[Label]:
        """The labels of the runs that failed."""
        return [label for group in self.tasks.values() for label in group if not label["passed"]]


def ordinal(run: Run, place: int) -> int:
    """The how-manyth call of its session a step is, from 0; -1 for what is no call."""
    calls = sorted(step.index for step in run.steps if step.kind is StepKind.TOOL)
    index = run.steps[place].index
    return calls.index(index) if index in calls else -1


def pairs(data: TauBench, card: Scorecard, verbose: bool) -> None:
    """Wrong calls, omissions and false alarms on the pairs of a task."""
    exact, within, omitted, alarms = (defaultdict[Any, list[float]](list) for _ in range(4))
    for task, group in data.tasks.items():
        passing = [label for label in group if label["passed"]]
        for failed, passed in itertools.product([label for label in group if not label["passed"]], passing):
            right = data.run(failed)
            found = compare(data.run(passed), right, data.effects)
            wrong = failed["first_wrong_call_ordinal"]
            if wrong is not None:
                places = [ordinal(right, c.right) if c.right is not None else -1 for c in found.candidates]
                exact[task].append(float(places[:1] == [wrong]))
                within[task].append(float(wrong in places[:3]))
                if verbose and places[:1] != [wrong]:
                    card.note(f"wrong call {task}, {failed['trial']}, {passed['trial']}: {wrong}, {places}")
            elif failed["primary"] and failed["primary"][0].startswith("missing_write"):
                named = {each.name for each in found.missing_effects}
                omitted[task].append(float(failed["primary"][1] in named))
                if verbose and failed["primary"][1] not in named:
                    card.note(f"omission {task}, {failed['trial']}: {failed['primary']}, {named}")
        for one, other in itertools.permutations(passing, 2):
            found = compare(data.run(one), data.run(other), data.effects)
            alarms[task].append(float(found.effective is not None))
            if verbose and found.effective is not None:
                card.note(f"false alarm {task}, {one['trial']}, {other['trial']}: {found.effective.reason}")
    card.section(f"tau-bench airline, split A: {len(data.runs)} runs, pairs of a task that passed and failed")
    card.at_least("wrong call is the effective divergence", mean_over_tasks(exact), 0.85, _size(exact))
    card.at_least("wrong call among the first three", mean_over_tasks(within), 0.95, _size(within))
    card.at_least("tool of the missing call is named", mean_over_tasks(omitted), 0.95, _size(omitted))
    card.at_most("false alarm on two that passed", mean_over_tasks(alarms), 0.10, _size(alarms))


def _size(scores: dict[Any, list[float]]) -> str:
    return f"({sum(map(len, scores.values()))} pairs, {len(scores)} tasks)"


def classes(data: TauBench, card: Scorecard, verbose: bool) -> None:
    """Deviation classes against the labels' primary, where a run of the same task passed; the others apart."""
    truth: list[tuple[Any, ...]] = []
    told: list[tuple[Any, ...]] = []
    confused: Counter[str] = Counter()
    alone: list[Label] = []
    for label in data.failing:
        found = deviation(data.run(label), data.passing(label), data.effects)
        if found is None:
            alone.append(label)
        elif label["primary"]:
            kind, tool, arguments = label["primary"]
            truth.append((kind, tool, tuple(arguments)))
            told.append((found.kind.value, found.tool, found.arguments))
            if (tool or "", tuple(arguments)) != (found.tool, found.arguments) or verbose:
                confused[f"{kind} {tool}{_names(arguments)} was told as {found.label}"] += 1
    card.section(f"deviation classes: {len(truth)} failing runs with a passing one of their task")
    for words, length in (("fine", 3), ("coarse", 2)):
        a, b = [each[:length] for each in truth], [each[:length] for each in told]
        about = f"ARI {adjusted_rand(a, b):.3f}"
        card.at_least(f"pairwise F1, {words}", pairwise_f1(a, b), 0.88, about)
    for case, times in confused.most_common():
        card.note(f"confused: {case}, {times}×")
    primary = Counter(label["primary"][0] for label in alone if label["primary"])
    kinds = ", ".join(f"{kind} {number}×" for kind, number in primary.most_common())
    card.note(f"{len(alone)} failing runs whose task no run passed get no class, only a ranking: {kinds}")


def _names(arguments: list[str]) -> str:
    return f"({', '.join(arguments)})" if arguments else ""


def tau2(data: Path, spool: Path, card: Scorecard) -> None:
    """Pairs of the two agents of tau2-bench, one of which passed: is an unmatched action that changes named?"""
    labels = json.loads((data / "labels" / "tau2-bench.labels.json").read_text())
    found = imported(data / "tau2-bench" / "airline", spool)
    effects = infer_effects(each.run for each in found)
    runs = {(each.known["source"], each.known["record"]): each.run for each in found}
    tasks: Tasks = defaultdict(list)
    for label in labels:
        if "/airline/" in label["source"]:
            tasks[label["task_id"]].append(label)
    named, first, alarms, silent = [], [], [], []
    for group in tasks.values():
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
                named.append(bool(_told(outcome) & changing))
                first.append(outcome.effective is not None and outcome.effective.name in changing)
            else:
                silent.append(outcome.effective is not None)
    card.section(f"tau2-bench airline, pairs across the two agents: {len(runs)} runs")
    card.note(f"an unmatched action that changes something is named      {sum(named)} of {len(named)}")
    card.note(f"  and is the effective divergence                        {sum(first)} of {len(first)}")
    card.note(f"fails without such an action: some difference is told    {sum(silent)} of {len(silent)}")
    card.note(f"false alarm on two that passed                           {sum(alarms)} of {len(alarms)}")


def _writes(effects: Effects, tool: str) -> bool:
    return tool in effects and effects[tool].writes


def _told(outcome: Comparison) -> set[str]:
    return {found.name for found in outcome.candidates if found.kind is not DivergenceKind.WORDING}
