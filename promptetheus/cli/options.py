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


def add_json(parser: argparse.ArgumentParser) -> None:
    """`--json`: the same as data."""
    parser.add_argument("--json", action="store_true", help="print JSON")
