"""Print the version."""

from __future__ import annotations

import argparse

from promptetheus import __version__
from promptetheus.cli.options import add_json
from promptetheus.cli.output import print_json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    if arguments.json:
        print_json({"version": __version__})
    else:
        print(__version__)
    return 0
