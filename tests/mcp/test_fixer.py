"""A fixer without a model: from a failing project to a verified fix, by MCP answers alone."""

from __future__ import annotations

import re
import subprocess
import sys
import textwrap
from pathlib import Path

from mcp import Client
from mcp_types import TextContent

from promptetheus.mcp.evidence import Evidence
from promptetheus.mcp.server import build_server

AGENT = """
import sys
import promptetheus as pt

DAYS = {"Tuesday": "Wednesday"}

def choose(day):
    return DAYS.get(day, day)

@pt.tool
def book(day):
    return f"{day} 2pm"

def run(name, wanted):
    with pt.start(agent="booking", user_goal="Book the day that was asked for", session_id=name, transport="spool",
                  spool_dir=sys.argv[1]) as session:
        session.user_message(f"Book {wanted}")
        got = book(choose(wanted))
        session.goal_check(got.startswith(wanted), [] if got.startswith(wanted) else [f"booked {got}"])

for number in range(int(sys.argv[3])):
    run(f"{sys.argv[2]}-{number}", "Tuesday" if number % 2 else "Friday")
"""


def play(agent: Path, spool: Path, name: str, runs: int) -> None:
    subprocess.run([sys.executable, str(agent), str(spool), name, str(runs)], check=True, timeout=120)


async def test_from_a_failing_project_to_a_verified_fix(tmp_path: Path) -> None:
    agent, spool = tmp_path / "agent.py", tmp_path / "spool"
    agent.write_text(textwrap.dedent(AGENT))
    play(agent, spool, "before", 8)
    used = 0
    async with Client(build_server(Evidence(spool))) as client:

        async def ask(tool: str, **arguments: object) -> str:
            nonlocal used
            [found] = (await client.call_tool(tool, arguments)).content
            assert isinstance(found, TextContent)
            used += len(found.text.encode())
            return found.text

        situation = await ask("situation")
        session = re.findall(r"outline\(session='([^']+)'\)", situation)[0]
        fingerprint = re.findall(r"\b[0-9a-f]{12}\b", situation)[0]
        compared = await ask("compare", a=session)
        wrong = re.findall(
            r'book was called with another[^\n]*"(\w+)" → "(\w+)"|day[^\n]*"(\w+)" → "(\w+)"', compared
        )
        assert wrong, compared
        assert "Wednesday" in compared
        assert "not enough" in await ask("verify", fingerprint=fingerprint)
        agent.write_text(
            agent.read_text().replace('DAYS = {"Tuesday": "Wednesday"}', "DAYS = {}")
        )  # the patch
        play(agent, spool, "after", 24)
        verdict = await ask("verify", fingerprint=fingerprint, sessions="after")
    assert f"{fingerprint}: gone." in verdict, verdict
    print(f"the fixer read {used} bytes, some {used // 4} tokens")
    assert used < 12_000
