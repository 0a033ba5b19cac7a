"""A team of two AutoGen agents, one with a tool, recorded by AutoGenAdapter.

pip install 'promptetheus[autogen]' 'autogen-ext[openai]'
OPENAI_API_KEY=… python examples/autogen_agent.py "What is 19 plus 23? Use the tool."
"""

import asyncio
import sys

from autogen_agentchat.agents import AssistantAgent
from autogen_agentchat.teams import RoundRobinGroupChat
from autogen_ext.models.openai import OpenAIChatCompletionClient

import promptetheus as pt
from promptetheus.adapters import AutoGenAdapter


async def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


async def main(goal: str) -> None:
    client = OpenAIChatCompletionClient(model="gpt-4o-mini")
    helper = AssistantAgent("helper", client, tools=[add], reflect_on_tool_use=True)
    critic = AssistantAgent("critic", client, system_message="Say whether the answer is right.")
    team = RoundRobinGroupChat([helper, critic], max_turns=2, name="pair")
    with pt.start(agent="autogen-example", user_goal=goal) as session, AutoGenAdapter() as adapter:
        adapter.attach(team)
        session.user_message(goal)
        result = await team.run(task=goal)
        print(result.messages[-1].to_text())
    await client.close()


if __name__ == "__main__":
    asyncio.run(main(" ".join(sys.argv[1:]) or "What is 19 plus 23? Use the tool."))
