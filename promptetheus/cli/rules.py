"""What comparisons ignore, and what each tool does to the world: as guessed, why, and as corrected by you.

--ignore and --no-ignore switch a rule for this project, --effect TOOL=read|write|handoff corrects a guess and
TOOL=guess takes the correction back. All this stands in rules.toml beside the spool, where your own rules go, too:

    [[rule]]
    name = "tickets"
    pattern = 'TICKET-[0-9]+'      # or json_path = "**.request_id"

Exit code 0: shown or changed; 1: the file has mistakes, or could not be written; 2: not understood.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from promptetheus.cli.options import add_json, add_spool
from promptetheus.cli.output import out, print_json, quoted, say
from promptetheus.display import printable_line

if TYPE_CHECKING:
    from promptetheus.cause.effects import ToolEffect
    from promptetheus.project_rules import ProjectRules

_NO_CORRECTION = "guess"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "--effect",
        action="append",
        default=[],
        type=_correction,
        metavar="TOOL=WORD",
        help="what a tool does: read, write, handoff, or guess",
    )
    parser.add_argument(
        "--ignore", action="append", default=[], metavar="RULE", help="ignore this in every comparison"
    )
    parser.add_argument("--no-ignore", action="append", default=[], metavar="RULE", help="compare it")
    parser.add_argument("--agent", help="only the tools of this agent")
    add_spool(parser)
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    from promptetheus.cause.effects import judge
    from promptetheus.project_rules import read_rules
    from promptetheus.queries.project_effects import evidence_of
    from promptetheus.queries.tasks import all_rows

    code = _change(arguments)
    if code:
        return code
    rules = read_rules(arguments.spool)
    for problem in rules.problems:
        say(problem)
    rows = [
        row for row in all_rows(arguments.spool) if arguments.agent is None or row.agent == arguments.agent
    ]
    evidence = evidence_of(arguments.spool, rows)
    seen = {tool for session in evidence for tool in session}
    for tool, word in arguments.effect:
        if tool not in seen and word != _NO_CORRECTION:
            say(f"No session here has called {printable_line(tool, 60)} yet: is that its name?")
    effects = judge(evidence, rules.effects)
    guesses = sorted(effects.values(), key=lambda known: (known.effect != "write", known.tool))
    if arguments.json:
        print_json(_as_json(rules, guesses))
    else:
        _print(rules, guesses)
    return 1 if rules.problems else 0


def _correction(text: str) -> tuple[str, str]:
    from promptetheus.project_rules import EFFECT_WORDS

    tool, _, word = text.rpartition("=")
    if not tool or word not in (*EFFECT_WORDS, _NO_CORRECTION):
        words = ", ".join((*EFFECT_WORDS, _NO_CORRECTION))
        raise argparse.ArgumentTypeError(f"{text!r}: write TOOL=WORD with one of {words}")
    return tool, word


def _change(arguments: argparse.Namespace) -> int:
    """Write what was asked for; 0 when that is done, or nothing was asked for."""
    from promptetheus.cause.noise import NOISE_RULES
    from promptetheus.project_rules import write_rule

    known = {rule.name for rule in NOISE_RULES}
    unknown = [name for name in (*arguments.ignore, *arguments.no_ignore) if name not in known]
    if unknown:
        names = ", ".join(rule.name for rule in NOISE_RULES)
        say(f"promptetheus rules: no rule of ours is called {quoted(unknown[0])}; there are {names}")
        return 2
    changes: list[tuple[str, str, str | bool | None]] = [
        ("effects", tool, None if word == _NO_CORRECTION else word) for tool, word in arguments.effect
    ]
    changes += [("ignore", name, True) for name in arguments.ignore]
    changes += [("ignore", name, False) for name in arguments.no_ignore]
    for table, key, value in changes:
        try:
            path = write_rule(arguments.spool, table, key, value)
        except (ValueError, OSError) as error:
            say(f"The rules were not changed: {error}.")
            return 1
        say(f"{path}: {key} = {value if value is not None else 'as guessed'}")
    return 0


def _print(rules: ProjectRules, guesses: list[ToolEffect]) -> None:
    out(f"Rules of this project: {rules.path}{'' if rules.path.exists() else ' (not there yet)'}")
    out("\nComparisons ignore")
    for rule, on in rules.noise().switches:
        own = "  (yours)" if rule.own else ""
        out(
            f"  {'✓' if on else '·'} {printable_line(rule.name, 40):<10} {printable_line(rule.meaning, 160)}{own}"
        )
    out("\nWhat tools do to the world")
    if not guesses:
        out("  No tool was called yet.")
    width = min(40, max((len(known.tool) for known in guesses), default=0))
    for known in guesses:
        tool = printable_line(known.tool, 60)
        out(f"  {known.effect.value:<7}  {tool:<{width}}  {known.confidence:4.0%}  {known.reason}")


def _as_json(rules: ProjectRules, guesses: list[ToolEffect]) -> dict[str, Any]:
    return {
        "file": str(rules.path),
        "problems": list(rules.problems),
        "ignored": [
            {"name": rule.name, "meaning": rule.meaning, "on": on, "own": rule.own}
            for rule, on in rules.noise().switches
        ],
        "effects": [
            {
                "tool": known.tool,
                "effect": known.effect.value,
                "confidence": known.confidence,
                "reason": known.reason,
                "corrected": known.tool in rules.effects,
            }
            for known in guesses
        ],
    }
