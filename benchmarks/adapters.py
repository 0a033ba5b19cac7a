"""What an adapter costs a call, next to the framework's own tracing or the one that is made for it.

    .adapters/frameworks/bin/python -m benchmarks.adapters [--calls 20] [--rounds 20] [WORD OF A FRAMEWORK …]
    .adapters/crewai/bin/python -m benchmarks.adapters crewai

The models are functions in this process, so that nothing but the framework and its tracing is measured: CPU time per
call, of all threads, in rounds in which all ways take turns. Ours is on disk when the call returns; the others hand
their spans to an exporter that throws them away, which is less than any of them does in use.

`adds` is what tracing adds to the median; `ours is` how much of that ours adds, 1.0 being as much.
"""

from __future__ import annotations

import argparse
import logging
import os
import tempfile

os.environ.update(
    LITELLM_LOCAL_MODEL_COST_MAP="True",
    LANGSMITH_TRACING="false",
    CREWAI_DISABLE_TELEMETRY="true",
    CREWAI_TRACING_ENABLED="false",
    HAYSTACK_TELEMETRY_ENABLED="False",
    DSPY_CACHEDIR=tempfile.mkdtemp(),
)

import promptetheus as pt
from benchmarks import adapters_agents as agents
from benchmarks import adapters_clients as clients
from benchmarks import adapters_surroundings as surroundings
from benchmarks.adapters_comparing import Comparison, Cost, measure
from promptetheus.adapters.pricing import cost_of
from promptetheus.adapters.usage import Usage

SOURCES = {
    "openai": clients.openai,
    "anthropic": clients.anthropic,
    "litellm": clients.litellm,
    "pydantic-ai": clients.pydantic_ai,
    "langchain langgraph": agents.langchain,
    "llamaindex": agents.llamaindex,
    "autogen": agents.autogen,
    "dspy": agents.dspy,
    "haystack": agents.haystack,
    "crewai": agents.crewai,
    "playwright": surroundings.playwright,
    "opentelemetry otel": surroundings.opentelemetry,
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("frameworks", nargs="*", help="only these; default all that are installed")
    parser.add_argument("--calls", type=int, default=20, help="calls a round")
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    logging.disable(logging.WARNING)  # AutoGen says of a made up model that it is one
    cost_of("gpt-4o", Usage(1, 1))  # the price list is loaded once in a process: not a cost per call
    print(f"{'us a call':<46}{'median':>9}{'p99':>9}{'adds':>9}{'ours is':>9}")
    with tempfile.TemporaryDirectory() as spool:
        for names, source in SOURCES.items():
            if options.frameworks and not any(word in names for word in options.frameworks):
                continue
            with pt.start(agent="bench", user_goal="measure", spool_dir=spool):
                try:
                    for comparison in source():
                        report(comparison, measure(comparison, options.calls, options.rounds))
                except ModuleNotFoundError as missing:
                    print(f"{names}: {missing.name} is not installed here")


def report(comparison: Comparison, costs: dict[str, Cost]) -> None:
    """Print the rows of a comparison."""
    plain, ours = costs[""], costs["ours"]
    row(comparison.name, plain)
    row("  our adapter", ours, ours.median_us - plain.median_us)
    for name in comparison.others:
        adds = costs[name].median_us - plain.median_us
        ratio = (ours.median_us - plain.median_us) / adds if adds > plain.median_us / 100 else None
        row(f"  {name}", costs[name], adds, ratio)


def row(name: str, cost: Cost, adds_us: float | None = None, ratio: float | None = None) -> None:
    """Print one row."""
    adds = "" if adds_us is None else f"{adds_us:+,.0f}"
    of = "" if ratio is None else f"{ratio:.2f}"
    print(f"{name:<46}{cost.median_us:>9,.0f}{cost.p99_us:>9,.0f}{adds:>9}{of:>9}", flush=True)


if __name__ == "__main__":
    main()
