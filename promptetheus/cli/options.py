"""Options that several commands share."""

from __future__ import annotations

import argparse
from pathlib import Path

from promptetheus.spool import DEFAULT_SPOOL_DIR


def add_spool(parser: argparse.ArgumentParser) -> None:
    """`--spool DIR`, also as `--dir DIR`: the spool to read."""
    parser.add_argument(
        "--spool",
        "--dir",
        dest="spool",
        type=Path,
        default=Path(DEFAULT_SPOOL_DIR),
        metavar="DIR",
        help=f"the spool directory (default {DEFAULT_SPOOL_DIR})",
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
