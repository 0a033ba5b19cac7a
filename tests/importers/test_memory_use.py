"""Large files are read in bounded memory, measured in a process of their own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.importers.foreign_runs import ClaudeLines, tau_answer, tau_call, tau_record

FILE_BYTES = 60 << 20
LIMIT_MB = 60
"""The interpreter with its libraries takes about 20 MB, and the largest thing held at once is one record."""

# VmHWM and not ru_maxrss: the latter begins with what the process that started this one held.
MEASURE = """
import sys
from promptetheus.cli import main
code = main(["import", sys.argv[1], "--spool", sys.argv[2]])
with open("/proc/self/status") as status:
    peak_kb = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
print(code, peak_kb >> 10)
"""


def write_results(path: Path) -> None:
    turns = [tau_call("look", {"q": "x" * 200}), tau_answer("y" * 4_000, "look")] * 20
    with open(path, "w") as file:
        file.write("[")
        for trial in range(FILE_BYTES // 90_000):
            file.write("," * (trial > 0) + json.dumps(tau_record(*turns, trial=trial)))
        file.write("]")


def write_session(path: Path) -> None:
    block = ClaudeLines().asks("x" * 2_000).calls("t", "Bash", command="y" * 2_000).answers("t", "z" * 4_000)
    lines = [json.dumps(record) for record in block.records]
    with open(path, "w") as file:
        for number in range(FILE_BYTES // sum(map(len, lines))):
            for line in lines:
                file.write(line.replace('"uuid": "main', f'"uuid": "{number}') + "\n")


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak of a process is read from /proc")
@pytest.mark.parametrize("write", [write_results, write_session])
def test_a_large_file_takes_no_more_memory_than_a_small_one(
    write: Callable[[Path], None], tmp_path: Path
) -> None:
    path = tmp_path / "large.json"
    write(path)
    assert path.stat().st_size > FILE_BYTES * 0.9
    command = [sys.executable, "-c", MEASURE, str(path), str(tmp_path / "spool")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    code, peak_mb = map(int, done.stdout.splitlines()[-1].split())
    assert code == 0
    assert "Imported" in done.stdout
    assert peak_mb < LIMIT_MB
