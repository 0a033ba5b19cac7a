"""What a coding agent is told, on the command line: the tools of `promptetheus mcp`, with the same answers.

  promptetheus evidence situation
  promptetheus evidence find 'status:failed agent:booking'
  promptetheus evidence outline SESSION --budget 2000
  promptetheus evidence step SESSION 8 9 --part result --path items[0]
  promptetheus evidence compare SESSION [OTHER] [--group]
  promptetheus evidence fingerprint ID
  promptetheus evidence query 'select status, count(*) from sessions group by 1'
  promptetheus evidence verify FINGERPRINT --since 2026-11-22

Exit codes: 0 answered, 1 it could not be answered, 2 not understood.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from promptetheus.cli.options import add_json, add_spool
from promptetheus.cli.output import out, print_json, say

if TYPE_CHECKING:
    from promptetheus.mcp.answers import Answer
    from promptetheus.mcp.evidence import Evidence

TOOLS = ("situation", "find", "outline", "step", "compare", "fingerprint", "query", "verify")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("tool", choices=TOOLS, help="the question, see above")
    parser.add_argument(
        "words", nargs="*", metavar="WORD", help="what it is about: a session, a filter, SQL …"
    )
    parser.add_argument(
        "--kind", choices=["session", "step", "fingerprint"], default="session", help="find: what"
    )
    parser.add_argument("--limit", type=int, default=10, help="find: at most so many (1 to 200)")
    parser.add_argument("--budget", type=int, default=3_000, help="outline: bytes")
    parser.add_argument("--focus", type=int, metavar="STEP", help="outline: the steps around this one")
    parser.add_argument(
        "--part", choices=["all", "arguments", "result", "raw"], default="all", help="step: which part"
    )
    parser.add_argument("--path", default="", help="step: a place in it, such as result.items[3]")
    parser.add_argument("--offset", type=int, default=0, help="step: characters to leave out")
    parser.add_argument(
        "--group", action="store_true", help="compare: failing against passing sessions of the task"
    )
    parser.add_argument("--rows", type=int, default=50, help="query: at most so many (1 to 200)")
    parser.add_argument("--since", default="", metavar="TIME", help="verify: when it was mended")
    parser.add_argument(
        "--sessions", default="", metavar="FILTER", help="verify: sessions that ran with the fix"
    )
    parser.add_argument("--cursor", help="what an earlier answer left out")
    parser.add_argument("--max-bytes", type=int, default=None, help="of the answer (1000 to 32000)")
    add_spool(parser)
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    from promptetheus.mcp.answers import DEFAULT_BYTES, Refused, write
    from promptetheus.mcp.evidence import Evidence

    evidence = Evidence(arguments.spool)
    default = {"situation": 1_500, "outline": arguments.budget + 2_000}.get(arguments.tool, DEFAULT_BYTES)
    try:
        answer = _ask(evidence, arguments)
        if answer is None:
            return 2
        written = write(answer, arguments.cursor, arguments.max_bytes or default)
    except Refused as refusal:
        say(str(refusal))
        return 1
    finally:
        evidence.close()
    if arguments.json:
        print_json({"tool": arguments.tool, **written.as_json()})
    else:
        out(written.text())
    return 0


def _ask(evidence: Evidence, arguments: argparse.Namespace) -> Answer | None:
    tool, words = arguments.tool, arguments.words
    least = {"situation": 0, "find": 0, "step": 2}.get(tool, 1)
    most = {"situation": 0, "compare": 2, "outline": 1, "fingerprint": 1, "verify": 1}.get(tool, 1_000)
    if not least <= len(words) <= most:
        wrong = "too many words" if len(words) > most else "a word is missing"
        say(f"promptetheus evidence {tool}: {wrong}, see --help")
        return None
    match tool:
        case "situation":
            return evidence.situation()
        case "find":
            return evidence.find(" ".join(words), arguments.kind, arguments.limit)
        case "outline":
            return evidence.outline(words[0], arguments.budget, arguments.focus)
        case "step":
            if not all(word.isdecimal() for word in words[1:]):
                say("promptetheus evidence step: SESSION and then numbers of steps")
                return None
            steps = [int(word) for word in words[1:]]
            return evidence.step(words[0], steps, arguments.part, arguments.path, arguments.offset)
        case "compare":
            return evidence.compare(words[0], words[1] if len(words) > 1 else "", arguments.group)
        case "fingerprint":
            return evidence.fingerprint(words[0])
        case "query":
            return evidence.query(" ".join(words), arguments.rows)
    return evidence.verify(words[0], arguments.since, arguments.sessions)
