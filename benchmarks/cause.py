"""How well the cause of a failure is found, on published runs whose first wrong call or message is known.

    python -m benchmarks.cause DATA          # DATA holds tau-bench/, tau2-bench/, who-and-when/ and labels/

The verdict of every run (checks, scores, end, reward) is taken out before the code under test sees it; labels are
used for choosing pairs and for scoring only. Means are over tasks. Exit code 1 when a target is missed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks.cause_speed import speed
from benchmarks.lone_runs import tau as lone_tau
from benchmarks.lone_runs import who_and_when
from benchmarks.paired_runs import TauBench, classes, pairs, tau2
from benchmarks.scorecard import Scorecard
from benchmarks.unchanged import unchanged


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("-v", "--verbose", action="store_true", help="name every case that is wrong")
    parser.add_argument("--no-speed", action="store_true", help="leave the times out")
    arguments = parser.parse_args()
    data: Path = arguments.data
    card = Scorecard()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tau = TauBench(data, folder / "tau")
        pairs(tau, card, arguments.verbose)
        classes(tau, card, arguments.verbose)
        tau2(data, folder / "tau2", card)
        who_and_when(data, folder / "who", card, arguments.verbose)
        lone_tau(tau, card)
        unchanged(tau, data / "tau-bench" / "airline" / "gpt-4o-airline.split-A.json", folder, card)
    if not arguments.no_speed:
        speed(card)
    print(f"\n{len(card.missed)} target(s) missed" + "".join(f"\n  {each}" for each in card.missed))
    return 1 if card.missed else 0


if __name__ == "__main__":
    sys.exit(main())
