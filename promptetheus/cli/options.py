"""Options that several commands share."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from promptetheus.spool import DEFAULT_SPOOL_DIR

if TYPE_CHECKING:
    from promptetheus.queries.filter import Filter

FILTER_HELP = """filters: words that must occur, and terms like these; all must fit
  status:failed     failed goal and error; status:error is an error only, status:="failed goal" exactly that
  agent:browser     contains; agent:=browser is exactly; agent:"two words"
  tool:search type:error tag:nightly fp:8ae0 model:gpt goal: project: env: id: error:
  task:7 meta.trial:2   of the session's metadata: the task's id, all of it; any other name
  dur>2s tokens>4k cost>0.05 steps<=20 errors>0 in> out> events> calls> llm> size>1MB score.NAME<0.5
  -tag:flaky        not
Statuses are running, passed, failed goal, failed, crashed, completed, empty. The screen says `error` where JSON and
SQL say `failed`; a filter takes both words. status:failing is failed goal, failed or crashed."""
"""For the end of `--help` of commands that take a filter."""


def add_spool(parser: argparse.ArgumentParser, default: Path = Path(DEFAULT_SPOOL_DIR)) -> None:
    """`--spool DIR`, also as `--dir DIR`: the spool to read."""
    parser.add_argument(
        "--spool",
        "--dir",
        dest="spool",
        type=Path,
        default=default,
        metavar="DIR",
        help=f"the spool directory (default {default})",
    )


def add_spools(parser: argparse.ArgumentParser) -> None:
    """`--spool DIR` any number of times; the result is `args.spools`, with the default spool when none is named."""
    parser.add_argument(
        "--spool",
        "--dir",
        dest="spools",
        type=Path,
        action=_Spools,
        default=[Path(DEFAULT_SPOOL_DIR)],
        metavar="DIR",
        help=f"a spool directory, may be repeated (default {DEFAULT_SPOOL_DIR})",
    )


def named(spools: Iterable[Path]) -> str:
    """How a sentence names the spools."""
    return ", ".join(map(str, spools))


class _Spools(argparse.Action):
    """Collects directories; the first one named replaces the default."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: object,
        option_string: str | None = None,
    ) -> None:
        before = getattr(namespace, self.dest)
        named = [] if before is self.default else before
        setattr(namespace, self.dest, named if values in named else [*named, values])


def add_json(parser: argparse.ArgumentParser) -> None:
    """`--json`: the same as data."""
    parser.add_argument("--json", action="store_true", help="print JSON")


def add_limit(parser: argparse.ArgumentParser, default: int | None, what: str) -> None:
    """`--limit N`, at least 1, or `all`; `args.limit` is None for all."""
    said = "all" if default is None else str(default)
    parser.add_argument(
        "--limit",
        type=_limit,
        default=default,
        metavar="N",
        help=f"at most so many {what}, or all (default {said})",
    )


def a_filter(text: str) -> Filter:
    """The type of an option that takes a filter; what is not understood is an error of usage."""
    from promptetheus.queries.filter import BadFilter, read_filter

    try:
        return read_filter(text)
    except BadFilter as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def add_filter(parser: argparse.ArgumentParser, which: str) -> None:
    """`--filter TEXT`; `args.filter` is a Filter. The end of the help explains the language."""
    parser.add_argument("--filter", type=a_filter, default="", metavar="TEXT", help=which)
    parser.epilog = FILTER_HELP


def _limit(text: str) -> int | None:
    if text.casefold() == "all":
        return None
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is neither a number from 1 nor the word all")
    return number
